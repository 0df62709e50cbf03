"""The caller leaves, or the gateway is told to go, while something is being sent: it is sent, once, and settled."""

import threading
from pathlib import Path

from gateway.dispatch.records import ItemState
from tests.faults.conftest import Judge, store_of
from tests.faults.figures import ledger_items
from tests.faults.gateway_process import gateway
from tests.faults.vendors import EMAILS, letter_ids, running_vendors
from tests.faults.waiting import until

GRACE = 30
"""Seconds between an orchestrator's SIGTERM and its SIGKILL."""


def test_what_a_caller_asked_who_hung_up_is_sent_and_settled(ledger_url: str, judge: Judge, tmp_path: Path) -> None:
    with running_vendors("letters") as vendors:
        configuration = vendors.write_configuration(
            tmp_path / "postroom.toml", ledger_url, timeout=10, limits={"concurrency": 1}
        )
        vendors.fault("letters", kind="hold", route=EMAILS)
        given = {"document": letter_ids(["letters"], 1)[0], "idempotencyKey": "once"}
        with gateway(configuration) as process:
            process.hang_up("emailDocument", given, when=lambda: vendors.requests(EMAILS))
            assert process.newest()["state"] == "RUNNING"
            vendors.heal()
            until(lambda: process.newest()["state"] == "SUCCEEDED", lambda: f"{process.newest()}; {process.log()}")
            assert process.send("emailDocument", given)["replayed"] is True
        figures = judge(f"the caller hangs up, and asks again; {store_of(ledger_url)}", ledger_url, vendors)
        assert (figures.items, figures.sent) == (1, 1)


def test_told_to_go_it_settles_what_it_is_sending_and_begins_nothing_more(
    ledger_url: str, judge: Judge, tmp_path: Path
) -> None:
    with running_vendors("letters") as vendors:
        configuration = vendors.write_configuration(
            tmp_path / "postroom.toml", ledger_url, timeout=10, limits={"concurrency": 5}
        )
        vendors.slow(2, EMAILS)
        single, *many = letter_ids(["letters"], 61)
        with gateway(configuration) as process:
            dispatch = process.send("emailDocuments", {"documents": many})["dispatch"]["id"]
            caller = threading.Thread(target=process.leave_unanswered, args=("emailDocument", {"document": single}))
            caller.start()
            until(lambda: vendors.requests(EMAILS) >= 5, lambda: f"calls; {process.log()}")
            assert process.terminate(within=GRACE) == 0
            caller.join()
        left = {item.state for item in ledger_items(ledger_url)}
        assert left <= {ItemState.ACCEPTED, ItemState.FAILED, ItemState.QUEUED}
        assert ItemState.QUEUED in left
        vendors.heal()
        with gateway(configuration) as process:
            process.ends(dispatch)
        figures = judge(f"SIGTERM in a run and a single send, restarted; {store_of(ledger_url)}", ledger_url, vendors)
        assert figures.items == len(many) + 1
