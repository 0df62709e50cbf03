"""One incident for each call that failed, whoever shared it and however much it left null."""

import asyncio

import httpx
import pytest
from structlog.testing import capture_logs

from adapters.errors import AdapterError, Unavailable
from adapters.wire import Wire, WireRequest
from gateway.problems import incident_of
from gateway.upstream.calls import TurnedAway
from gateway.upstream.coalesce import CoalesceTransport
from tests.patience import PATIENCE
from tests.upstream.reading import Vendor, settled

READING = WireRequest(operation="customer.list", method="GET", path=("customers",))
SENDING = WireRequest(operation="document.email", method="POST", path=("send",), write=True)


def refused(_: httpx.Request) -> httpx.Response:
    return httpx.Response(503)


def reset(request: httpx.Request) -> httpx.Response:
    raise httpx.ReadError("reset", request=request)


def turned_away(_: httpx.Request) -> httpx.Response:
    raise TurnedAway("It rests.", backend="uk")


async def failure(wire: Wire, request: WireRequest = READING) -> AdapterError:
    """What a read ends in, as an adapter would tell it."""
    try:
        answer = await wire.send(request)
    except AdapterError as error:
        return error
    return Unavailable("It is down.", backend="uk", status=answer.status)


def wire_to(vendor: Vendor) -> Wire:
    return Wire(backend="uk", base_url="https://vendor.example.com/api", transport=CoalesceTransport(vendor))


@pytest.mark.parametrize("answer", [refused, reset, turned_away])
async def test_who_share_a_call_that_fails_share_its_incident_and_one_line_tells_it(answer: object) -> None:
    vendor = Vendor(answer)  # type: ignore[arg-type]
    wire = wire_to(vendor)
    async with asyncio.timeout(PATIENCE):
        reads = [asyncio.create_task(failure(wire)) for _ in range(5)]
        await vendor.arrived()
        vendor.let()
        failures = await asyncio.gather(*reads)
    with capture_logs() as logs:
        incidents = {incident_of(error) for error in failures}
    assert (vendor.count, len(set(failures)), len(incidents), len(logs)) == (1, 5, 1, 1)


@pytest.mark.parametrize("request_", [READING, SENDING], ids=["read", "write"])
async def test_calls_that_fail_one_after_the_other_are_two_incidents(request_: WireRequest) -> None:
    vendor = Vendor(refused, at_once=True)
    wire = wire_to(vendor)
    incidents = set()
    for _ in range(2):
        incidents.add(incident_of(await failure(wire, request_)))
        await settled()
    assert (vendor.count, len(incidents)) == (2, 2)


async def test_all_that_one_answer_leaves_out_is_one_incident() -> None:
    await failure(wire_to(Vendor(refused, at_once=True)))
    missing = [Unavailable(f"{number} is not in the answer.", backend="uk") for number in range(3)]
    assert len(set(map(incident_of, missing))) == 1
