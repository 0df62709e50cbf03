"""Performing: each write is sent once, whatever comes back, and its outcome says no more than the answer proves."""

import asyncio
from typing import Any
from urllib.parse import urlsplit

import msgspec
import pytest

from adapters.contract import Adapter, Outcome, OutcomeState, PreparedCall, Vendor
from adapters.errors import AdapterError, BadCredentials, Forbidden, NotFound, OutcomeUnknown, RateLimited
from tests.connecting import RunningSandbox, connected
from tests.contract.writing import Write
from tests.hurrying import pass_time
from tests.patience import PATIENCE

DONE, UNDONE, UNKNOWN = OutcomeState.DONE, OutcomeState.UNDONE, OutcomeState.UNKNOWN
NOTHING = {"emails": 0, "letters": 0, "records": 0}


def route(sandbox: RunningSandbox, call: PreparedCall) -> str:
    """The call's route, as faults name it; a vendor may put more behind the path."""
    base = urlsplit(sandbox.base_url).path.rstrip("/")
    return f"{call.request.method} {base}/{'/'.join(call.request.path)}*"


def arrivals(sandbox: RunningSandbox, call: PreparedCall, since: int) -> list[dict[str, Any]]:
    """The journal's entries of this very call."""
    path = route(sandbox, call).partition(" ")[2].rstrip("*")
    entries = sandbox.journal(since)
    return [one for one in entries if one["method"] == call.request.method and one["raw_path"].startswith(path)]


class Performed:
    """A write that was prepared, then performed while the emulator misbehaved; and what came of it."""

    def __init__(self, sandbox: RunningSandbox, call: PreparedCall) -> None:
        self.call = call
        self._sandbox = sandbox
        self._n, self._effects = sandbox.count(), sandbox.effects()
        self.outcomes: tuple[Outcome, ...] = ()

    @property
    def arrived(self) -> list[dict[str, Any]]:
        return arrivals(self._sandbox, self.call, self._n)

    @property
    def effects(self) -> dict[str, int]:
        """What the emulator did."""
        return {name: count - self._effects[name] for name, count in self._sandbox.effects().items()}

    @property
    def state(self) -> OutcomeState:
        (outcome,) = self.outcomes
        return outcome.state

    @property
    def error(self) -> AdapterError | None:
        (outcome,) = self.outcomes
        return outcome.error


async def perform(adapter: Adapter, sandbox: RunningSandbox, write: Write, **fault: Any) -> Performed:
    """Prepares the write, adds the fault on its route alone, and performs it."""
    performed = Performed(sandbox, await write.prepare(adapter))
    if fault:
        sandbox.fault(route=route(sandbox, performed.call), **fault)
    performed.outcomes = await adapter.perform(performed.call)
    return performed


@pytest.fixture
async def adapter(vendor: Vendor, written_sandbox: RunningSandbox) -> Any:
    async with connected(vendor, written_sandbox) as adapter:
        yield adapter


async def test_a_write_that_succeeds_is_done_and_sent_once(
    adapter: Adapter, written_sandbox: RunningSandbox, write: Write
) -> None:
    performed = await perform(adapter, written_sandbox, write)

    assert ([outcome.state for outcome in performed.outcomes], len(performed.arrived)) == ([DONE], 1)
    assert performed.error is None
    assert performed.effects != NOTHING or write.name == "set_document_status"


async def test_what_is_sent_is_what_was_prepared(
    adapter: Adapter, written_sandbox: RunningSandbox, write: Write
) -> None:
    performed = await perform(adapter, written_sandbox, write)

    (entry,) = performed.arrived
    request, headers = performed.call.request, dict(entry["headers"])
    assert (request.body or b"").decode() == entry["body"]
    assert "&".join(f"{name}={value}" for name, value in request.query) == entry["query"]
    assert [(name, value) for name, value in request.headers if headers.get(name.lower()) != value] == []
    assert request.write
    assert len(performed.call.targets) == 1


async def test_preparing_makes_no_call_and_is_the_same_each_time(
    adapter: Adapter, written_sandbox: RunningSandbox, write: Write
) -> None:
    before = written_sandbox.count()

    assert write.with_id(adapter, "987654321") == write.with_id(adapter, "987654321")
    assert before == written_sandbox.count()


async def test_a_refusal_is_undone_only_where_the_vendors_table_says_so(
    vendor: Vendor, adapter: Adapter, written_sandbox: RunningSandbox, write: Write
) -> None:
    for status in (400, 403, 404, 405, 408, 409, 422, 429, 500, 502, 503, 504):
        performed = await perform(adapter, written_sandbox, write, kind="status", status=status)
        expected = UNDONE if status in vendor.outcomes.undone_statuses else UNKNOWN
        assert (expected, 1) == (performed.state, len(performed.arrived)), status
        assert performed.error is not None
        assert ("test", performed.call.request.operation) == (performed.error.backend, performed.error.operation)


