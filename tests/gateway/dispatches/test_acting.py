"""``postroom dispatches`` reconciles, retries and cancels: here, or at a gateway that runs."""

import signal
from pathlib import Path

from adapters.sandboxing import Fault, Sandbox
from gateway.connecting import utc_now
from gateway.dispatch.ledger import Claim
from gateway.dispatch.records import ItemState
from gateway.ids import encode
from tests.dispatch.asking import NOW
from tests.gateway.dispatches.ledgers import CUSTOMERS, FUTURE, NOBODY, Ledger, Said
from tests.gateway.postroom import interrupted, started


def test_what_is_retried_is_left_to_a_gateway(said: Said, ledger: Ledger, emulator: Sandbox) -> None:
    dispatch = ledger.begin("10001", "10002")
    ledger.settle(dispatch, ItemState.ACCEPTED, ItemState.FAILED)
    short = dispatch.id[:12]
    assert said.lines("retry", short) == [
        "QUEUED 0 → 1, FAILED 1 → 0.",
        f"{short} is RUNNING: 1 of 2 settled: 1 queued, 1 accepted.",
        NOBODY,
    ]
    assert (ledger.states(dispatch), len(emulator.state.outbox)) == (["ACCEPTED", "QUEUED"], 0)


def test_a_gateway_that_is_alive_is_left_to_work(said: Said, ledger: Ledger) -> None:
    dispatch = ledger.begin("a")
    ledger.settle(dispatch, ItemState.FAILED)
    ledger.do(lambda opened: opened.beat("east", now=utc_now()))
    assert said.lines("retry", dispatch.id)[-1] == f"{dispatch.id[:12]} is QUEUED: 0 of 1 settled: 1 queued."


def test_who_waits_has_it_sent_from_here_where_no_gateway_is_alive(
    said: Said, ledger: Ledger, emulator: Sandbox
) -> None:
    dispatch = ledger.begin(*CUSTOMERS)
    other = ledger.begin("10005", requested_by="bob")
    ledger.do(lambda opened: opened.beat("east", now=utc_now() - FUTURE))
    ledger.settle(dispatch, ItemState.ACCEPTED, ItemState.FAILED)
    lines = said.lines("retry", dispatch.id, "--wait")
    assert (lines[0], lines[-2:]) == (
        "QUEUED 1 → 2, FAILED 1 → 0.",
        [
            "QUEUED 2 → 0, ACCEPTED 1 → 3.",
            f"{dispatch.id[:12]} is SUCCEEDED: 3 of 3 settled: 3 accepted.",
        ],
    )
    assert len(emulator.state.outbox) == 2
    assert (ledger.states(other), Path("ledger.sqlite3-runs").exists()) == (["QUEUED"], False)


def test_a_dead_gateways_processes_stay_to_be_adopted(said: Said, ledger: Ledger, emulator: Sandbox) -> None:
    dispatch = ledger.begin("10001")
    ledger.settle(dispatch, ItemState.FAILED)
    ledger.do(lambda opened: opened.beat("east", now=NOW))
    said.lines("retry", dispatch.id, "--wait")
    assert ledger.do(lambda opened: opened.take_dead(before=utc_now())) == ["east"]


def test_what_is_still_amiss_exits_1_and_says_what_can_be_done(said: Said, ledger: Ledger, emulator: Sandbox) -> None:
    emulator.state.faults.append(Fault(kind="reset_after", route="* *customerstatements*"))
    dispatch = ledger.begin("10001")
    code, output, _ = said.to("retry", dispatch.id, "--wait")
    advice = (
        "`postroom dispatches reconcile` asks the vendors what became of what is UNKNOWN; "
        f"`postroom dispatches show {dispatch.id[:12]} --items --state UNKNOWN` shows why."
    )
    assert (code, output.splitlines()[-1]) == (1, advice)
    assert (ledger.states(dispatch), len(emulator.state.outbox)) == (["UNKNOWN"], 1)


