"""A credential that is known beforehand: it is put on a request, and nobody is asked for it."""

from collections.abc import Sequence

import httpx

from adapters.messages import Row, rows_of

__all__ = ["SigningTransport"]


class SigningTransport(httpx.AsyncBaseTransport):
    """Puts a credential on requests, and hides it in what comes back.

    Whoever sends requests in another way than through ``inner`` does the same with `signed` and `cleared`.
    """

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        self._inner = inner

    def signed(self, request: httpx.Request) -> httpx.Request | None:
        """A copy with the credential, or None for a request that must not have it.

        It is a copy since the policies outside log and repeat theirs, which never carries the credential.
        """
        raise NotImplementedError

    def sent(self, request: httpx.Request) -> tuple[httpx.URL, Sequence[Row]] | None:
        """Where `signed` would send it and with which fields, as `adapters.messages.rows_of` gives them; or None."""
        signed = self.signed(request)
        return None if signed is None else (signed.url, rows_of(signed.headers))

    def cleared(self, request: httpx.Request, response: httpx.Response) -> httpx.Response:
        """The answer to what ``request`` was signed for, knowing what in it must not be repeated."""
        raise NotImplementedError

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Passes the request on."""
        signed = self.signed(request)
        if signed is None:
            return await self._inner.handle_async_request(request)
        try:
            response = await self._inner.handle_async_request(signed)
        except httpx.RequestError as error:
            error.request = request
            raise
        return self.cleared(request, response)

    async def aclose(self) -> None:
        """Closes the inner transport."""
        await self._inner.aclose()
