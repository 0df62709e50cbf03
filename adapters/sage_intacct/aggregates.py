"""Aggregates: the query service's functions over all records of an object, grouped by its own fields."""

from typing import Any

from adapters.contract import AggregateRequest, Limits, Subject, invalid
from adapters.errors import ScanLimit
from adapters.model import AggregateRow
from adapters.sage_intacct.client import Client
from adapters.sage_intacct.envelope import unwrap
from adapters.sage_intacct.objects import CUSTOMERS, MESSAGES, TEMPLATES
from adapters.sage_intacct.query import Conditions, parameters, query_body

__all__ = ["Aggregation"]

_OPERATION = "aggregate"
_PATHS = {Subject.CUSTOMERS: CUSTOMERS.path, Subject.TEMPLATES: TEMPLATES.path, Subject.MESSAGES: MESSAGES.path}


class Aggregation:
    """Aggregates at one backend."""

    def __init__(self, client: Client, limits: Limits) -> None:
        self._client = client
        self._limits = limits

    async def __call__(self, request: AggregateRequest) -> tuple[AggregateRow, ...]:
        """All groups, in the order of what they are grouped by; values as the vendor writes them.

        Raises `ScanLimit` where there are more groups than the scan budget.
        """
        if not request.measures:
            raise invalid(
                "At least one measure is needed.", "measures", backend=self._client.backend, operation=_OPERATION
            )
        measures = tuple(dict.fromkeys(f"{one.function}:{one.field}" for one in request.measures))
        groups = tuple(dict.fromkeys(request.group_by))
        found: list[AggregateRow] = []
        size = self._limits.page_size if groups else 1
        while True:
            rows = await self._rows(request, (*groups, *measures), groups, len(found), size)
            found += [self._row(row, groups, measures) for row in rows]
            if not groups or len(rows) < size:
                return tuple(found)
            if len(found) >= self._limits.scan_budget:
                raise ScanLimit(
                    f"There are more than {len(found)} groups.", backend=self._client.backend, operation=_OPERATION
                )

    async def _rows(
        self, request: AggregateRequest, fields: tuple[str, ...], groups: tuple[str, ...], start: int, size: int
    ) -> list[dict[str, Any]]:
        body = query_body(
            _PATHS[request.subject],
            fields,
            where=Conditions(),
            parameters=parameters(request.options, relative=False),
            order=[(name, "asc") for name in groups],
            start=start + 1,
            size=size,
        )
        answer = await self._client.ask(_OPERATION, body)
        return unwrap(answer, list[dict[str, Any]], backend=self._client.backend).result

    def _row(self, row: dict[str, Any], groups: tuple[str, ...], measures: tuple[str, ...]) -> AggregateRow:
        if not row.keys() >= {*groups, *measures}:
            raise self._client.malformed(_OPERATION, "The vendor's row lacks a field that was asked for.")
        return AggregateRow(group={name: row[name] for name in groups}, values={name: row[name] for name in measures})
