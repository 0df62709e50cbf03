"""Undoes the content coding of an answer a piece at a time: a few kilobytes on the wire can stand for a gigabyte."""

import zlib
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx

__all__ = ["decoded", "undone"]

PIECE = 256 * 1024
"""Bytes that a piece has at most, however many the coded ones stand for."""

_GZIP = frozenset(("gzip", "x-gzip"))
_KNOWN = _GZIP | {"deflate"}
_TELLING_BYTES = 2


async def decoded(response: httpx.Response) -> AsyncIterator[bytes]:
    """The body as it was before its coding, in pieces. One that nobody asked for is left on, as ``identity`` is.

    Raises `httpx.DecodingError` for a body that is not coded as it says, ends too early, or is coded more than once:
    no server does that for a good reason, and a kilobyte of it can stand for a gigabyte in one step.
    """
    coding = None if response.is_stream_consumed else _coding_of(response.headers.get("content-encoding", ""))
    if coding is None:
        async for piece in response.aiter_bytes() if response.is_stream_consumed else response.aiter_raw():
            yield piece
        return
    async for data in response.aiter_raw():
        for piece in coding.pieces(data):
            yield piece
    if rest := coding.end():
        yield rest


def undone(body: bytes, said: str) -> Iterator[bytes]:
    """A body that is at hand, likewise; ``said``: what its ``Content-Encoding`` says."""
    coding = _coding_of(said)
    if coding is None:
        yield body
        return
    yield from coding.pieces(body)
    if rest := coding.end():
        yield rest


def _coding_of(said: str) -> "_Coding | None":
    """The one coding that is to be undone, if there is one."""
    codings = [name for name in (one.strip().lower() for one in said.split(",")) if name in _KNOWN]
    if len(codings) > 1:
        raise httpx.DecodingError("coded more than once")
    return _Coding(codings[0]) if codings else None


class _Coding:
    """RFC 1952, of which what follows the first member is ignored; or RFC 1950, or bare RFC 1951 as some servers do."""

    def __init__(self, name: str) -> None:
        self._zipped = name in _GZIP
        self._decoder: Any = None
        self._head = b""

    def pieces(self, data: bytes) -> Iterator[bytes]:
        """What the next coded bytes stand for."""
        if self._decoder is None:
            data = self._head = self._head + data
            if len(data) < _TELLING_BYTES:
                return
            self._decoder = zlib.decompressobj(self._format())
        while data and not self._decoder.eof:
            try:
                piece = self._decoder.decompress(data, PIECE)
            except zlib.error:
                raise httpx.DecodingError("not coded as it says") from None
            data = self._decoder.unconsumed_tail
            if piece:
                yield piece

    def end(self) -> bytes:
        """What was held back. An empty body is coded in any way."""
        rest: bytes = b"" if self._decoder is None else self._decoder.flush()
        if self._head and not (self._decoder is not None and self._decoder.eof):
            raise httpx.DecodingError("the coded body ends too early")
        return rest

    def _format(self) -> int:
        if self._zipped:
            return zlib.MAX_WBITS | 16
        first, second = self._head[:_TELLING_BYTES]
        begins_rfc_1950 = first & 0x0F == zlib.DEFLATED and (first << 8 | second) % 31 == 0
        return zlib.MAX_WBITS if begins_rfc_1950 else -zlib.MAX_WBITS
