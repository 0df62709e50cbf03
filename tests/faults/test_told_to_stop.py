"""A gateway that is told to stop (SIGTERM): what it still answers, what it ends, and how soon it is gone."""

import contextlib
import json
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosedError
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from gateway.dispatch.records import ItemState
from gateway.ids import encode
from tests.faults.figures import ledger_items
from tests.faults.gateway_process import PAYLOAD, GatewayProcess, gateway
from tests.faults.vendors import EMAILS, Vendors, letter_ids, running_vendors
from tests.faults.waiting import until
from tests.patience import PATIENCE

KILLED_AFTER = 30
"""Seconds between an orchestrator's SIGTERM and its SIGKILL."""

CUSTOMERS = "{ customers(first: 1) { nodes { name } problems { code } } }"
PROGRESS = "subscription ($id: ID!) { dispatchProgress(id: $id) { state counts { total } } }"
READS = "GET *"
CREATIONS = "POST */correspondence/"
CREATE = """mutation ($input: CreateCorrespondenceInput!) {
  createCorrespondence(input: $input) { problems { code retryable } }
}"""


@pytest.fixture
def vendors() -> Iterator[Vendors]:
    with running_vendors("letters") as vendors:
        yield vendors


@contextlib.contextmanager
def stopped_slowly(vendors: Vendors, ledger: str, folder: Path, timeout: float = 10, **server: int) -> Iterator[Any]:
    """A running gateway with these settings of its server."""
    path = vendors.write_configuration(folder / "postroom.toml", ledger, timeout=timeout, limits={"concurrency": 2})
    lines = "\n".join(f"{name} = {number}" for name, number in server.items())
    path.write_text(path.read_text().replace("[server]", f"[server]\n{lines}"))
    with gateway(path) as process:
        yield process


def ready(process: GatewayProcess) -> httpx.Response:
    return httpx.get(process.address("/readyz"), trust_env=False, timeout=KILLED_AFTER)


def running_dispatch(process: GatewayProcess, vendors: Vendors) -> str:
    """The id of a run that will not have ended when the process is told to go."""
    vendors.slow(1, EMAILS)
    sent = process.send("emailDocuments", {"documents": letter_ids(["letters"], 60)})
    return str(sent["dispatch"]["id"])


def test_readiness_ends_at_once_and_everything_else_goes_on_for_a_while(
    sqlite_url: str, vendors: Vendors, tmp_path: Path
) -> None:
    with stopped_slowly(vendors, sqlite_url, tmp_path, leave_seconds=4) as process:
        before = ready(process)
        process.signalled(signal.SIGTERM)
        until(lambda: ready(process).status_code == 503, process.log)
        with httpx.Client(trust_env=False, timeout=PATIENCE) as client:
            late = client.post(process.address("/graphql"), json={"query": CUSTOMERS})
        assert process.ends_with(within=KILLED_AFTER) == 0

    assert (before.json()["status"], before.headers.get("connection")) == ("ready", None)
    assert late.json()["data"]["customers"]["problems"] == []
    assert late.headers["connection"] == "close"


def test_an_interrupted_one_waits_for_no_balancer(sqlite_url: str, vendors: Vendors, tmp_path: Path) -> None:
    with stopped_slowly(vendors, sqlite_url, tmp_path, leave_seconds=60, stop_seconds=3600) as process:
        process.signalled(signal.SIGINT)
        assert process.ends_with(within=KILLED_AFTER) == 0


def test_a_slow_query_under_way_is_answered(sqlite_url: str, vendors: Vendors, tmp_path: Path) -> None:
    vendors.slow(2, READS)
    with stopped_slowly(vendors, sqlite_url, tmp_path) as process:
        answers: list[Any] = []
        asking = threading.Thread(target=lambda: answers.append(process.ask(CUSTOMERS)))
        asking.start()
        until(lambda: vendors.requests(READS), process.log)
        assert process.terminate(within=KILLED_AFTER) == 0
        asking.join()

    assert [answer["customers"]["problems"] for answer in answers] == [[]]


def test_an_event_stream_ends_in_order_and_does_not_say_that_the_run_has(
    sqlite_url: str, vendors: Vendors, tmp_path: Path
) -> None:
    with stopped_slowly(vendors, sqlite_url, tmp_path) as process:
        body = {"query": PROGRESS, "variables": {"id": running_dispatch(process, vendors)}}
        headers = {"Accept": "text/event-stream"}
        url = process.address("/graphql")
        with httpx.stream("POST", url, json=body, headers=headers, trust_env=False, timeout=KILLED_AFTER) as stream:
            lines = stream.iter_lines()
            first = next(line for line in lines if line.startswith("data:"))
            process.signalled(signal.SIGTERM)
            rest = list(lines)
        assert process.ends_with(within=KILLED_AFTER) == 0

    assert json.loads(first.removeprefix("data:"))["data"]["dispatchProgress"]["counts"] == {"total": 60}
    assert "event: complete" not in rest


