"""What can go wrong between a client and a server, for the fault proxy to play."""

import gzip
import re
import struct
import zlib
from collections.abc import Iterator
from typing import Literal
from urllib.parse import quote

import msgspec
from msgspec.structs import replace

from tests.faults.exchange import Answer, Exchange, Request
from tests.faults.fault_proxy import Fault

__all__ = [
    "another_records_answer",
    "answers",
    "badly_chunked",
    "badly_zipped",
    "drips",
    "endless",
    "late",
    "oddly_coded",
    "one_answer_too_many",
    "redirected",
    "reset",
    "stalled",
    "truncated",
    "wrong_length",
    "wrong_type",
]

GIGABYTE = 1 << 30
_BLOCK = b"0" * 65_536
_PAUSE = 0.02
"""Seconds in which a client on this machine has read what there is."""


def late(*, before: float = 0.0, after: float = 0.0) -> Fault:
    """Takes its time, in seconds, before the emulator is asked or after it has answered."""

    async def play(exchange: Exchange) -> None:
        if before:
            await exchange.wait(before)
        answer = await exchange.forward()
        if after:
            await exchange.wait(after)
        await exchange.answer(answer)

    return play


def reset(where: Literal["before", "after", "head", "body"]) -> Fault:
    """Resets the connection before the request is forwarded, after it, or within the answer's head or body."""

    async def play(exchange: Exchange) -> None:
        await exchange.request()
        if where != "before":
            answer = await exchange.forward()
            if where != "after":
                head = answer.head()
                shown = head[: len(head) // 2] if where == "head" else head + answer.body[: len(answer.body) // 2]
                await exchange.send(shown)
                await exchange.wait(_PAUSE)
        exchange.client.reset()

    return play


def stalled(what: Literal["answering", "reading"]) -> Fault:
    """Goes half open: reads and never answers, or does not even read the request's body."""

    async def play(exchange: Exchange) -> None:
        await exchange.stall(what)

    return play


def truncated() -> Fault:
    """Closes the connection, in order, half way through the body that its length announced."""

    async def play(exchange: Exchange) -> None:
        answer = await exchange.forward()
        await exchange.send(answer.head() + answer.body[: len(answer.body) // 2])
        exchange.client.close()

    return play


def drips(seconds: float = 1.0, *, begin: Literal["head", "body"] = "body") -> Fault:
    """Sends the head or the body a byte at a time, with so many seconds between two."""

    async def play(exchange: Exchange) -> None:
        answer = await exchange.forward()
        whole = answer.head() + answer.body
        begun = 0 if begin == "head" else len(answer.head())
        await exchange.send(whole[:begun])
        for at in range(begun, len(whole)):
            await exchange.send(whole[at : at + 1])
            await exchange.wait(seconds)

    return play


def endless(coding: Literal["identity", "gzip", "gzip, gzip"], *, size: int = GIGABYTE, status: int = 200) -> Fault:
    """Answers so many bytes (whole megabytes), made as they are sent: plain, or zipped once or twice."""

    async def play(exchange: Exchange) -> None:
        await exchange.request()
        kind = {"content_type": "application/json"}
        if coding == "identity":
            await exchange.send(Answer(status, (), b"").having(**kind).head(size))
            for _ in range(size // len(_BLOCK)):
                await exchange.send(_BLOCK)
            return
        coded = Answer(status, (), b"").having(**kind, content_encoding=coding, transfer_encoding="chunked")
        await exchange.send(coded.head(-1))
        once = _zipped_zeros(size)
        for part in once if coding == "gzip" else [gzip.compress(b"".join(once))]:
            await exchange.send(_chunk(part))
        await exchange.send(b"0\r\n\r\n")

    return play


def wrong_length(by: int) -> Fault:
    """Sends all of the body under a length that is less by so many bytes."""

    async def play(exchange: Exchange) -> None:
        answer = await exchange.forward()
        await exchange.send(answer.head(len(answer.body) - by) + answer.body)

    return play


def one_answer_too_many(asked: str, other: str) -> Fault:
    """Answers the request, and at once what nobody asked: the same of another record."""

    async def play(exchange: Exchange) -> None:
        answer = await exchange.forward()
        unasked = await exchange.forward(lambda request: _of_another(request, asked, other))
        await exchange.send(answer.head() + answer.body + unasked.head() + unasked.body)

    return play


def badly_chunked(size: bytes = b"zz") -> Fault:
    """Sends the body in a chunk whose size is none."""

    async def play(exchange: Exchange) -> None:
        answer = await exchange.forward()
        head = answer.having(transfer_encoding="chunked").head(-1)
        await exchange.send(head + size + b"\r\n" + answer.body + b"\r\n0\r\n\r\n")
        exchange.client.close()

    return play


def badly_zipped(*, cut: bool = False) -> Fault:
    """Says gzip of a body that is not; or ``cut``: of one whose end is missing, though its length is right."""

    async def play(exchange: Exchange) -> None:
        answer = await exchange.forward()
        zipped = gzip.compress(answer.body)
        body = zipped[: len(zipped) // 2] if cut else answer.body
        await exchange.answer(replace(answer, body=body).having(content_encoding="gzip"))

    return play


def oddly_coded(coding: str = "x-unheard-of") -> Fault:
    """Codes the body in a way that nobody asked for or knows."""

    async def play(exchange: Exchange) -> None:
        answer = await exchange.forward()
        body = bytes(byte ^ 0xFF for byte in answer.body)
        await exchange.answer(replace(answer, body=body).having(content_encoding=coding))

    return play


def another_records_answer(asked: str, other: str) -> Fault:
    """Answers what was asked of one record with what would have been the answer for the other."""

    async def play(exchange: Exchange) -> None:
        await exchange.answer(await exchange.forward(lambda request: _of_another(request, asked, other)))

    return play


def wrong_type(content_type: str = "text/html") -> Fault:
    """Says of a right answer that it is something else."""

    async def play(exchange: Exchange) -> None:
        await exchange.answer((await exchange.forward()).having(content_type=content_type))

    return play


def redirected(location: str, status: int = 302) -> Fault:
    """Sends the client elsewhere, to the same path and query."""

    async def play(exchange: Exchange) -> None:
        request = await exchange.request()
        await exchange.answer(Answer(status, (), b"").having(location=location + request.target))

    return play


def answers(
    status: int, body: str = "", *, content_type: str = "text/html", retry_after: int | str | None = None
) -> Fault:
    """Answers without asking the emulator. ``retry_after`` is in seconds, or an HTTP date."""

    async def play(exchange: Exchange) -> None:
        await exchange.request()
        answer = Answer(status, (), body.encode()).having(content_type=content_type)
        await exchange.answer(answer if retry_after is None else answer.having(retry_after=str(retry_after)))

    return play


def _of_another(request: Request, asked: str, other: str) -> Request:
    """The same request about another record: its name in the path, the query or a JSON body is replaced."""
    name = rf"(?<=[/=]){re.escape(quote(asked, safe=''))}(?=[/&?]|$)"
    body = request.body.replace(msgspec.json.encode(asked), msgspec.json.encode(other))
    return replace(request, target=re.sub(name, quote(other, safe=""), request.target), body=body)


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def _zipped_zeros(size: int) -> Iterator[bytes]:
    """RFC 1952 for so many megabytes of zeros: one deflated block, written over and over."""
    block = bytes(1 << 20)
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    deflated = packer.compress(block) + packer.flush(zlib.Z_FULL_FLUSH)
    checksum = 0
    yield b"\x1f\x8b\x08\0\0\0\0\0\0\xff"
    for _ in range(size // len(block)):
        checksum = zlib.crc32(block, checksum)
        yield deflated
    yield b"\x03\0" + struct.pack("<II", checksum, size & 0xFFFF_FFFF)
