"""kill -9 in the midst of other runs: by e-mail and by post at once, at all vendors, on failing connections."""

from pathlib import Path
from typing import Any

import pytest

from tests.faults.conftest import Judge, Scale, store_of
from tests.faults.gateway_process import GatewayProcess, gateway
from tests.faults.killing import TIMES, killed_whenever
from tests.faults.vendors import EMAILS, POSTED, STATEMENTS, letter_ids, running_vendors, statement_ids

LANES = 4
TEXTS: dict[str, Any] = {"recipients": [{"email": "accounts@example.com"}], "subject": "Yours", "body": "As agreed."}


def posted_ids(process: GatewayProcess, key: str, count: int) -> list[str]:
    """The ids of so many letters of a backend whose key begins with ``post``."""
    found: list[str] = []
    after = None
    while len(found) < count:
        page = process.ask(
            "query ($key: String!, $after: String) { letters(backends: [$key], first: 50, after: $after) "
            "{ nodes { id } pageInfo { endCursor } } }",
            key=key,
            after=after,
        )["letters"]
        found += [node["id"] for node in page["nodes"]]
        after = page["pageInfo"]["endCursor"]
    return found[:count]


def marks_of(scale: Scale, items: int) -> list[int]:
    """When to kill: at points spread over a run."""
    return [items * kill // (scale.kills + 2) for kill in range(1, scale.kills + 1)]


def test_letters_by_email_and_by_post_go_on_after_each_kill(
    ledger_url: str, scale: Scale, judge: Judge, tmp_path: Path
) -> None:
    def begin(process: GatewayProcess) -> list[str]:
        letters = posted_ids(process, "post", scale.documents)
        asked: list[tuple[str, dict[str, Any]]] = [
            ("emailDocuments", {"documents": letters[::2]} | TEXTS),
            ("postDocuments", {"documents": letters[1::2], "speed": "ECONOMY"}),
        ]
        return [process.send(*one)["dispatch"]["id"] for one in asked]

    with running_vendors("post") as vendors:
        configuration = vendors.write_configuration(
            tmp_path / "postroom.toml", ledger_url, timeout=5, limits={"concurrency": LANES}, **TIMES
        )
        vendors.slow(0.1, POSTED)
        dispatches = killed_whenever(configuration, begin, marks_of(scale, scale.documents), vendors.sent)
        vendors.heal()
        with gateway(configuration) as process:
            for dispatch in dispatches:
                process.ends(dispatch)
        scenario = f"kill -9 at {scale.kills} points of two runs, e-mail and post; {store_of(ledger_url)}"
        figures = judge(scenario, ledger_url, vendors, bound=scale.kills * LANES * len(dispatches))
        assert figures.items == scale.documents
        assert {mailing.kind for mailing in vendors.mailings("post")} == {"email", "post"}


@pytest.mark.whole
def test_runs_at_all_vendors_that_send_go_on_after_each_kill(
    ledger_url: str, scale: Scale, judge: Judge, tmp_path: Path
) -> None:
    lanes, batch, each = 2, 5, scale.documents // 5

    def begin(process: GatewayProcess) -> list[str]:
        letters = letter_ids(["letters-a", "letters-b"], 2 * each)
        posted = posted_ids(process, "post-a", each) + posted_ids(process, "post-b", each)
        customers = statement_ids("statements", each)
        asked: list[tuple[str, dict[str, Any]]] = [
            ("emailDocuments", {"documents": letters}),
            ("postDocuments", {"documents": posted, "speed": "PRIORITY"}),
            ("emailStatements", {"customers": customers, "from": "2026-01-01", "to": "2026-03-31"}),
        ]
        return [process.send(*one)["dispatch"]["id"] for one in asked]

    with running_vendors("letters-a", "letters-b", "post-a", "post-b", "statements") as vendors:
        limits = {"concurrency": lanes, "statement_batch": batch}
        configuration = vendors.write_configuration(
            tmp_path / "postroom.toml", ledger_url, timeout=5, limits=limits, **TIMES
        )
        for route in (EMAILS, POSTED, STATEMENTS):
            vendors.slow(0.1, route)
        dispatches = killed_whenever(configuration, begin, marks_of(scale, scale.documents), vendors.sent)
        vendors.heal()
        with gateway(configuration) as process:
            for dispatch in dispatches:
                process.ends(dispatch)
        scenario = f"kill -9 at {scale.kills} points of three runs at five backends; {store_of(ledger_url)}"
        figures = judge(scenario, ledger_url, vendors, bound=scale.kills * (4 * lanes + lanes * batch))
        assert (figures.items, len({key for key, _ in vendors.outbox()})) == (5 * each, 5)


@pytest.mark.whole
@pytest.mark.parametrize("kind", ["reset_before", "reset_after"])
def test_a_run_whose_connections_are_reset_goes_on_after_each_kill(
    ledger_url: str, scale: Scale, judge: Judge, tmp_path: Path, kind: str
) -> None:
    with running_vendors("letters-a") as vendors:
        configuration = vendors.write_configuration(
            tmp_path / "postroom.toml", ledger_url, timeout=5, limits={"concurrency": LANES}, **TIMES
        )
        documents = letter_ids(["letters-a"], scale.documents // 2)
        marks = marks_of(scale, len(documents))
        for mark in marks:  # each restart meets one, and each kill has calls beside it
            vendors.fault("letters-a", kind=kind, route=EMAILS, skip=mark)
        vendors.slow(0.1, EMAILS)

        def begin(process: GatewayProcess) -> list[str]:
            return [process.send("emailDocuments", {"documents": documents})["dispatch"]["id"]]

        (dispatch,) = killed_whenever(configuration, begin, marks, lambda: vendors.requests(EMAILS))
        with gateway(configuration) as process:
            process.ends(dispatch)
        assert not [fault for fault in vendors.faults("letters-a") if fault.kind == kind]
        scenario = f"{kind.replace('_', ' ')} the work, and kill -9, at {scale.kills} points; {store_of(ledger_url)}"
        judge(scenario, ledger_url, vendors, bound=scale.kills * (LANES + 1))
