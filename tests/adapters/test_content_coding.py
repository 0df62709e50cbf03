"""A coded body is decoded a piece at a time, whatever it stands for, and believed only where it is what it says."""

import gzip
import zlib
from collections.abc import AsyncIterator

import httpx
import pytest

from adapters.content_coding import PIECE, decoded

TEXT = bytes(range(256)) * 400
RAW = zlib.compressobj(wbits=-zlib.MAX_WBITS)
DEFLATED_BARE = RAW.compress(TEXT) + RAW.flush()


class Body(httpx.AsyncByteStream):
    def __init__(self, data: bytes, size: int) -> None:
        self._parts = [data[at : at + size] for at in range(0, len(data), size)]

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for part in self._parts:
            yield part


async def pieces(coding: str | None, data: bytes, *, size: int = 65_536) -> list[bytes]:
    headers = {} if coding is None else {"content-encoding": coding}
    return [piece async for piece in decoded(httpx.Response(200, headers=headers, stream=Body(data, size)))]


@pytest.mark.parametrize("size", [1, 7, 65_536])
@pytest.mark.parametrize(
    ("coding", "data"),
    [
        (None, TEXT),
        ("identity", TEXT),
        ("x-unheard-of", TEXT),
        ("gzip", gzip.compress(TEXT, mtime=0)),
        ("X-GZip", gzip.compress(TEXT, mtime=0)),
        ("identity, gzip", gzip.compress(TEXT, mtime=0)),
        ("deflate", zlib.compress(TEXT)),
        ("deflate", DEFLATED_BARE),
        ("gzip", gzip.compress(TEXT, mtime=0) + b"what follows"),
    ],
)
async def test_a_body_is_what_it_was_before_its_coding(coding: str | None, data: bytes, size: int) -> None:
    assert b"".join(await pieces(coding, data, size=size)) == TEXT


async def test_no_piece_is_large_however_few_bytes_stand_for_it() -> None:
    zeros = 64 * PIECE
    found = await pieces("gzip", gzip.compress(bytes(zeros)))

    assert (zeros, PIECE) == (sum(map(len, found)), max(map(len, found)))


@pytest.mark.parametrize(
    ("coding", "data"),
    [
        ("gzip", TEXT),
        ("deflate", b"\xff" * 100),
        ("gzip", gzip.compress(TEXT, mtime=0)[:-9]),
        ("gzip", gzip.compress(TEXT, mtime=0)[:5]),
        ("deflate", zlib.compress(TEXT)[:-5]),
        ("gzip", gzip.compress(TEXT, mtime=0)[:-8] + bytes(8)),
        ("gzip, gzip", gzip.compress(gzip.compress(TEXT, mtime=0))),
        ("deflate, gzip", gzip.compress(zlib.compress(TEXT))),
    ],
)
async def test_a_body_that_is_not_coded_as_it_says_is_refused(coding: str, data: bytes) -> None:
    with pytest.raises(httpx.DecodingError):
        await pieces(coding, data)


async def test_an_empty_body_is_coded_in_any_way() -> None:
    assert b"".join(await pieces("gzip", b"")) == b""


async def test_a_body_that_was_read_already_is_given_as_it_is() -> None:
    response = httpx.Response(200, headers={"content-encoding": "gzip"}, content=gzip.compress(TEXT, mtime=0))

    assert b"".join([piece async for piece in decoded(response)]) == TEXT
