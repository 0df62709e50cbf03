"""The vendor's ways to read, as raw rows: the query service, the plain lists, and one record by key."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Literal, TypeVar

import msgspec

from adapters.answers import believe_absence
from adapters.contract import Connection
from adapters.errors import MalformedAnswer, NotFound
from adapters.model import RawRecord
from adapters.sage_intacct.envelope import Envelope, Reference, unwrap
from adapters.sage_intacct.objects import ObjectType
from adapters.sage_intacct.query import Conditions, query_body
from adapters.sage_intacct.translate import flattened
from adapters.wire import Answer, Wire, WireRequest

__all__ = ["ENTITY_HEADER", "JSON_TYPE", "Client", "Direction", "Ordering"]

T = TypeVar("T")
RowT = TypeVar("RowT")
RecordT = TypeVar("RecordT")
Direction = Literal["asc", "desc"]
Ordering = Sequence[tuple[str, Direction]]

ENTITY_HEADER = "X-IA-API-Param-Entity"
"""One prose page spells it without the last hyphen; a wrong name is ignored without a word. Read 2026-11."""
JSON_TYPE = ("Content-Type", "application/json")

_exact = msgspec.json.Decoder(dict[str, Any], float_hook=Decimal)


class Client:
    """One backend's reads."""

    def __init__(self, connection: Connection) -> None:
        self.backend = connection.key
        self._wire = Wire(
            backend=connection.key,
            base_url=connection.base_url,
            transport=connection.transport,
            timeout=connection.timeout,
        )
        entity = connection.settings.entity
        self.headers: tuple[tuple[str, str], ...] = ((ENTITY_HEADER, entity),) if entity else ()

    async def send(self, request: WireRequest) -> Answer:
        """The answer to one request."""
        return await self._wire.send(request)

    async def query(
        self,
        object_: ObjectType[RowT, RecordT],
        wanted: frozenset[str],
        *,
        where: Conditions,
        parameters: dict[str, Any],
        order: Ordering,
        start: int,
        size: int,
    ) -> Envelope[list[RowT]]:
        """Rows with the fields of ``wanted``; ``start`` counts from 0."""
        body = query_body(
            object_.path,
            object_.fields(wanted),
            where=where,
            parameters=parameters,
            order=order,
            start=start + 1,
            size=size,
        )
        answer = await self.ask(f"{object_.noun}.list", body, wanted)
        return unwrap(answer, list[object_.row], backend=self.backend)  # type: ignore[name-defined]

    async def ask(self, operation: str, body: dict[str, Any], wanted: frozenset[str] = frozenset()) -> Answer:
        """The query service's answer to one body. A POST that reads."""
        return await self.send(
            WireRequest(
                operation=operation,
                method="POST",
                path=("services", "core", "query"),
                headers=(JSON_TYPE, *self.headers),
                body=msgspec.json.encode(body),
                wanted=wanted,
            )
        )

    async def references(self, object_: ObjectType[Any, Any]) -> Envelope[list[Reference]]:
        """The plain list: the first page of all records' keys and ids. It takes no parameters."""
        answer = await self.send(
            WireRequest(
                operation=f"{object_.noun}.references", method="GET", path=object_.segments, headers=self.headers
            )
        )
        return unwrap(answer, list[Reference], backend=self.backend)

    async def record(
        self, object_: ObjectType[RowT, RecordT], key: str, wanted: frozenset[str]
    ) -> tuple[RowT, RawRecord] | None:
        """One record, as a row and as it came; None where there is none."""
        request = WireRequest(
            operation=f"{object_.noun}.get",
            method="GET",
            path=(*object_.segments, key),
            ids=(key,),
            headers=self.headers,
            wanted=wanted,
        )
        answer = await self.send(request)
        try:
            record = unwrap(answer, RawRecord, backend=self.backend).result
            row = msgspec.convert(flattened(_exact.decode(answer.body)["ia::result"]), object_.row)
        except NotFound as error:
            believe_absence(error)
            return None
        except msgspec.ValidationError:
            raise self.malformed(request, "The vendor's record is not what it documents.") from None
        if str(record.get("key")) != key:
            raise self.malformed(request, "The vendor answered with another record than the one asked for.")
        return row, record

    def malformed(self, request: WireRequest | str, message: str) -> MalformedAnswer:
        """An answer that cannot be believed."""
        operation = request if isinstance(request, str) else request.operation
        return MalformedAnswer(message, backend=self.backend, operation=operation)
