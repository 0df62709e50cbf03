"""PDFs and previews: told from a refusal by their first bytes, before anything is passed on."""

from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from adapters.contract import Adapter
from adapters.errors import AdapterError, BadCredentials, FileNotAvailable, MalformedAnswer, NotFound, Unavailable
from adapters.wire import FileStream
from tests.connecting import RunningSandbox, asking
from tests.vendors.smallinvoice.adapting import answering, calls, letters

PDF, PNG = b"%PDF-1.7\n and so on", b"\x89PNG\r\n\x1a\n and so on"


def pdf(adapter: Adapter, native_id: str = "5") -> Awaitable[FileStream]:
    assert adapter.pdf is not None
    return adapter.pdf(native_id)


def preview(adapter: Adapter, native_id: str = "5", page: int = 2, width: int = 1240) -> Awaitable[FileStream]:
    assert adapter.preview is not None
    return adapter.preview(native_id, page, width)


Read = Callable[[Adapter], Awaitable[FileStream]]
BOTH = pytest.mark.parametrize("read", [pdf, preview])


async def whole(file: FileStream) -> bytes:
    try:
        return await file.read()
    finally:
        await file.aclose()


async def test_a_pdf_is_streamed(sandbox: RunningSandbox, adapter: Adapter) -> None:
    (letter,) = (await letters(adapter).page(asking(1))).records
    since = sandbox.count()
    file = await pdf(adapter, letter.native_id)
    body = await whole(file)
    assert calls(sandbox, since) == [f"GET /letter/pdf/id/{letter.native_id}"]
    assert (file.content_type, body[:4], b"%%EOF" in body[-8:]) == ("application/pdf", b"%PDF", True)


async def test_a_preview_is_of_the_page_and_size_asked_for(sandbox: RunningSandbox, adapter: Adapter) -> None:
    (letter,) = (await letters(adapter).page(asking(1))).records
    since = sandbox.count()
    file = await preview(adapter, letter.native_id, 1, 240)
    body = await whole(file)
    assert calls(sandbox, since) == [f"GET /letter/preview/id/{letter.native_id}/page/1/size/240"]
    assert (file.content_type, body[:8]) == ("image/png", b"\x89PNG\r\n\x1a\n")
    assert int.from_bytes(body[16:20], "big") == 240


async def test_a_page_that_the_letter_lacks_is_not_available(sandbox: RunningSandbox, adapter: Adapter) -> None:
    (letter,) = (await letters(adapter).page(asking(1))).records
    with pytest.raises(FileNotAvailable) as caught:
        await preview(adapter, letter.native_id, 99, 240)
    assert (caught.value.vendor_code, caught.value.operation) == ("90006", "letter.preview")


@BOTH
async def test_a_letter_that_is_not_there_is_not_found(adapter: Adapter, read: Any) -> None:
    with pytest.raises(NotFound) as caught:
        await read(adapter, "99999999")
    assert caught.value.vendor_code == "15016"


@BOTH
@pytest.mark.parametrize("native_id", ["../customers/1", "1?x=2", "%2e%2e", "a b", "1" * 10_240, ""])
async def test_an_impossible_id_is_not_found_and_costs_no_call(
    sandbox: RunningSandbox, adapter: Adapter, read: Any, native_id: str
) -> None:
    since = sandbox.count()
    with pytest.raises(NotFound):
        await read(adapter, native_id)
    assert sandbox.count() == since


@BOTH
@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (200, {"error": True, "errorcode": 99400, "errormessage": "expired"}, BadCredentials),
        (200, {"error": True, "errorcode": 15016}, NotFound),
        (200, {"error": True, "errorcode": 3, "errormessage": "no paper"}, FileNotAvailable),
        (200, {"error": False}, MalformedAnswer),
        (200, b"<html>", MalformedAnswer),
        (200, b"", MalformedAnswer),
        (200, b"%PD", MalformedAnswer),
        (404, PDF, NotFound),
        (503, PNG, Unavailable),
    ],
)
async def test_what_is_no_file_is_an_error_under_whatever_content_type(
    read: Read, status: int, body: Any, kind: type[AdapterError]
) -> None:
    async with answering(body, status) as adapter:
        with pytest.raises(AdapterError) as caught:
            await read(adapter)
    assert type(caught.value) is kind


@pytest.mark.parametrize(("read", "body"), [(pdf, PNG), (preview, PDF)])
async def test_another_kind_of_file_is_not_passed_on(read: Read, body: bytes) -> None:
    async with answering(body) as adapter:
        with pytest.raises(MalformedAnswer):
            await read(adapter)


@pytest.mark.parametrize(("read", "body"), [(pdf, PDF), (preview, PNG)])
async def test_a_file_is_known_by_its_bytes_whatever_its_content_type(read: Read, body: bytes) -> None:
    async with answering(lambda _: httpx.Response(200, content=body, headers={"content-type": "text/html"})) as adapter:
        assert await whole(await read(adapter)) == body


async def test_a_file_that_breaks_off_is_an_error(sandbox: RunningSandbox, adapter: Adapter) -> None:
    (letter,) = (await letters(adapter).page(asking(1))).records
    sandbox.fault(kind="truncate")
    file = await pdf(adapter, letter.native_id)
    with pytest.raises(Unavailable):
        await whole(file)


@BOTH
@pytest.mark.parametrize(("length", "kind"), [(1, FileNotAvailable), (1_000, MalformedAnswer)])
async def test_a_refusal_lets_the_connection_go_however_long_it_is(
    read: Read, length: int, kind: type[AdapterError]
) -> None:
    class Body(httpx.AsyncByteStream):
        closed = False

        async def __aiter__(self) -> Any:
            yield b'{"error":true,"errorcode":3}'
            for _ in range(length):
                yield b" " * 100

        async def aclose(self) -> None:
            self.closed = True

    body = Body()
    async with answering(lambda _: httpx.Response(200, stream=body)) as adapter:
        with pytest.raises(kind):
            await read(adapter)
    assert body.closed
