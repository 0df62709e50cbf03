from collections.abc import AsyncIterator

import httpx

from adapters.wire import Wire, WireRequest


class InPieces(httpx.AsyncByteStream):
    def __init__(self, *pieces: bytes) -> None:
        self.pieces = pieces

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self.pieces:
            yield piece


async def streamed(*pieces: bytes) -> tuple[bytes, bytes]:
    transport = httpx.MockTransport(lambda _: httpx.Response(200, stream=InPieces(*pieces)))
    wire = Wire(backend="test", base_url="http://127.0.0.1", transport=transport)
    file = await wire.stream(WireRequest(operation="file", method="GET", path=("file",)))
    return file.first_chunk, b"".join([chunk async for chunk in file.chunks()])


async def test_the_first_bytes_tell_a_file_however_it_is_cut_up() -> None:
    body = b"%PDF-1.7 and so on, to the end"
    first, whole = await streamed(*(body[at : at + 1] for at in range(len(body))))
    assert (first, whole) == (body[:16], body)


async def test_a_file_may_be_shorter_than_its_first_bytes() -> None:
    assert await streamed(b"%P", b"D") == (b"%PD", b"%PD")
    assert await streamed() == (b"", b"")
