"""The contract's verbs for this vendor: customers to read, statements to e-mail."""

import asyncio
from collections.abc import Sequence
from typing import Any

import msgspec

from adapters.contract import Adapter, Connection, ListRequest, Results
from adapters.errors import AdapterError, MalformedAnswer
from adapters.kashflow import evidence, listing, statements
from adapters.kashflow.client import Client, WholeCustomer
from adapters.kashflow.codes import CODE, same_code, unpadded
from adapters.kashflow.refusals import OUTCOMES
from adapters.kashflow.translate import to_customer
from adapters.model import UNSET, Customer, Page
from adapters.paging import Rows, read_by_offset, slice_sorted
from adapters.wire import Wire
from adapters.writes import EmailStatements, Evidence, EvidenceRequest, Outcome, PreparedCall

__all__ = ["connect"]


def connect(connection: Connection) -> Adapter:
    """The adapter over one backend."""
    wire = Wire(
        backend=connection.key,
        base_url=connection.base_url,
        transport=connection.transport,
        timeout=connection.timeout,
    )
    client = Client(wire)
    sending = _Statements(client, connection)
    return Adapter(
        customers=_Customers(client, connection),
        email_statements=sending.prepare,
        perform=sending.perform,
        evidence=sending.evidence,
        check=sending.check,
    )


class _Customers:
    def __init__(self, client: Client, connection: Connection) -> None:
        self._client = client
        self._backend = connection.key
        self._limits = connection.limits

    async def page(self, request: ListRequest) -> Page[Customer]:
        plan = listing.plan(request, backend=self._backend, most_codes=self._limits.concurrency)
        matches = listing.matching(request.filter, request.options, backend=self._backend)
        if plan.codes is not None:
            answers = await self.by_key(plan.codes, request.wanted)
            for error in answers.values():
                if isinstance(error, AdapterError):
                    raise error
            records = [record for record in answers.values() if isinstance(record, Customer)]
            return slice_sorted(
                [record for record in records if matches is None or matches(record)],
                first=request.first,
                position=request.position,
                sort_key=lambda record: [record.native_id, record.stable_id],
            )

        async def fetch(number: int, size: int) -> Rows:
            page = await self._client.customers(
                number, size, plan.parameters, operation=listing.OPERATION, wanted=request.wanted
            )
            records = [to_customer(row, backend=self._backend) for row in page.data]
            return Rows(records, page.meta_data.total_records)

        return await read_by_offset(
            fetch,
            first=request.first,
            position=request.position,
            key_of=lambda customer: customer.stable_id,
            matches=matches,
            max_size=self._limits.page_size,
            scan_budget=self._limits.scan_budget,
            numbered=True,
        )

    async def by_key(self, keys: Sequence[str], wanted: frozenset[str]) -> Results[Customer]:
        asked = tuple(dict.fromkeys(keys))
        answers = await asyncio.gather(*(self._one(code, wanted) for code in asked))
        return dict(zip(asked, answers, strict=True))

    async def by_code(self, codes: Sequence[str], wanted: frozenset[str]) -> Results[Customer]:
        return await self.by_key(codes, wanted)

    async def _one(self, code: str, wanted: frozenset[str]) -> Customer | AdapterError | None:
        if CODE.fullmatch(code) is None:
            return None
        try:
            found = await self._client.customer(code, wanted=wanted)
            return self._named(found, code, wanted) if found is not None else None
        except AdapterError as error:
            return error

    def _named(self, found: WholeCustomer, code: str, wanted: frozenset[str]) -> Customer | None:
        """The customer, if it is the one asked for; None where its code differs in case."""
        if unpadded(found.row.code) == code:
            raw = msgspec.json.decode(found.body, type=dict[str, Any]) if "raw" in wanted else UNSET
            return to_customer(found.row, backend=self._backend, whole=True, raw=raw)
        if same_code(found.row.code) == same_code(code):
            return None
        message = "The vendor answered with another customer than the one asked for."
        raise MalformedAnswer(message, backend=self._backend, operation="customer.get")


class _Statements:
    def __init__(self, client: Client, connection: Connection) -> None:
        self._client = client
        self._backend = connection.key
        self._batch = connection.limits.statement_batch
        self._clock = connection.clock

    def prepare(self, request: EmailStatements) -> tuple[PreparedCall, ...]:
        return statements.prepare(request, backend=self._backend, batch=self._batch)

    async def perform(self, call: PreparedCall) -> tuple[Outcome, ...]:
        try:
            answer = await self._client.send(call.request)
            return statements.outcomes_of(answer, call.targets, backend=self._backend)
        except AdapterError as error:
            return (OUTCOMES.of(error),) * len(call.targets)

    async def evidence(self, request: EvidenceRequest) -> Evidence:
        return await evidence.find(self._client, request, backend=self._backend, now=self._clock())

    async def check(self) -> tuple[str, ...]:
        page = await self._client.customers(1, 1, (("filterarchived", "true"),), operation="check", wanted=frozenset())
        total = page.meta_data.total_records
        return (f"Signed in. {'Some' if total is None else total} customers, archived ones included.",)
