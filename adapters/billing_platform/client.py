"""What goes over the wire to this vendor: refusals raised, rows with their raw records."""

import itertools
import re
from collections.abc import Iterable
from typing import TypeVar

import msgspec
from msgspec import UNSET, UnsetType

from adapters.answers import believe_absence, decode_json
from adapters.billing_platform.refusals import carries_refusal, refusal
from adapters.billing_platform.translate import CorrespondenceRow, CustomerRow
from adapters.contract import Connection
from adapters.errors import MalformedAnswer, NotFound
from adapters.model import RawRecord
from adapters.sendings import Sending
from adapters.wire import Answer, FileStream, Wire, WireRequest

__all__ = ["NATIVE_ID", "Client", "Raw"]

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
        return self._granted(await self._wire.send(request))

    async def rows(self, request: WireRequest, rows_type: type[list[R]]) -> tuple[list[R], Iterable[Raw]]:
        """A list answer's rows, and beside them their raw records where those are wanted."""
        return self.rows_of(await self._wire.send(request), rows_type)

    def rows_of(self, answer: Answer, rows_type: type[list[R]]) -> tuple[list[R], Iterable[Raw]]:
        """The same of an answer that is there."""
        rows = decode_json(self._granted(answer), rows_type, backend=self.backend)
        wants_raw = "raw" in answer.request.wanted
        return rows, msgspec.json.decode(answer.body) if wants_raw else itertools.repeat(UNSET)

    def row_of(self, answer: Answer, row_type: type[K]) -> tuple[K, Raw] | None:
        """The row of the record that the path's last segment names, or None where the vendor has none."""
        request = answer.request
        try:
            self._granted(answer)
        except NotFound as error:
            believe_absence(error)
            return None
        row = decode_json(answer, row_type, backend=self.backend)
        if str(row.id) != request.path[-1]:
            raise self.malformed("The vendor answered with another record.", request)
        return row, msgspec.json.decode(answer.body) if "raw" in request.wanted else UNSET

    def begin(self, request: WireRequest) -> Sending:
        """Sends a request, whose answer is taken later."""
        return self._wire.begin(request)

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

    def _granted(self, answer: Answer) -> Answer:
        if 200 <= answer.status < 300 and not carries_refusal(answer.body):
            return answer
        request = answer.request
        raise refusal(answer, answer.body, backend=self.backend, operation=request.operation, write=request.write)

    def malformed(self, message: str, request: WireRequest) -> MalformedAnswer:
        """An answer that contradicts its question."""
        return MalformedAnswer(message, backend=self.backend, operation=request.operation)
