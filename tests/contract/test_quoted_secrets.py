"""A vendor that quotes what it was sent, credentials and all, is not repeated: nothing of it is in an error."""

import html
import json
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import quote

import httpx

from adapters.contract import Adapter, Connection, Vendor
from adapters.errors import AdapterError
from adapters.redaction import REDACTED
from tests.connecting import NOW, RunningSandbox
from tests.contract.test_secrets import errors_of, sessions, told


class Quoting(httpx.AsyncBaseTransport):
    """Once told to, answers each request with a refusal in all vendors' forms that quotes the request and the words."""

    def __init__(self, words: list[str], status: int) -> None:
        self._inner = httpx.AsyncHTTPTransport()
        self._words = words
        self._status = status
        self.quotes = False

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if not self.quotes:
            return await self._inner.handle_async_request(request)
        arrived = [f"{name}: {value}" for name, value in request.headers.items()]
        once = [str(request.url), *arrived, *self._words]
        words = "\n".join(form(text) for text in once for form in (str, quote, html.escape, json.dumps))
        nested = {
            "code": words,
            "message": words,
            "errorId": words,
            "supportId": words,
            "details": [{"message": words}],
        }
        names = ("errorcode", "errormessage", "Error", "Message", "error_code", "hint")
        refusal: dict[str, Any] = dict.fromkeys(names, words) | {"error": True if self._status == 200 else words}
        refusal["ia::result"] = {"ia::error": nested}
        return httpx.Response(self._status, json=refusal)

    async def aclose(self) -> None:
        await self._inner.aclose()


async def _told(vendor: Vendor, sandbox: RunningSandbox, status: int, ask: Callable[[Adapter], Awaitable[Any]]) -> int:
    """How much was struck out of the errors of calls that are all refused with quotes. Nothing is left in them.

    The sign-in works, except where ``ask`` is about it.
    """
    before = sandbox.count()
    engine = Quoting(list(sandbox.credentials.values()), status)
    settings = vendor.settings()
    transport = vendor.authenticate(
        engine,
        key="test",
        base_url=sandbox.base_url,
        credentials=vendor.credentials.of(sandbox.credentials),
        settings=settings,
        clock=lambda: NOW,
    )
    async with transport:
        adapter = vendor.connect(
            Connection(
                key="test",
                base_url=sandbox.base_url,
                transport=transport,
                settings=settings,
                limits=vendor.limits,
                clock=lambda: NOW,
            )
        )
        if ask is not errors_at_sign_in:
            await adapter.check()
        engine.quotes = True
        text = "\n".join(map(told, await ask(adapter)))
    assert text
    hidden = {*sandbox.credentials.values(), *sessions(sandbox.journal(before))}
    shown = text.lower()
    found = [
        secret
        for secret in hidden
        for form in (secret, quote(secret, safe=""), html.escape(secret), json.dumps(secret)[1:-1])
        if form.lower() in shown
    ]
    assert found == [], status
    return text.count(REDACTED)


async def errors_at_sign_in(adapter: Adapter) -> list[AdapterError]:
    try:
        await adapter.check()
    except AdapterError as error:
        return [error]
    return []


async def errors_of_files(adapter: Adapter) -> list[AdapterError]:
    """Of the files, where the vendor has some; else of its check."""
    if adapter.pdf is None:
        return await errors_at_sign_in(adapter)
    try:
        await adapter.pdf("1")
    except AdapterError as error:
        return [error]
    return []


REFUSALS = (200, 400, 403, 404, 409, 422, 500)


async def test_what_a_refusal_quotes_is_in_no_error(vendor: Vendor, sandbox: RunningSandbox) -> None:
    struck_out = [await _told(vendor, sandbox, status, errors_of) for status in REFUSALS]

    assert sum(struck_out) > 0  # the vendor's words are in the errors, less what they must not tell


async def test_what_a_refused_file_quotes_is_in_no_error(vendor: Vendor, sandbox: RunningSandbox) -> None:
    struck_out = [await _told(vendor, sandbox, status, errors_of_files) for status in REFUSALS]

    assert sum(struck_out) > 0


async def test_what_a_refused_sign_in_quotes_is_in_no_error(vendor: Vendor, sandbox: RunningSandbox) -> None:
    struck_out = [await _told(vendor, sandbox, status, errors_at_sign_in) for status in (401, *REFUSALS)]

    assert sum(struck_out) > 0  # by the code that is kept
