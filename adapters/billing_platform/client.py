"""What goes over the wire to this vendor: refusals raised, rows with their raw records."""

import asyncio
import itertools
import re
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

import msgspec
from msgspec import UNSET, UnsetType

from adapters.answers import believe_absence, decode_json
from adapters.billing_platform.refusals import carries_refusal, refusal
from adapters.billing_platform.translate import CorrespondenceRow, CustomerRow
from adapters.contract import Connection
from adapters.errors import AdapterError, MalformedAnswer, NotFound
from adapters.model import RawRecord
from adapters.wire import Answer, FileStream, Wire, WireRequest

__all__ = ["NATIVE_ID", "Client", "Raw", "per_key"]

T = TypeVar("T")
R = TypeVar("R")
K = TypeVar("K", bound=CustomerRow | CorrespondenceRow)
Raw = RawRecord | UnsetType

NATIVE_ID = re.compile(r"[1-9][0-9]{0,18}")
"""Whole numbers: ``idAfter`` is of type integer."""

_PDF_HEAD = b"%PDF-"
_LONGEST_REFUSAL = 1_048_576


class Client:
    """One backend's calls."""

    def __init__(self, connection: Connection) -> None:
        self.backend = connection.key
        self._wire = Wire(
            backend=connection.key,
            base_url=connection.base_url,
            transport=connection.transport,
            timeout=connection.timeout,
        )

    async def ask(self, request: WireRequest) -> Answer:
        """The answer to a request that the vendor did not refuse, be it under HTTP 200."""
        answer = await self._wire.send(request)
        if 200 <= answer.status < 300 and not carries_refusal(answer.body):
            return answer
        raise refusal(answer, answer.body, backend=self.backend, operation=request.operation, write=request.write)

    async def rows(self, request: WireRequest, rows_type: type[list[R]]) -> tuple[list[R], Iterable[Raw]]:
        """A list answer's rows, and beside them their raw records where those are wanted."""
        answer = await self.ask(request)
        rows = decode_json(answer, rows_type, backend=self.backend)
        return rows, msgspec.json.decode(answer.body) if "raw" in request.wanted else itertools.repeat(UNSET)

    async def row(self, request: WireRequest, row_type: type[K]) -> tuple[K, Raw] | None:
        """The row of the record that the path's last segment names, or None where the vendor has none."""
        try:
            answer = await self.ask(request)
        except NotFound as error:
            believe_absence(error)
            return None
        row = decode_json(answer, row_type, backend=self.backend)
        if str(row.id) != request.path[-1]:
            raise self.malformed("The vendor answered with another record.", request)
        return row, msgspec.json.decode(answer.body) if "raw" in request.wanted else UNSET

    async def pdf(self, request: WireRequest) -> FileStream:
        """A file that begins like a PDF; whatever else is answered is raised as what it is."""
        stream = await self._wire.stream(request)
        if 200 <= stream.status < 300 and stream.first_chunk.startswith(_PDF_HEAD):
            return stream
        try:
            body = await stream.read(limit=_LONGEST_REFUSAL)
        finally:
            await stream.aclose()
        if 200 <= stream.status < 300 and not carries_refusal(body):
            raise self.malformed("The vendor answered something else than a PDF.", request)
        raise refusal(stream, body, backend=self.backend, operation=request.operation, write=False)

    def malformed(self, message: str, request: WireRequest) -> MalformedAnswer:
        """An answer that contradicts its question."""
        return MalformedAnswer(message, backend=self.backend, operation=request.operation)


async def per_key(keys: Iterable[str], read: Callable[[str], Awaitable[T]]) -> dict[str, T | AdapterError]:
    """What ``read`` gives for each key, all at once; a key that fails has its error and spoils no other."""
    distinct = list(dict.fromkeys(keys))
    if len(distinct) == 1:  # needs no task of its own
        return {distinct[0]: await _settled(distinct[0], read)}
    answers = await asyncio.gather(*[_settled(key, read) for key in distinct])
    return dict(zip(distinct, answers, strict=True))


async def _settled(key: str, read: Callable[[str], Awaitable[T]]) -> T | AdapterError:
    try:
        return await read(key)
    except AdapterError as error:
        return error
