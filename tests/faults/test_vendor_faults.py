"""The vendor misbehaves in the midst of a run: what it proves undone is sent again, what it leaves open is said."""

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from adapters.sandbox_company import company_customers
from gateway.upstream.breaker import SENDING
from tests.faults.conftest import Judge
from tests.faults.gateway_process import GatewayProcess, gateway
from tests.faults.vendors import EMAILS, STATEMENTS, Vendors, letter_ids, running_vendors, statement_ids
from tests.faults.waiting import until

TIMEOUT = 2.0
BATCH = 35
LANES = 2
A_RUN_WAITS = "a run waits"
STATEMENTS_ASKED = 4 * BATCH
WITHOUT_ADDRESS = sum(one.email_is_broken or not one.emails for one in company_customers()[:STATEMENTS_ASKED])
FAULTS: Mapping[str, tuple[dict[str, Any], int]] = {
    # what happens, and how many calls it may leave open
    "reset before the work": ({"kind": "reset_before"}, 1),
    "reset after the work": ({"kind": "reset_after"}, 1),
    "500": ({"kind": "status", "status": 500}, 1),
    "503": ({"kind": "status", "status": 503}, 1),
    "429 with Retry-After": ({"kind": "status", "status": 429, "retry_after": 1, "times": 2}, 0),
    "429": ({"kind": "status", "status": 429}, 0),
    "answer after the time-out": ({"kind": "latency", "seconds": TIMEOUT + 1}, 1),
    "truncated answer": ({"kind": "truncate"}, 1),
    "garbage": ({"kind": "garbage"}, 1),
    "session expired": ({"kind": "expire_session"}, 0),
}


class Stage:
    """One gateway over two vendors; every scenario takes what no other has sent."""

    def __init__(self, process: GatewayProcess, vendors: Vendors, ledger_url: str) -> None:
        self.process = process
        self.vendors = vendors
        self.ledger_url = ledger_url
        self._letters = iter(letter_ids(["letters"], 400))
        self._months = iter((year, month) for year in range(1990, 2026) for month in range(1, 13))

    def letters(self, count: int) -> tuple[str, dict[str, Any]]:
        """A run over so many letters."""
        return "emailDocuments", {"documents": [next(self._letters) for _ in range(count)]}

    def statements(self, count: int) -> tuple[str, dict[str, Any]]:
        """A run over so many customers' statements of a month of its own."""
        year, month = next(self._months)
        first, last = f"{year}-{month:02}-01", f"{year}-{month:02}-28"
        return "emailStatements", {"customers": statement_ids("statements", count), "from": first, "to": last}


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    folder: Path = tmp_path_factory.mktemp("faults")
    url = f"sqlite:///{folder}/ledger.sqlite3"
    with contextlib.ExitStack() as stack:
        vendors = stack.enter_context(running_vendors("letters", "statements"))
        limits = {"concurrency": LANES}
        configuration = vendors.write_configuration(folder / "postroom.toml", url, timeout=TIMEOUT, limits=limits)
        yield Stage(stack.enter_context(gateway(configuration)), vendors, url)


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("kind", [pytest.param("letters", marks=pytest.mark.whole), "statements"])
def test_a_run_survives_a_fault_of_the_vendor(stage: Stage, kind: str, fault: str, judge: Judge) -> None:
    members, open_calls = FAULTS[fault]
    batch, route = (1, EMAILS) if kind == "letters" else (BATCH, STATEMENTS)
    run = stage.letters(12) if kind == "letters" else stage.statements(STATEMENTS_ASKED)
    stage.process.ask('{ customers(first: 1, backends: ["letters", "statements"]) { nodes { name } } }')  # kept ones
    before = stage.vendors.outbox()
    unanswered = stage.vendors.unanswered(route)
    stage.vendors.fault(kind, route=route, skip=1, **members)
    dispatch = stage.process.send(*run)["dispatch"]["id"]
    stage.process.ends(dispatch)
    stage.vendors.heal()
    if members["kind"] == "latency":  # the vendor goes on with what nobody waits for any more
        until(lambda: stage.vendors.unanswered(route) == unanswered, "the vendor's late work")
    figures = judge(
        f"{fault}, {batch} item{'s' * (batch > 1)} a call",
        stage.ledger_url,
        stage.vendors,
        bound=open_calls * batch,
        dispatch=dispatch,
        before=before,
    )
    assert figures.unknown == open_calls * batch
    if not open_calls:  # proved undone, and no fault of the items': it has all gone out after all
        assert figures.sent == figures.items - (0 if kind == "letters" else WITHOUT_ADDRESS)


def test_a_vendor_that_breaks_down_pauses_a_run_which_then_goes_on(stage: Stage, judge: Judge) -> None:
    run = stage.letters(40)
    before = stage.vendors.outbox()
    stage.vendors.fault("letters", route=EMAILS, kind="status", status=500, times=None)
    waited = stage.process.log().count(A_RUN_WAITS)
    dispatch = stage.process.send(*run)["dispatch"]["id"]
    until(lambda: stage.process.log().count(A_RUN_WAITS) > waited, stage.process.log)
    paused = stage.process.dispatch(dispatch)["state"]
    stage.vendors.heal()
    stage.process.ends(dispatch)
    figures = judge(
        "500 to every send, until the breaker opened",
        stage.ledger_url,
        stage.vendors,
        bound=SENDING.least + LANES,  # what failed, what was under way meanwhile, and a probe where healing was slow
        dispatch=dispatch,
        before=before,
    )
    assert paused == "PAUSED"
    assert figures.unknown >= SENDING.least
    assert figures.sent == figures.items - figures.unknown
