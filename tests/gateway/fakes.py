"""Backends in memory: adapters that count what they are asked, and fail or wait when told."""

import asyncio
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from adapters.contract import (
    Adapter,
    AggregateRequest,
    Credentials,
    Evidence,
    EvidenceRequest,
    Limits,
    Outcome,
    Outcomes,
    OutcomeState,
    PreparedCall,
    SendAction,
    Vendor,
    Verdict,
)
from adapters.model import (
    AggregateRow,
    Correspondence,
    Customer,
    CustomerEmailTemplate,
    CustomerMessage,
    Letter,
)
from adapters.wire import CallInfo, FileStream, WireRequest
from gateway.backends import Backend, capabilities_of
from gateway.upstream.health import Health
from gateway.upstream.limits import Limiter
from gateway.upstream.limits_turns import Bounds
from tests.gateway.behaviour import Behaviour, Call
from tests.gateway.records import NOW
from tests.gateway.shelves import Shelf, TemplateShelf

NATIVE_ID = re.compile(r"[A-Za-z0-9-]{1,64}")
RECORD_TYPES = ("Customer", "Correspondence", "Letter", "CustomerEmailTemplate", "EmailTemplate", "CustomerMessage")


class FakeWriting:
    """Prepares creations and changes, and remembers what it was given."""

    def __init__(self, behaviour: Behaviour, part: str) -> None:
        self._behaviour = behaviour
        self._part = part

    def create(self, request: Any, idempotency_key: str | None = None) -> PreparedCall:
        """The call that creates."""
        self._behaviour.prepared.append((f"{self._part}.create", request, idempotency_key))
        return prepared(f"{self._part}.create", getattr(request, "customer_id", "new"))

    def update(self, request: Any, idempotency_key: str | None = None) -> PreparedCall:
        """The call that changes."""
        self._behaviour.prepared.append((f"{self._part}.update", request, idempotency_key))
        return prepared(f"{self._part}.update", request.native_id)


def prepared(operation: str, *targets: str, recipients: tuple[str, ...] | None = None) -> PreparedCall:
    """A call over these targets."""
    request = WireRequest(operation=operation, method="POST", path=("things",), write=True)
    return PreparedCall(request=request, targets=targets, recipients=recipients)


@dataclass
class Fake:
    """A backend, and what stands behind it."""

    backend: Backend
    behaviour: Behaviour
    shelves: dict[str, Any]


def fake(
    key: str,
    *,
    customers: Sequence[Customer] | None = None,
    correspondence: Sequence[Correspondence] | None = None,
    letters: Sequence[Letter] | None = None,
    templates: Sequence[CustomerEmailTemplate] | None = None,
    messages: Sequence[CustomerMessage] | None = None,
    writes: bool = False,
    batch: int = 2,
    shares_codes_with: Sequence[str] = (),
    takes_idempotency_keys: bool = False,
    unique_codes: bool = False,
    native_ids: re.Pattern[str] = NATIVE_ID,
    sent_statuses: Mapping[SendAction, frozenset[str]] | None = None,
    **options: Any,
) -> Fake:
    """A backend with these records; None is a part that its vendor has not. ``options`` are every `Shelf`'s."""
    behaviour = Behaviour()
    shelves: dict[str, Any] = {
        part: Shelf(behaviour, part, records, **options)
        for part, records in (
            ("customers", customers),
            ("correspondence", correspondence),
            ("letters", letters),
            ("messages", messages),
        )
        if records is not None
    }
    if templates is not None:
        shelves["templates"] = TemplateShelf(behaviour, templates, **options)
    adapter = Adapter(
        perform=_perform(behaviour),
        check=_check,
        **shelves,
        **(_sending(behaviour, batch) if writes else {}),
    )
    vendor = Vendor(
        name="fake",
        title="Fake",
        base_url=None,
        credentials=Credentials,
        limits=Limits(page_size=100, concurrency=4, statement_batch=batch),
        outcomes=Outcomes(undone_statuses=frozenset()),
        native_ids=dict.fromkeys(RECORD_TYPES, native_ids),
        authenticate=_no_authentication,
        connect=lambda _: adapter,
        sandbox_module="",
        takes_idempotency_keys=takes_idempotency_keys,
        unique_codes=unique_codes,
        sent_statuses=sent_statuses or {},
    )
    backend = Backend(
        key=key,
        vendor=vendor,
        adapter=adapter,
        capabilities=capabilities_of(adapter),
        base_url="https://fake.example/api",
        limits=vendor.limits,
        timeout=30.0,
        health=Health(lambda: NOW),
        limiter=Limiter(Bounds.of(vendor.limits)),
        shares_codes_with=tuple(shares_codes_with),
    )
    return Fake(backend, behaviour, shelves)


