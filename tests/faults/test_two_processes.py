"""Two gateways that share a PostgreSQL: one dies, or is stopped and woken when all has gone on without it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from tests.faults.conftest import Judge, Scale
from tests.faults.gateway_process import GatewayProcess, gateway
from tests.faults.vendors import EMAILS, Vendors, letter_ids, running_vendors
from tests.faults.waiting import until
from tests.patience import PATIENCE

TIMES = {"lease_margin_seconds": 2, "sweep_seconds": 1, "dead_after_seconds": 2}
TWO = ("letters-a", "letters-b")
LANES = 4
PROGRESS = "subscription ($id: ID!) { dispatchProgress(id: $id) { state counts { accepted } } }"


@pytest.fixture
def vendors() -> Iterator[Vendors]:
    with running_vendors(*TWO) as vendors:
        yield vendors


def configured(vendors: Vendors, url: str, folder: Path, *, concurrency: int = LANES) -> Path:
    limits = {"concurrency": concurrency}
    return vendors.write_configuration(folder / "postroom.toml", url, timeout=3, limits=limits, **TIMES)


def begun(process: GatewayProcess, vendors: Vendors, documents: list[str]) -> str:
    """A run that is under way; the dispatch's id."""
    dispatch: str = process.send("emailDocuments", {"documents": documents})["dispatch"]["id"]
    until(lambda: vendors.sent() >= len(documents) // 3, lambda: f"{vendors.sent()} sent; {process.log()}")
    return dispatch


@pytest.mark.whole
def test_the_other_finishes_what_a_killed_one_began(
    postgresql_url: str, vendors: Vendors, scale: Scale, judge: Judge, tmp_path: Path
) -> None:
    configuration = configured(vendors, postgresql_url, tmp_path)
    vendors.slow(0.1, EMAILS)
    with gateway(configuration) as one, gateway(configuration) as other:
        dispatch = begun(one, vendors, letter_ids(TWO, scale.documents))
        one.kill()
        other.ends(dispatch)
    judge("two gateways, one killed", postgresql_url, vendors, bound=LANES * len(TWO))


def test_one_that_slept_past_its_leases_sends_nothing_more_of_them(
    postgresql_url: str, vendors: Vendors, scale: Scale, judge: Judge, tmp_path: Path
) -> None:
    configuration = configured(vendors, postgresql_url, tmp_path)
    vendors.slow(0.1, EMAILS)
    with gateway(configuration) as one, gateway(configuration) as other:
        dispatch = begun(one, vendors, letter_ids(TWO, scale.documents))
        one.pause()
        other.ends(dispatch)
        one.wake()
        one.dispatch(dispatch)
        assert one.terminate(within=30) == 0
    judge("two gateways, one stopped past its leases and woken", postgresql_url, vendors, bound=LANES * len(TWO))


@pytest.mark.whole
def test_what_was_claimed_before_a_long_sleep_is_not_sent_after_it(
    postgresql_url: str, vendors: Vendors, judge: Judge, tmp_path: Path
) -> None:
    configuration = configured(vendors, postgresql_url, tmp_path, concurrency=1)
    documents = letter_ids(["letters-a"], 6)
    with gateway(configuration, "stop", "settle_and_claim", "after", "3") as one, gateway(configuration) as other:
        dispatch = one.send("emailDocuments", {"documents": documents})["dispatch"]["id"]
        one.stopped()
        other.ends(dispatch)
        before = vendors.sent()
        one.wake()
        until(lambda: other.dispatch(dispatch)["counts"]["failed"] == 1, one.log)
        assert vendors.sent() == before == len(documents) - 1
    judge("stopped between claim and call, past its lease", postgresql_url, vendors)


@pytest.mark.whole
def test_one_that_sleeps_in_a_transaction_does_not_keep_the_other_waiting(
    postgresql_url: str, vendors: Vendors, judge: Judge, tmp_path: Path
) -> None:
    configuration = configured(vendors, postgresql_url, tmp_path, concurrency=1)
    documents = letter_ids(["letters-a"], 6)
    with gateway(configuration, "stop", "settle_and_claim", "in", "3") as one, gateway(configuration) as other:
        dispatch = one.send("emailDocuments", {"documents": documents})["dispatch"]["id"]
        one.stopped()
        other.ends(dispatch)
        one.wake()
        one.dispatch(dispatch)
    judge("stopped in the transaction of a settle and claim", postgresql_url, vendors, bound=1)


@pytest.mark.parametrize("over", ["events", "socket"])
def test_what_one_process_sends_is_followed_at_the_other(
    over: str, ledger_url: str, vendors: Vendors, tmp_path: Path
) -> None:
    configuration = configured(vendors, ledger_url, tmp_path)
    documents = letter_ids(TWO, 30)
    vendors.slow(0.5, EMAILS)  # many times as long as between two looks
    with gateway(configuration) as one, gateway(configuration) as other:
        dispatch = begun(one, vendors, documents)
        body = {"query": PROGRESS, "variables": {"id": dispatch}}
        stands = list((events if over == "events" else messages)(other.address("/graphql"), body))
    accepted = [stand["counts"]["accepted"] for stand in stands]
    assert (stands[0]["state"], stands[-1]["state"], accepted[-1]) == ("RUNNING", "SUCCEEDED", len(documents))
    assert (accepted, len(accepted) > 2) == (sorted(accepted), True)


def events(url: str, body: Any) -> Iterator[Any]:
    """What an event stream tells until it ends."""
    headers = {"Accept": "text/event-stream"}
    with httpx.stream("POST", url, json=body, headers=headers, trust_env=False, timeout=PATIENCE) as stream:
        for line in stream.iter_lines():
            if line.startswith("data:") and (told := line.removeprefix("data:").strip()):
                yield json.loads(told)["data"]["dispatchProgress"]


def messages(url: str, body: Any) -> Iterator[Any]:
    """The same over a socket."""
    where = url.replace("http", "ws", 1)
    with connect(where, subprotocols=[Subprotocol("graphql-transport-ws")], proxy=None) as socket:
        for message in ({"type": "connection_init"}, {"id": "1", "type": "subscribe", "payload": body}):
            socket.send(json.dumps(message))
        while (told := json.loads(socket.recv(PATIENCE)))["type"] != "complete":
            if told["type"] == "next":
                yield told["payload"]["data"]["dispatchProgress"]
