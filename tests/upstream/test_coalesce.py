"""What is asked at once is asked once, and nobody who asks can tell, but for the time it takes."""

import asyncio
import contextlib
import contextvars
import time
import traceback
import zlib
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from adapters.errors import BadCredentials
from adapters.messages import finished_response
from gateway.upstream.calls import Call, Operation, call_of, current_operation, running
from gateway.upstream.coalesce import CoalesceTransport
from tests.patience import PATIENCE
from tests.upstream.reading import Vendor, asking, called, settled, writing


def page(_: httpx.Request) -> httpx.Response:
    return httpx.Response(200, json=[1, 2], headers={"x-request-id": "r1"})


@pytest.fixture
def vendor() -> Vendor:
    return Vendor(page)


@pytest.fixture
def transport(vendor: Vendor) -> CoalesceTransport:
    return CoalesceTransport(vendor)


def begun(transport: httpx.AsyncBaseTransport, *requests: httpx.Request) -> list[asyncio.Task[httpx.Response]]:
    return [asyncio.ensure_future(transport.handle_async_request(request)) for request in requests]


@contextlib.asynccontextmanager
async def patience() -> Any:
    async with asyncio.timeout(PATIENCE):
        yield


async def test_many_who_ask_the_same_at_once_make_one_call(vendor: Vendor, transport: CoalesceTransport) -> None:
    async with patience():
        reads = begun(transport, *(asking() for _ in range(64)))
        await settled()
        vendor.let(64)
        answers = await asyncio.gather(*reads)
    assert (vendor.count, [answer.json() for answer in answers]) == (1, [[1, 2]] * 64)


@pytest.mark.parametrize(
    "other",
    [
        asking("customers/1"),
        asking("customers?page=2"),
        asking(operation="customer.get"),
        asking(method="PUT", body=b"[1]"),
        asking(method="POST", body=b"[2]"),
        asking(headers={"accept": "application/pdf"}),
        asking(headers={"x-entity": "100"}),
        asking(wanted=frozenset({"raw"})),
        asking(backend="de"),
        asking(fresh=True),
    ],
    ids=lambda request: f"{request.method} {request.url.raw_path.decode()}",
)
async def test_whoever_asks_something_else_makes_another_call(
    vendor: Vendor, transport: CoalesceTransport, other: httpx.Request
) -> None:
    async with patience():
        reads = begun(transport, asking(), asking(method="POST", body=b"[1]"), other)
        await settled()
        vendor.let(3)
        await asyncio.gather(*reads)
    assert vendor.count == 3


@pytest.mark.parametrize("info", [{"write": True}, {"stream": True}, {"fresh": True}])
async def test_writes_streams_and_fresh_reads_are_made_each_by_itself(
    vendor: Vendor, transport: CoalesceTransport, info: dict[str, Any]
) -> None:
    async with patience():
        reads = begun(transport, asking(**info), asking(**info))
        await settled()
        vendor.let(2)
        await asyncio.gather(*reads)
    assert vendor.count == 2


async def test_whose_trace_a_call_belongs_to_is_no_part_of_the_question(
    vendor: Vendor, transport: CoalesceTransport
) -> None:
    async with patience():
        reads = begun(transport, *(asking(headers={"traceparent": f"00-{n}"}) for n in range(2)))
        await settled()
        vendor.let()
        await asyncio.gather(*reads)
    assert vendor.count == 1


async def test_what_is_asked_after_the_answer_is_another_call(vendor: Vendor, transport: CoalesceTransport) -> None:
    vendor.let(2)
    for _ in range(2):
        await transport.handle_async_request(asking())
    assert vendor.count == 2


@pytest.mark.parametrize("fails", [False, True])
async def test_who_asks_after_a_write_does_not_share_with_who_asked_before(fails: bool) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if fails and request.method == "POST":
            raise httpx.ReadError("broken off")
        return page(request)

    vendor = Vendor(answer)
    transport = CoalesceTransport(vendor)
    async with patience():
        reads = begun(transport, asking())
        await vendor.arrived()
        write = begun(transport, writing())
        await vendor.arrived()
        reads += begun(transport, asking())  # the write has begun
        await vendor.arrived()
        vendor.let(2)  # the first read, and the write
        await asyncio.wait(write)
        reads += begun(transport, asking())  # and has ended
        await settled()
        vendor.let(2)
        await asyncio.gather(*reads, *write, return_exceptions=True)
    assert [request.method for request in vendor.requests] == ["GET", "POST", "GET", "GET"]