def test_a_websocket_is_closed_as_of_a_service_that_restarts(sqlite_url: str, vendors: Vendors, tmp_path: Path) -> None:
    with stopped_slowly(vendors, sqlite_url, tmp_path) as process:
        given = {"query": PROGRESS, "variables": {"id": running_dispatch(process, vendors)}}
        url = process.address("/graphql").replace("http", "ws", 1)
        with connect(url, subprotocols=[Subprotocol("graphql-transport-ws")], proxy=None) as socket:
            for message in ({"type": "connection_init"}, {"id": "1", "type": "subscribe", "payload": given}):
                socket.send(json.dumps(message))
            until(lambda: json.loads(socket.recv(KILLED_AFTER))["type"] == "next", process.log)
            process.signalled(signal.SIGTERM)
            with contextlib.suppress(ConnectionClosedError):  # as it calls any code but 1000 and 1001
                for _ in socket:
                    continue
        assert process.ends_with(within=KILLED_AFTER) == 0

    assert socket.close_code == 1012


def test_a_send_that_is_not_settled_in_time_is_answered_as_running_let_go_and_not_sent_again(
    sqlite_url: str, vendors: Vendors, tmp_path: Path
) -> None:
    vendors.slow(60, EMAILS)
    document = letter_ids(["letters"], 1)[0]
    with stopped_slowly(vendors, sqlite_url, tmp_path, timeout=50, stop_seconds=5) as process:
        query = f"mutation ($id: ID!) {{ emailDocument(input: {{ document: $id }}) {PAYLOAD} }}"
        body = {"query": query, "variables": {"id": document}}
        with ThreadPoolExecutor(1) as aside:
            asking = aside.submit(
                httpx.post, process.address("/graphql"), json=body, trust_env=False, timeout=KILLED_AFTER
            )
            until(lambda: vendors.requests(EMAILS), process.log)
            assert process.terminate(within=KILLED_AFTER) == 0
        answer = asking.result()
        assert "no time to hear what became of all that is being sent" in process.log()
    (item,) = ledger_items(sqlite_url)
    payload = answer.json()["data"]["emailDocument"]
    assert (payload["dispatch"]["state"], payload["problems"]) == ("RUNNING", [])
    assert item.state is ItemState.SENDING


def test_a_creation_that_is_not_heard_of_in_time_is_told_to_be_asked_for_again_and_kept_by_its_key(
    sqlite_url: str, vendors: Vendors, tmp_path: Path
) -> None:
    vendors.slow(60, CREATIONS)
    given = {"customer": encode("Customer", "letters", "501"), "type": "Final Notice", "idempotencyKey": "k"}
    with stopped_slowly(vendors, sqlite_url, tmp_path, timeout=50, stop_seconds=5) as process:
        body = {"query": CREATE, "variables": {"input": given}}
        with ThreadPoolExecutor(1) as aside:
            asking = aside.submit(
                httpx.post, process.address("/graphql"), json=body, trust_env=False, timeout=KILLED_AFTER
            )
            until(lambda: vendors.requests(CREATIONS), process.log)
            assert process.terminate(within=KILLED_AFTER) == 0
        first = asking.result()
    with stopped_slowly(vendors, sqlite_url, tmp_path) as process:
        second = process.ask(CREATE, input=given)
    told = {"createCorrespondence": {"problems": [{"code": "CONFLICT", "retryable": True}]}}
    assert (first.status_code, first.json()["data"], second) == (200, told, told)
    assert vendors.requests(CREATIONS) == 1


def test_what_is_cut_off_before_it_was_written_down_is_told_so(
    sqlite_url: str, vendors: Vendors, tmp_path: Path
) -> None:
    vendors.slow(60, READS)
    with stopped_slowly(vendors, sqlite_url, tmp_path, timeout=50, stop_seconds=5) as process:
        with ThreadPoolExecutor(1) as aside:
            asking = aside.submit(
                httpx.post,
                process.address("/graphql"),
                json={"query": CUSTOMERS},
                trust_env=False,
                timeout=KILLED_AFTER,
            )
            until(lambda: vendors.requests(READS), process.log)
            assert process.terminate(within=KILLED_AFTER) == 0
        answer = asking.result()
    assert (answer.status_code, answer.json()["errors"][0]["extensions"]) == (503, {"code": "UNAVAILABLE"})
