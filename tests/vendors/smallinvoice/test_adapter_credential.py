"""The token: in the path of what goes out to the vendor, and in nothing else."""

import logging
import traceback
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from adapters.contract import Adapter, CreateLetter
from adapters.errors import AdapterError, Rejected
from adapters.shapes import RefusedError, SecretStr
from adapters.smallinvoice import vendor
from adapters.smallinvoice.credential import SmallinvoiceCredentials
from adapters.smallinvoice.letter_calls import LetterCalls
from tests.connecting import NOW, RunningSandbox, asking
from tests.vendors.smallinvoice.adapting import TOKEN, answering, enveloped, letters

BASE = "https://api.smallinvoice.example/v1"
QUOTED = "s3cret%2Ft0ken"
NEW = LetterCalls("test").create(CreateLetter(customer_id="16", address_id="11", date=NOW.date()))


class Seen:
    """A transport that keeps what arrives, and answers or fails as told."""

    def __init__(self, answer: Callable[[httpx.Request], httpx.Response] = lambda _: httpx.Response(200)) -> None:
        self.requests: list[httpx.Request] = []
        self._answer = answer

    def authenticated(self, base_url: str = BASE, token: str = TOKEN) -> httpx.AsyncBaseTransport:
        def answer(request: httpx.Request) -> httpx.Response:
            self.requests.append(request)
            return self._answer(request)

        return vendor.authenticate(
            httpx.MockTransport(answer),
            key="test",
            base_url=base_url,
            credentials=SmallinvoiceCredentials(token=SecretStr(token)),
            settings=vendor.settings(),
            clock=lambda: NOW,
        )


async def sent(url: str, *, base_url: str = BASE, token: str = TOKEN) -> str:
    """The URL that a request goes out to."""
    seen = Seen()
    await seen.authenticated(base_url, token).handle_async_request(httpx.Request("GET", url))
    (request,) = seen.requests
    return str(request.url)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/letter/get/id/5", "/letter/get/id/5/token/" + QUOTED),
        ("/letter/list/limit/1/", f"/letter/list/limit/1/token/{QUOTED}/"),
        ("/letter/get/id/a%2Fb?x=/1", f"/letter/get/id/a%2Fb/token/{QUOTED}?x=/1"),
    ],
)
async def test_the_token_is_the_paths_last_pair_and_a_slash_stays_last(path: str, expected: str) -> None:
    assert await sent(BASE + path) == BASE + expected
    assert await sent(BASE + path, base_url=BASE + "/") == BASE + expected


@pytest.mark.parametrize(
    "url",
    [
        "https://other.example/v1/letter/get/id/5",
        "http://api.smallinvoice.example/v1/letter/get/id/5",
        "https://api.smallinvoice.example:8443/v1/letter/get/id/5",
        "https://api.smallinvoice.example.other.example/v1/letter",
        "https://api.smallinvoice.example/v1x/letter",
        "https://api.smallinvoice.example/v2/letter",
        "https://api.smallinvoice.example/v1/%2e%2e/admin",
        "https://api.smallinvoice.example/v1/.%2E/admin",
        "https://api.smallinvoice.example/v1",
    ],
)
async def test_only_urls_under_the_base_get_the_token(url: str) -> None:
    assert await sent(url) == url


async def test_a_request_keeps_all_but_its_path() -> None:
    seen = Seen()
    request = httpx.Request(
        "POST", BASE + "/letter/add/", headers={"x-one": "1"}, content=b"data=1", extensions={"postroom": 1}
    )
    await seen.authenticated().handle_async_request(request)
    (out,) = seen.requests
    assert (out.method, await out.aread(), out.headers) == ("POST", b"data=1", request.headers)
    assert out.extensions == {"postroom": 1}


async def test_an_answer_is_to_the_request_without_the_token() -> None:
    location = f"{BASE}/elsewhere/token/{QUOTED}"
    seen = Seen(lambda _: httpx.Response(302, headers={"location": location, "x-id": "7"}))
    request = httpx.Request("GET", BASE + "/letter/get/id/5")
    response = await seen.authenticated().handle_async_request(request)
    assert (response.request, str(response.url)) == (request, BASE + "/letter/get/id/5")
    assert ("location" in response.headers, response.headers["x-id"]) == (False, "7")


async def test_a_failure_is_of_the_request_without_the_token() -> None:
    def fail(out: httpx.Request) -> httpx.Response:
        raise httpx.ReadError("broken", request=out)

    request = httpx.Request("GET", BASE + "/letter/get/id/5")
    with pytest.raises(httpx.ReadError) as caught:
        await Seen(fail).authenticated().handle_async_request(request)
    assert caught.value.request is request