# ── Leaving ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("leaving", [0, 1])
async def test_one_who_leaves_ends_the_call_for_nobody_else(
    vendor: Vendor, transport: CoalesceTransport, leaving: int
) -> None:
    async with patience():
        reads = begun(transport, asking(), asking())
        await settled()
        reads[leaving].cancel()
        await settled()
        vendor.let()
        answer = await reads[1 - leaving]
    assert (answer.json(), reads[leaving].cancelled(), vendor.count, vendor.cancelled) == ([1, 2], True, 1, 0)


async def test_the_last_to_leave_ends_the_call_and_the_next_to_ask_begins_another(
    vendor: Vendor, transport: CoalesceTransport
) -> None:
    async with patience():
        reads = begun(transport, asking(), asking())
        await settled()
        for read in reads:
            read.cancel()
        await asyncio.wait(reads)
        (again,) = begun(transport, asking())
        await settled()
        vendor.let()
        assert (await again).json() == [1, 2]
    assert (vendor.count, vendor.cancelled) == (2, 1)


async def test_nobody_shares_a_call_that_is_being_cancelled(vendor: Vendor) -> None:
    ended = asyncio.Event()

    class Reluctant(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            try:
                return await vendor.handle_async_request(request)
            except asyncio.CancelledError:
                await ended.wait()
                raise

    transport = CoalesceTransport(Reluctant())
    async with patience():
        (left,) = begun(transport, asking())
        await settled()
        left.cancel()
        await asyncio.wait([left])
        (again,) = begun(transport, asking())
        await settled()
        vendor.let()
        assert (await again).json() == [1, 2]
        ended.set()
        await transport.aclose()


async def test_closing_ends_what_is_under_way(vendor: Vendor, transport: CoalesceTransport) -> None:
    async with patience():
        reads = begun(transport, asking())
        await settled()
        await transport.aclose()
        with pytest.raises(httpx.ReadError):
            await reads[0]
    assert vendor.cancelled == 1


async def test_closing_ends_what_has_not_even_begun(vendor: Vendor, transport: CoalesceTransport) -> None:
    async with patience():
        reads = begun(transport, asking())
        await asyncio.sleep(0)
        await transport.aclose()
        with pytest.raises(httpx.ReadError):
            await reads[0]
    assert vendor.count == 0


# ── Answers and failures ─────────────────────────────────────────────────────────────────────────────────────────────


async def test_what_one_changes_of_its_answer_no_other_sees() -> None:
    vendor = Vendor(lambda _: finished_response(200, [(b"x-request-id", b"r1")], b"[1]", {}))
    transport = CoalesceTransport(vendor)
    async with patience():
        reads = begun(transport, asking(), asking())
        await settled()
        vendor.let()
        mine, theirs = await asyncio.gather(*reads)
    mine.headers["x-request-id"] = "changed"
    mine.extensions["changed"] = True
    assert (theirs.headers["x-request-id"], "changed" in theirs.extensions) == ("r1", False)


async def test_an_answer_that_came_coded_is_shared_as_it_is_read() -> None:
    coded = httpx.Response(200, content=zlib.compress(b"[1]"), headers={"content-encoding": "deflate"})
    transport = CoalesceTransport(Vendor(lambda _: coded, at_once=True))
    answer = await transport.handle_async_request(asking())
    assert (answer.content, await answer.aread(), "content-encoding" in answer.headers) == (b"[1]", b"[1]", False)


@pytest.mark.parametrize(
    "failure",
    [httpx.ReadError("broken off"), BadCredentials("refused", backend="uk", status=401)],
    ids=lambda failure: type(failure).__name__,
)
async def test_a_failure_is_an_exception_of_its_own_for_each(failure: Exception) -> None:
    def fail(_: httpx.Request) -> httpx.Response:
        raise failure

    vendor = Vendor(fail)
    transport = CoalesceTransport(vendor)
    requests = [asking() for _ in range(64)]
    async with patience():
        reads = begun(transport, *requests)
        await settled()
        vendor.let(64)
        errors = await asyncio.gather(*reads, return_exceptions=True)
    lengths = {len(traceback.extract_tb(error.__traceback__)) for error in errors if isinstance(error, Exception)}
    told = {(type(error), str(error), getattr(error, "status", None)) for error in errors}
    assert (vendor.count, len({id(error) for error in errors}), len(lengths)) == (1, 64, 1)
    assert told == {(type(failure), str(failure), getattr(failure, "status", None))}
    if isinstance(failure, httpx.RequestError):
        assert [error.request for error in errors if isinstance(error, httpx.RequestError)] == requests


async def test_after_a_failure_the_next_to_ask_begins_another_call() -> None:
    answers: list[Callable[[], httpx.Response]] = []

    def answer(_: httpx.Request) -> httpx.Response:
        return answers.pop(0)()

    def fail() -> httpx.Response:
        raise httpx.ConnectError("refused")

    answers[:] = [fail, lambda: httpx.Response(204)]
    transport = CoalesceTransport(Vendor(answer, at_once=True))
    with pytest.raises(httpx.ConnectError):
        await transport.handle_async_request(asking())
    assert (await transport.handle_async_request(asking())).status_code == 204


# ── Whose call it is ─────────────────────────────────────────────────────────────────────────────────────────────────


class Below(httpx.AsyncBaseTransport):
    """A policy below, which looks at the shared call and writes down its part."""

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        self._inner = inner
        self.calls: list[Call | None] = []
        self.operations: list[Operation | None] = []
        self.whose: list[str | None] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        call = call_of(request)
        self.calls.append(call)
        self.operations.append(current_operation())
        self.whose.append(whose.get())
        if call is not None:
            call.sent, call.attempts, call.queued = True, 2, 0.5
        response = await self._inner.handle_async_request(request)
        if call is not None:
            call.status = response.status_code
        return response


whose: contextvars.ContextVar[str | None] = contextvars.ContextVar("whose", default=None)


async def test_a_shared_call_is_nobodys(vendor: Vendor) -> None:
    below = Below(vendor)
    transport = CoalesceTransport(below)
    vendor.let()
    whose.set("the first's")
    with running(Operation(deadline=time.monotonic() + 5)) as operation:
        request, call = called(asking())
        await transport.handle_async_request(request)
    assert (below.operations, below.whose) == ([None], [None])
    assert (operation.calls, below.calls[0] is call) == ([call], False)


async def test_calls_are_told_what_became_of_the_shared_one_and_attempts_count_once(vendor: Vendor) -> None:
    transport = CoalesceTransport(Below(vendor))
    async with patience():
        (first, one), (second, other) = called(asking()), called(asking())
        reads = begun(transport, first, second)
        await settled()
        vendor.let()
        await asyncio.gather(*reads)
    assert (one.shared, one.sent, one.attempts, one.queued, one.status) == (False, True, 2, 0.5, 200)
    assert (other.shared, other.sent, other.attempts, other.queued, other.status) == (True, True, 0, 0.0, 200)


async def test_a_shared_call_may_take_as_long_as_the_most_patient_may_wait(vendor: Vendor) -> None:
    below = Below(vendor)
    transport = CoalesceTransport(below)
    async with patience():
        (hasty, soon), (patient, late) = called(asking(), 5), called(asking(), 60)
        reads = begun(transport, hasty)
        await settled()
        shared = below.calls[0]
        assert shared is not None
        before = shared.deadline - soon.deadline
        reads += begun(transport, patient)
        await settled()
        after = shared.deadline
        vendor.let()
        await asyncio.gather(*reads)
    assert (before == pytest.approx(0, abs=1), after) == (True, late.deadline)


async def test_what_a_leaving_first_caller_sent_is_noted_at_its_call(vendor: Vendor) -> None:
    transport = CoalesceTransport(Below(vendor))
    request, call = called(asking())
    async with patience():
        (read,) = begun(transport, request)
        await settled()
        read.cancel()
        await asyncio.wait([read])
    assert (call.sent, call.attempts) == (True, 2)


async def test_a_shared_call_is_cut_short_by_the_operation_of_the_most_patient_alone(vendor: Vendor) -> None:
    below = Below(vendor)
    transport = CoalesceTransport(below)
    async with patience():
        with running(Operation(deadline=time.monotonic() + 1)):
            first, _ = called(asking())
        reads = begun(transport, first)
        await settled()
        shared = below.calls[0]
        assert shared is not None
        alone = shared.cut_short
        reads += begun(transport, called(asking())[0])
        await settled()
        vendor.let()
        await asyncio.gather(*reads)
    assert (alone, shared.cut_short) == (True, False)