async def test_a_refusal_says_what_it_is(adapter: Adapter, written_sandbox: RunningSandbox, write: Write) -> None:
    for status, kind in ((403, Forbidden), (404, NotFound), (429, RateLimited)):
        performed = await perform(adapter, written_sandbox, write, kind="status", status=status, retry_after=7)
        assert performed.error is not None
        assert (kind, 7) == (type(performed.error), performed.error.retry_after)


@pytest.mark.parametrize("kind", ["reset_after", "truncate", "garbage"])
async def test_a_lost_answer_to_a_write_that_was_done_is_unknown_and_never_repeated(
    adapter: Adapter, written_sandbox: RunningSandbox, write: Write, kind: str
) -> None:
    performed = await perform(adapter, written_sandbox, write, kind=kind)

    (entry,) = performed.arrived
    without_a_body = entry["status"] == 204 and kind != "reset_after"
    assert (DONE if without_a_body else UNKNOWN) == performed.state
    assert without_a_body or isinstance(performed.error, OutcomeUnknown)


async def test_a_connection_lost_before_the_work_is_unknown_since_nothing_proves_it(
    adapter: Adapter, written_sandbox: RunningSandbox, write: Write
) -> None:
    performed = await perform(adapter, written_sandbox, write, kind="reset_before")

    assert (performed.state, len(performed.arrived), performed.effects) == (UNKNOWN, 1, NOTHING)


async def test_an_answer_that_takes_too_long_is_unknown(
    vendor: Vendor, adapter: Adapter, written_sandbox: RunningSandbox, write: Write
) -> None:
    performed = Performed(written_sandbox, await write.prepare(adapter))
    written_sandbox.fault(kind="hold", route=route(written_sandbox, performed.call))
    async with connected(vendor, written_sandbox, timeout=PATIENCE) as patient:
        performing = asyncio.ensure_future(patient.perform(performed.call))
        while not performed.arrived:  # noqa: ASYNC110 - it is another thread's
            await asyncio.sleep(0.01)
        pass_time(PATIENCE)
        performed.outcomes = await performing
    written_sandbox.clear_faults()
    while [entry["status"] for entry in performed.arrived] == [None]:  # noqa: ASYNC110 - it is another thread's
        await asyncio.sleep(0.01)  # the emulator is at it yet, which the next test is not to see

    assert (performed.state, len(performed.arrived)) == (UNKNOWN, 1)
    assert isinstance(performed.error, OutcomeUnknown)


async def test_a_vendor_that_cannot_be_reached_has_done_nothing(
    vendor: Vendor, adapter: Adapter, written_sandbox: RunningSandbox, write: Write
) -> None:
    call = await write.prepare(adapter)
    nowhere = RunningSandbox("http://127.0.0.1:9", "http://127.0.0.1:9/api", written_sandbox.credentials)
    async with connected(vendor, nowhere) as unreachable:
        (outcome,) = await unreachable.perform(call)

    assert UNDONE is outcome.state
    assert outcome.error is not None
    assert outcome.error.never_sent


async def test_a_refused_session_is_undone_and_named_as_the_backends_credentials(
    adapter: Adapter, written_sandbox: RunningSandbox, write: Write
) -> None:
    """A session may be renewed once; a vendor without sessions is asked once."""
    performed = await perform(adapter, written_sandbox, write, kind="status", status=401, times=None)

    assert (performed.state, performed.effects) == (UNDONE, NOTHING)
    assert isinstance(performed.error, BadCredentials)
    assert 1 <= len(performed.arrived) <= 2


async def test_an_unknown_record_is_refused_and_undone(
    adapter: Adapter, written_sandbox: RunningSandbox, write: Write
) -> None:
    if write.name == "create_message":
        return
    call = write.with_id(adapter, "987654321")
    before = written_sandbox.effects()
    (outcome,) = await adapter.perform(call)

    assert (UNDONE, before) == (outcome.state, written_sandbox.effects())
    assert outcome.error is not None


async def test_an_outcome_for_each_of_many_targets(
    vendor: Vendor, adapter: Adapter, written_sandbox: RunningSandbox, write: Write
) -> None:
    """A call that covers several targets answers for each in their order, also where nothing is known of any."""
    call = await write.prepare(adapter)
    many = msgspec.structs.replace(
        call, targets=call.targets * 3 if vendor.limits.statement_batch > 1 else call.targets
    )
    written_sandbox.fault(kind="reset_before", route=route(written_sandbox, call))

    assert [UNKNOWN] * len(many.targets) == [outcome.state for outcome in await adapter.perform(many)]