async def _check() -> tuple[str, ...]:
    return ()


def _no_authentication(inner: httpx.AsyncBaseTransport, **_: Any) -> httpx.AsyncBaseTransport:
    return inner


def _perform(behaviour: Behaviour) -> Callable[[PreparedCall], Any]:
    async def perform(call: PreparedCall) -> tuple[Outcome, ...]:
        await behaviour.called(Call("perform", call.targets, request=call.request.operation))
        behaviour.performed.append(call.targets)
        planned = behaviour.outcomes.pop(0) if behaviour.outcomes else None
        if isinstance(planned, Exception):
            raise planned
        if planned is not None:
            return tuple(planned)
        return tuple(Outcome(state=OutcomeState.DONE, native_id=target) for target in call.targets)

    return perform


def _sending(behaviour: Behaviour, batch: int) -> dict[str, Any]:
    def one(verb: str) -> Callable[[Any], PreparedCall]:
        def prepare(request: Any) -> PreparedCall:
            behaviour.prepared.append((verb, request, None))
            recipients = getattr(request, "recipients", None)
            emails = None if recipients is None else tuple(one.email for one in recipients)
            return prepared(verb, request.native_id, recipients=emails)

        return prepare

    def delete(native_id: str) -> PreparedCall:
        behaviour.prepared.append(("delete", native_id, None))
        return prepared("delete", native_id)

    def statements(request: Any) -> tuple[PreparedCall, ...]:
        behaviour.prepared.append(("email_statements", request, None))
        ids = request.customer_ids
        return tuple(prepared("email_statements", *ids[at : at + batch]) for at in range(0, len(ids), batch))

    async def evidence(request: EvidenceRequest) -> Evidence:
        await behaviour.called(Call("evidence", (request.native_id,), request=request))
        found = behaviour.evidence.get(request.native_id, Evidence(verdict=Verdict.UNDECIDED, text="Nothing shown."))
        if isinstance(found, Exception):
            raise found
        return found

    async def file(native_id: str, *shape: int) -> FileStream:
        await behaviour.called(Call("preview" if shape else "pdf", (native_id, *map(str, shape))))
        stream = behaviour.files[native_id]
        if isinstance(stream, Exception):
            raise stream
        return stream

    async def aggregate(request: AggregateRequest) -> tuple[AggregateRow, ...]:
        await behaviour.called(Call("aggregate", request=request))
        return (AggregateRow(group={}, values={"count:id": 1}),)

    return {
        **{f"write_{part}": FakeWriting(behaviour, part) for part in WRITTEN},
        **{f"delete_{part}": delete for part in ("correspondence", "letter", "template")},
        **{verb: one(verb) for verb in ("set_document_status", "email_document", "deliver_document", "post_document")},
        "email_statements": statements,
        "evidence": evidence,
        "pdf": file,
        "preview": file,
        "aggregate": aggregate,
    }


WRITTEN = ("correspondence", "letters", "templates", "messages")


class Source(httpx.AsyncByteStream):
    """A file that comes in pieces, each only after ``step`` was called once more; ``closed`` when it is let go."""

    def __init__(self, *pieces: bytes, fails: Exception | None = None) -> None:
        self._pieces = pieces
        self._fails = fails
        self._steps = asyncio.Semaphore(0)
        self.produced: list[bytes] = []
        self.closed = asyncio.Event()

    def step(self, times: int = 1) -> None:
        """Lets the next pieces go."""
        for _ in range(times):
            self._steps.release()

    async def __aiter__(self) -> Any:
        for piece in self._pieces:
            await self._steps.acquire()
            self.produced.append(piece)
            yield piece
        if self._fails is not None:
            raise self._fails

    async def aclose(self) -> None:
        self.closed.set()

    def stream(self, *, first: bytes = b"", **headers: Any) -> FileStream:
        """The vendor's answer with this body; ``first`` are bytes that were read already."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        response = httpx.Response(200, headers=named, stream=self)
        return FileStream(response, CallInfo(backend="a", operation="pdf"), first, response.aiter_raw())
