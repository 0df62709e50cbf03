"""kill -9 in the midst of a run, and again after each restart, until the run is done."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.conftest import Judge, Scale, store_of
from tests.faults.gateway_process import GatewayProcess, gateway
from tests.faults.killing import TIMES, killed_whenever
from tests.faults.vendors import EMAILS, STATEMENTS, letter_ids, running_vendors, statement_ids
from tests.faults.waiting import until

TWO = ("letters-a", "letters-b")
LANES = 4


def asked(mutation: str, given: dict[str, object]) -> Callable[[GatewayProcess], list[str]]:
    """Asks for one run."""
    return lambda process: [process.send(mutation, given)["dispatch"]["id"]]


def test_a_run_of_single_calls_goes_on_after_each_kill(
    ledger_url: str, scale: Scale, judge: Judge, tmp_path: Path
) -> None:
    with running_vendors(*TWO) as vendors:
        configuration = vendors.write_configuration(
            tmp_path / "postroom.toml", ledger_url, timeout=5, limits={"concurrency": LANES}, **TIMES
        )
        vendors.slow(0.15, EMAILS)
        documents = letter_ids(TWO, scale.documents)
        marks = [len(documents) * kill // (scale.kills + 2) for kill in range(1, scale.kills + 1)]
        begin = asked("emailDocuments", {"documents": documents})
        (dispatch,) = killed_whenever(configuration, begin, marks, vendors.sent)
        vendors.heal()
        with gateway(configuration) as process:
            process.ends(dispatch)
        scenario = f"kill -9 at {scale.kills} points of a run, each document a call; {store_of(ledger_url)}"
        figures = judge(scenario, ledger_url, vendors, bound=scale.kills * LANES * len(TWO))
        assert figures.items == len(documents)


@pytest.mark.whole
def test_a_run_in_batches_goes_on_after_each_kill(ledger_url: str, scale: Scale, judge: Judge, tmp_path: Path) -> None:
    batch = 35
    with running_vendors("statements") as vendors:
        configuration = vendors.write_configuration(
            tmp_path / "postroom.toml",
            ledger_url,
            timeout=5,
            limits={"concurrency": 1, "statement_batch": batch},
            **TIMES,
        )
        vendors.slow(0.3, STATEMENTS)
        customers = statement_ids("statements", scale.statements)
        marks = list(range(1, scale.statements // batch, 2))
        given: dict[str, object] = {"customers": customers, "from": "2026-01-01", "to": "2026-03-31"}
        begin = asked("emailStatements", given)
        (dispatch,) = killed_whenever(configuration, begin, marks, lambda: vendors.requests(STATEMENTS))
        vendors.heal()
        with gateway(configuration) as process:
            process.ends(dispatch)
        scenario = f"kill -9 at {len(marks)} points of a run, {batch} statements a call; {store_of(ledger_url)}"
        figures = judge(scenario, ledger_url, vendors, bound=len(marks) * batch)
        assert figures.items == len(customers)


WHOLE = pytest.mark.whole
RUN_POINTS = [
    pytest.param("begin", "after", 0, marks=WHOLE),  # written, and not yet handed to the engine
    ("settle_and_claim", "before", 1),  # sent, and not yet written down
    pytest.param("settle_and_claim", "in", 1, marks=WHOLE),
    pytest.param("settle_and_claim", "after", 1, marks=WHOLE),  # written down; the next claimed, and not yet sent
]
ADOPTING = [
    pytest.param("silent", "after", marks=WHOLE),
    pytest.param("take_dead", "before", marks=WHOLE),
    ("take_dead", "after"),
    pytest.param("expire", "in", marks=WHOLE),
]
SINGLE_POINTS = [
    pytest.param("begin", "in", 0, 0, marks=WHOLE),
    pytest.param("begin", "after", 0, 1, marks=WHOLE),
    ("settle", "before", 1, 1),
    pytest.param("settle", "after", 1, 0, marks=WHOLE),
]


@pytest.mark.parametrize(("method", "when", "unknown"), RUN_POINTS)
def test_a_run_survives_a_kill_at_each_step_of_the_ledger(
    ledger_url: str, method: str, when: str, unknown: int, judge: Judge, tmp_path: Path
) -> None:
    with running_vendors("letters") as vendors:
        configuration = vendors.write_configuration(
            tmp_path / "postroom.toml", ledger_url, timeout=2, limits={"concurrency": 1}, **TIMES
        )
        documents = letter_ids(["letters"], 6)
        nth = "1" if method == "begin" else "3"
        with gateway(configuration, "kill", method, when, nth) as process:
            process.leave_unanswered("emailDocuments", {"documents": documents})
            process.gone()
        with gateway(configuration) as process:
            until(lambda: process.newest() is not None, lambda: f"a dispatch; {process.log()}")
            process.ends(process.newest()["id"])
        scenario = f"kill -9 {when} the {method.replace('_', ' ')} of a run; {store_of(ledger_url)}"
        figures = judge(scenario, ledger_url, vendors, bound=1)
        assert (figures.items, figures.unknown) == (6, unknown)


@pytest.mark.parametrize(
    ("mutation", "given", "point"),
    [
        ("emailDocument", {"document": letter_ids(["letters"], 1)[0]}, ("settle", "before", "1")),
        pytest.param(
            "emailDocuments",
            {"documents": letter_ids(["letters"], 3)},
            ("settle_and_claim", "before", "2"),
            marks=WHOLE,
        ),
    ],
)
def test_what_a_kill_left_unknown_is_decided_by_the_status_that_it_had_not_before(
    ledger_url: str, mutation: str, given: dict[str, object], point: tuple[str, ...], tmp_path: Path
) -> None:
    reconcile = "mutation ($id: ID!) { reconcileDispatch(id: $id) { dispatch { state } } }"
    with running_vendors("letters") as vendors:
        configuration = vendors.write_configuration(
            tmp_path / "postroom.toml", ledger_url, timeout=2, limits={"concurrency": 1}, **TIMES
        )
        with gateway(configuration, "kill", *point) as process:
            process.leave_unanswered(mutation, given)
            process.gone()
        with gateway(configuration) as process:
            until(lambda: process.newest() is not None, lambda: f"a dispatch; {process.log()}")
            dispatch = process.newest()["id"]
            process.ends(dispatch)
            assert process.dispatch(dispatch)["counts"]["unknown"] == 1
            decided = process.ask(reconcile, id=dispatch)["reconcileDispatch"]["dispatch"]
    assert decided == {"state": "SUCCEEDED"}


@pytest.mark.parametrize(("method", "when"), ADOPTING)
def test_a_run_survives_the_death_of_who_would_adopt_it(
    ledger_url: str, method: str, when: str, judge: Judge, tmp_path: Path
) -> None:
    with running_vendors("letters") as vendors:
        configuration = vendors.write_configuration(
            tmp_path / "postroom.toml", ledger_url, timeout=2, limits={"concurrency": 1}, **TIMES
        )
        documents = letter_ids(["letters"], 6)
        with gateway(configuration, "kill", "settle_and_claim", "after", "3") as process:
            process.leave_unanswered("emailDocuments", {"documents": documents})
            process.gone()
        with gateway(configuration, "kill", method, when, "1", ready=False) as process:
            process.gone()
        with gateway(configuration) as process:
            process.ends(process.newest()["id"])
        scenario = f"kill -9 of who adopts, {when} {method}; {store_of(ledger_url)}"
        judge(scenario, ledger_url, vendors, bound=1)


@pytest.mark.parametrize(("method", "when", "sent", "unknown"), SINGLE_POINTS)
def test_a_single_send_survives_a_kill_at_each_step_of_the_ledger(
    ledger_url: str, method: str, when: str, sent: int, unknown: int, judge: Judge, tmp_path: Path
) -> None:
    with running_vendors("letters") as vendors:
        configuration = vendors.write_configuration(
            tmp_path / "postroom.toml", ledger_url, timeout=2, limits={"concurrency": 1}, **TIMES
        )
        given = {"document": letter_ids(["letters"], 1)[0], "idempotencyKey": "once"}
        with gateway(configuration, "kill", method, when, "1") as process:
            process.leave_unanswered("emailDocument", given)
            process.gone()
        first = vendors.sent()
        with gateway(configuration) as process:
            again = process.send("emailDocument", given)
            process.ends(again["dispatch"]["id"])
            assert again["replayed"] is (when != "in")
        assert first == sent
        scenario = f"kill -9 {when} the {method} of a single send, asked again; {store_of(ledger_url)}"
        figures = judge(scenario, ledger_url, vendors, bound=1)
        assert figures.unknown == unknown