def test_the_vendor_is_asked_what_became_of_what_is_unknown(said: Said, ledger: Ledger, emulator: Sandbox) -> None:
    emulator.state.faults.append(Fault(kind="reset_after", route="* *customerstatements*"))
    dispatch = ledger.begin("10001", at=utc_now())
    said.to("retry", dispatch.id, "--wait")
    code, output, _ = said.to("reconcile", dispatch.id)
    (item,) = ledger.items(dispatch)
    assert (item.state is ItemState.UNKNOWN, item.evidence is None) == (code == 1, False)
    assert output.splitlines()[0] == ("Nothing changed." if code else "ACCEPTED 0 → 1, UNKNOWN 1 → 0.")


def test_what_a_dead_gateway_was_sending_is_reconciled_too(said: Said, ledger: Ledger, emulator: Sandbox) -> None:
    dispatch = ledger.begin("10001")
    claim = Claim(owner="east", at=NOW, until=NOW)
    ledger.do(lambda opened: opened.claim(dispatch.id, "books", first=1, claim=claim))
    said.to("reconcile", dispatch.id)
    (item,) = ledger.items(dispatch)
    assert (item.state is ItemState.SENDING, item.evidence is None) == (False, False)


def test_a_backend_that_is_not_configured_is_said(said: Said, ledger: Ledger) -> None:
    dispatch = ledger.begin("a", backend="gone")
    expected = "postroom: It cannot be sent from here: no backend gone is configured.\n"
    code, _, errors = said.to("retry", dispatch.id, "--wait")
    assert (code, errors) == (1, expected)


def test_what_has_not_begun_is_cancelled(said: Said, either_ledger: Ledger) -> None:
    dispatch = either_ledger.begin("a", "b")
    either_ledger.settle(dispatch, ItemState.ACCEPTED)
    short = dispatch.id[:12]
    assert said.lines("cancel", short) == [
        "QUEUED 1 → 0, CANCELLED 0 → 1.",
        f"{short} is SUCCEEDED: 2 of 2 settled: 1 accepted, 1 cancelled.",
    ]
    assert said.lines("cancel", short)[0] == "Nothing changed."


def test_url_and_config_exclude_each_other(said: Said, ledger: Ledger) -> None:
    expected = "postroom: Only one of --url and --config can be asked.\n"
    asked = said.to("cancel", "abcd", "--url", "http://127.0.0.1:1/graphql", "--config", "postroom.toml")
    assert asked == (2, "", expected)


def test_a_gateway_does_it_through_graphql(said: Said, ledger: Ledger, emulator: Sandbox, tmp_path: Path) -> None:
    with (tmp_path / "postroom.toml").open("a") as file:
        file.write("[server]\nport = 0\n")
    dispatch = ledger.begin("10001", "10002")
    ledger.settle(dispatch, ItemState.ACCEPTED, ItemState.FAILED)
    waiting = ledger.begin("10003", backend="gone")
    short = dispatch.id[:6]
    with started("serve", folder=tmp_path) as (process, output):
        url = output.readline().split()[-1]
        retried = said.lines("retry", short, "--wait", "--url", url)
        cancelled = said.lines("cancel", encode("Dispatch", "-", waiting.id), "--url", url)
        reconciled = said.lines("reconcile", short, "--url", url)
        watched = said.lines("watch", short, "--url", url)
        unknown = said.to("cancel", "0123", "--url", url)
        assert interrupted(process, signal.SIGTERM)[0] == 0
    settled = f"{dispatch.id[:12]} is SUCCEEDED: 2 of 2 settled: 2 accepted."
    assert (retried[-2:], len(emulator.state.outbox)) == (["QUEUED 1 → 0, ACCEPTED 1 → 2.", settled], 1)
    assert cancelled[0] == "QUEUED 1 → 0, CANCELLED 0 → 1."
    assert reconciled == ["Nothing changed.", settled]
    assert watched == ["SUCCEEDED: 2 of 2 settled: 2 accepted", settled]
    assert unknown == (1, "", "postroom: No dispatch's id begins with 0123.\n")
    assert ledger.states(waiting) == ["CANCELLED"]