@pytest.mark.parametrize("token", ["", ".", "..", "a b", "a\n", "ä", "x" * 257])
def test_a_token_that_fits_into_no_path_is_refused_unseen(token: str) -> None:
    with pytest.raises(RefusedError) as caught:
        SmallinvoiceCredentials.of({"token": token})
    assert f"input_value={token!r}" not in str(caught.value)
    assert "hide" not in str(caught.value)


def test_credentials_show_no_token() -> None:
    credentials = SmallinvoiceCredentials(token=SecretStr(TOKEN))
    assert TOKEN not in repr(credentials) + str(credentials) + repr(credentials.named())


def as_told(error: BaseException) -> str:
    """All that an error can tell: its own members, and those of what it came from where Python would show it."""
    texts = ["".join(traceback.format_exception(error)), repr(error), repr(vars(error))]
    context = error.__cause__ or error.__context__
    if context is not None:
        texts += [repr(context), repr(getattr(context, "_request", None)), as_told(context)]
    return "\n".join(texts)


def quoting(status: int, text: str) -> Callable[[httpx.Request], httpx.Response]:
    """A server that quotes the URL it was asked for."""

    def answer(request: httpx.Request) -> httpx.Response:
        message = text.replace("URL", str(request.url))
        body: Any = message.encode() if text.startswith("<") else None
        if body is not None:
            return httpx.Response(status, content=body)
        return httpx.Response(status, json={"error": True, "errorcode": 4, "errormessage": message})

    return answer


def breaking(kind: type[httpx.TransportError]) -> Callable[[httpx.Request], httpx.Response]:
    def answer(request: httpx.Request) -> httpx.Response:
        raise kind("it broke", request=request)

    return answer


@pytest.mark.parametrize(
    "answer",
    [
        quoting(200, "There is nothing at URL, sorry"),
        quoting(400, "There is nothing at URL?x=1"),
        quoting(200, f"There is no ?token={TOKEN}&x"),
        quoting(404, "<html>The requested URL was not found</html>"),
        quoting(500, "<html>URL</html>"),
        quoting(200, "<html>URL</html>"),
        breaking(httpx.ConnectError),
        breaking(httpx.ReadTimeout),
        breaking(httpx.RemoteProtocolError),
    ],
)
async def test_no_error_tells_the_token(answer: Callable[[httpx.Request], httpx.Response]) -> None:
    async with answering(answer) as adapter:
        (found,) = (await letters(adapter).by_key(["1"], frozenset())).values()
        (outcome,) = await adapter.perform(NEW)
        assert adapter.pdf is not None
        with pytest.raises(AdapterError) as caught:
            await adapter.pdf("1")
    for error in (found, outcome.error, caught.value):
        assert isinstance(error, AdapterError)
        told = as_told(error) + repr(outcome)
        assert (TOKEN in told, QUOTED in told) == (False, False)


async def test_the_words_around_a_quoted_url_stay() -> None:
    async with answering(quoting(200, "Nothing at URL, sorry")) as adapter:
        with pytest.raises(Rejected, match=r"^Nothing at https://.*/letter/list/.*/token/… sorry$"):
            await letters(adapter).page(asking(1))


async def test_no_log_tells_the_token(
    sandbox: RunningSandbox, adapter: Adapter, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("", "httpx", "httpcore", "httpcore.http11", "httpcore.connection"):
        caplog.set_level(logging.DEBUG, logger=name or None)
    await letters(adapter).page(asking(1))
    sandbox.fault(kind="status", status=500)
    (found,) = (await letters(adapter).by_key(["1"], frozenset())).values()
    assert isinstance(found, AdapterError)
    ours = [record for record in caplog.records if not record.name.startswith("uvicorn")]  # the emulator's own
    assert ours
    assert [record for record in ours if "sandbox-token" in record.getMessage() + repr(vars(record))] == []


async def test_no_prepared_call_and_no_record_holds_the_token(sandbox: RunningSandbox, adapter: Adapter) -> None:
    page = await letters(adapter).page(asking(5, wanted=frozenset({"raw"})))
    assert "sandbox-token" not in repr((page, NEW, adapter, vendor))


async def test_a_base_url_with_a_path_is_kept() -> None:
    urls: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        urls.append(str(request.url))
        return httpx.Response(200, json=enveloped())

    async with answering(answer) as adapter:
        await letters(adapter).page(asking(3))
    assert urls == [f"{BASE}/letter/list/limit/3/page/1/sort/date/sorttype/desc/token/{QUOTED}/"]
