"""Reads kept for a time that the settings give, until something is written at their backend."""

import re
from collections.abc import Callable, Mapping

import httpx

from adapters.wire import EXTENSION, CallInfo
from gateway.upstream.cache_store import Found, Kept, Store
from gateway.upstream.calls import CacheUse, call_of
from gateway.upstream.coalesce import GENERATION, REPEATED
from gateway.upstream.questions import digest_of, question_of

__all__ = ["CacheTransport", "seconds_allowed"]

_CONDITIONAL_METHODS = frozenset(("GET", "HEAD"))
"""Of any other method RFC 9110 (13.1.2) has a condition that fails refused with 412."""


class CacheTransport(httpx.AsyncBaseTransport):
    """Answers reads out of a store, and keeps the answers of those it passes on.

    ``seconds`` says for how long, by operation; other reads are passed on unkept. Only sound successes are kept, such
    as ``is_sound`` takes by status and body, and none that the vendor says is not to be. A fresh read is asked of the
    vendor, and kept for others.

    **A write ends everything kept of its backend**, before it is sent and after it ended, whatever came of it: what an
    answer depends on is the vendor's secret (a letter's status is part of its customer's page), and sends are few. A
    read that began before the write or during it is kept under a generation that is over, so nobody finds it.

    **Nobody is shown what is another's.** ``account`` is a digest of the backend and of its credential, and part of
    every key. Principals differ in nothing but which backends they see: the vendor is told of no principal, so it
    answers all who may see a backend alike, and whoever may not never gets as far as its stack.
    """

    def __init__(
        self,
        inner: httpx.AsyncBaseTransport,
        store: Store,
        *,
        account: bytes,
        seconds: Mapping[str, float],
        is_sound: Callable[[int, bytes], bool],
    ) -> None:
        self._inner = inner
        self._store = store
        self._account = account
        self._seconds = seconds
        self._is_sound = is_sound

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """The answer, kept or asked for."""
        info: CallInfo | None = request.extensions.get(EXTENSION)
        if info is not None and info.write:
            return await self._write(request, info.backend)
        seconds = 0.0 if info is None else self._seconds.get(info.operation, 0.0)
        question = question_of(request) if seconds else None
        if info is None or question is None:
            return await self._inner.handle_async_request(request)
        key = digest_of(question, self._account)
        found = await self._store.find(info.backend, key)
        if info.fresh:
            _tell(request, CacheUse.BYPASSED)
            found = Found(found.generation)
        elif found.kept is not None and found.fresh:
            _tell(request, CacheUse.HIT)
            return found.kept.response()
        else:
            _tell(request, CacheUse.MISS)
        response = await self._asked(request, found)
        await response.aread()
        allowed = min(seconds, seconds_allowed(response.headers))
        repeated = response.extensions.get(REPEATED, False)
        if found.generation is not None and not repeated and self._may_be_kept(response, allowed):
            await self._store.keep(info.backend, key, found.generation, Kept.of(response), allowed)
        return response

    async def aclose(self) -> None:
        """Closes the inner transport."""
        await self._inner.aclose()

    async def _asked(self, request: httpx.Request, found: Found) -> httpx.Response:
        """The vendor's answer; what was kept, where the vendor says that it still holds."""
        request.extensions[GENERATION] = found.generation
        conditions = {} if found.kept is None else found.kept.conditions
        if found.kept is None or not conditions or request.method not in _CONDITIONAL_METHODS:
            return await self._inner.handle_async_request(request)
        conditional = httpx.Request(
            request.method,
            request.url,
            headers=[*request.headers.raw, *httpx.Headers(conditions).raw],
            stream=request.stream,
            extensions=request.extensions,
        )
        response = await self._inner.handle_async_request(conditional)
        if response.status_code != httpx.codes.NOT_MODIFIED:
            return response
        _tell(request, CacheUse.REVALIDATED)
        renewed = found.kept.response()
        renewed.headers.update(
            {name: response.headers[name] for name in ("cache-control",) if name in response.headers}
        )
        renewed.extensions = response.extensions
        return renewed

    async def _write(self, request: httpx.Request, backend: str) -> httpx.Response:
        await self._store.drop(backend)
        try:
            return await self._inner.handle_async_request(request)
        finally:
            await self._store.drop(backend)

    def _may_be_kept(self, response: httpx.Response, seconds: float) -> bool:
        revalidates = "etag" in response.headers or "last-modified" in response.headers
        return (
            response.status_code == httpx.codes.OK
            and (seconds > 0 or (seconds == 0 and revalidates))
            and response.headers.get("vary", "").strip() != "*"
            and self._is_sound(response.status_code, response.content)
        )


def seconds_allowed(headers: httpx.Headers) -> float:
    """For how long the vendor lets a shared cache keep an answer (RFC 9111, 5.2.2); below 0: not at all."""
    directives = dict(re.findall(r"([a-z-]+)(?:\s*=\s*\"?([0-9]+))?", headers.get("cache-control", "").lower()))
    if not directives.keys().isdisjoint(("no-store", "private")):
        return -1.0
    if "no-cache" in directives:
        return 0.0
    age = directives.get("s-maxage") or directives.get("max-age")
    return float(age) if age else float("inf")


def _tell(request: httpx.Request, use: CacheUse) -> None:
    call = call_of(request)
    if call is not None:
        call.cache = use
