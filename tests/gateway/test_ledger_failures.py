"""The ledger fails around a call that is made once: what is told is true, and nothing is sent for it again."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import structlog

from adapters.contract import Outcome, OutcomeState
from gateway.app import Gateway
from gateway.dispatch.ledger import LedgerUnavailableError, Request, UnconfirmedError
from gateway.schema.query import dispatch_id
from tests.gateway.asking import Clock, answer, data, gateway_over, gid
from tests.gateway.sending import EMAIL, LETTER, STATEMENTS, only_item, sender, sent

CUSTOMERS = [gid("Customer", "a", n) for n in "0123"]
MORE = [gid("Customer", "a", f"{n}") for n in range(12)]
"""More batches of two than a run sends at once."""
STANDING = "query($id: ID!) { dispatch(id: $id) { state counts { accepted failed unknown sending } } }"


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.dispatch.settling.FIRST_PAUSE", 0)
    monkeypatch.setattr("gateway.dispatch.sending.LOOK_AGAIN_SECONDS", 0)
    monkeypatch.setattr("gateway.dispatch.backend_run.FIRST_LOOK", 0)


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Has the next calls of a method of the ledger fail, for nothing or after they were done."""

    def fails(
        gateway: Gateway,
        method: str,
        *,
        times: int = 1,
        error: type[LedgerUnavailableError] = LedgerUnavailableError,
        done: bool = False,
        then: Callable[[], object] = bool,
    ) -> None:
        ledger = gateway.sending.ledger
        original: Callable[..., Awaitable[Any]] = getattr(ledger, method)
        left = iter(range(times))

        async def failing_first(*arguments: Any, **options: Any) -> Any:
            claims_only = method == "settle_and_claim" and not arguments[0]
            if claims_only or next(left, None) is None:
                return await original(*arguments, **options)
            if done:
                await original(*arguments, **options)
            then()
            raise error("away")

        monkeypatch.setattr(ledger, method, failing_first)

    return fails


def codes(payload: Any) -> list[str]:
    return [problem["code"] for problem in payload["problems"]]


def run_id(payload: Any) -> str:
    ledger_id = dispatch_id(payload["dispatch"]["id"])
    assert ledger_id is not None
    return ledger_id


async def standing(gateway: Gateway, payload: Any) -> Any:
    return (await data(gateway, STANDING, id=payload["dispatch"]["id"]))["dispatch"]


@pytest.mark.parametrize(
    ("outcome", "said", "state"),
    [
        (OutcomeState.DONE, "The vendor took it, but", "SUCCEEDED"),
        (OutcomeState.UNDONE, "It is proved that nothing was sent, but", "FAILED"),
        (OutcomeState.UNKNOWN, "It may have gone out, but", "UNKNOWN"),
    ],
)
async def test_what_was_sent_and_is_not_written_down_is_told_so_and_written_later(
    outcome: OutcomeState, said: str, state: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    a = sender()
    gateway = gateway_over(a)
    a.behaviour.outcomes.append([Outcome(state=outcome)])
    settle, told = gateway.sending.ledger.settle, asyncio.Event()

    async def away_until_told(*arguments: Any, **options: Any) -> Any:
        if not told.is_set():
            raise LedgerUnavailableError("away")
        return await settle(*arguments, **options)

    monkeypatch.setattr(gateway.sending.ledger, "settle", away_until_told)
    payload = await sent(gateway, EMAIL, document=LETTER)
    told.set()
    assert (payload["dispatch"]["state"], codes(payload)) == ("RUNNING", ["OUTCOME_UNKNOWN"])
    assert payload["problems"][0]["message"].startswith(said)
    await gateway.sending.drain()
    assert ((await standing(gateway, payload))["state"], len(a.behaviour.of("perform"))) == (state, 1)


async def test_an_outcome_that_was_written_although_the_ledger_did_not_say_so_stands(
    failing: Callable[..., None],
) -> None:
    a = sender()
    gateway = gateway_over(a)
    failing(gateway, "settle", error=UnconfirmedError, done=True)
    with structlog.testing.capture_logs() as logs:
        payload = await sent(gateway, EMAIL, document=LETTER)
        await gateway.sending.drain()
    assert (payload["dispatch"]["state"], codes(payload)) == ("SUCCEEDED", [])
    assert [line for line in logs if "too late" in line["event"]] == []


async def test_an_outcome_is_tried_until_the_lease_ends_and_then_left_in_the_log(failing: Callable[..., None]) -> None:
    clock = Clock()
    gateway = gateway_over(sender(), clock=clock)
    failing(gateway, "settle", times=1000, then=lambda: clock.forward(seconds=25))
    with structlog.testing.capture_logs() as logs:
        payload = await sent(gateway, EMAIL, document=LETTER)
        await gateway.sending.drain()
    told = {line["event"]: line["outcomes"] for line in logs if line["log_level"] == "error"}
    assert told == {"outcomes were not written down: their items will be UNKNOWN": ["item 1, attempt 1: ACCEPTED"]}
    assert await gateway.sending.ledger.expire(now=clock()) == 1
    assert (await standing(gateway, payload))["state"] == "UNKNOWN"


async def test_an_outcome_settles_what_is_unknown_by_then(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    gateway = gateway_over(sender(), clock=clock)
    ledger = gateway.sending.ledger

    async def away_past_the_lease(*_: Any, **__: Any) -> None:
        clock.forward(hours=1)
        assert await ledger.expire(now=clock()) == 1
        monkeypatch.undo()
        raise LedgerUnavailableError("away")

    monkeypatch.setattr(ledger, "settle", away_past_the_lease)
    payload = await sent(gateway, EMAIL, document=LETTER)
    assert payload["dispatch"]["state"] == "UNKNOWN"
    await gateway.sending.drain()
    assert (await standing(gateway, payload))["state"] == "SUCCEEDED"


async def test_a_run_outlives_a_ledger_that_is_away_when_it_settles(failing: Callable[..., None]) -> None:
    a = sender(batch=2)
    gateway = gateway_over(a)
    failing(gateway, "settle_and_claim")
    failing(gateway, "settle", times=3)
    run = await sent(gateway, STATEMENTS, customers=CUSTOMERS)
    assert (run["dispatch"]["counts"]["accepted"], run["problems"]) == (4, [])
    assert sorted(a.behaviour.performed) == [("0", "1"), ("2", "3")]


@pytest.mark.parametrize("done", [True, False])
async def test_a_batch_that_was_claimed_although_the_ledger_did_not_say_so_is_sent_once(
    done: bool, failing: Callable[..., None]
) -> None:
    a = sender(batch=2)
    gateway = gateway_over(a)
    failing(gateway, "settle_and_claim", error=UnconfirmedError, done=done)
    failing(gateway, "claimed", times=3)
    run = await sent(gateway, STATEMENTS, customers=MORE)
    assert (run["dispatch"]["counts"]["accepted"], run["problems"]) == (12, [])
    assert len(a.behaviour.performed) == 6


async def test_a_runs_first_batch_is_found_too(failing: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    a = sender(batch=4)
    gateway = gateway_over(a)
    ledger = gateway.sending.ledger
    claim, unheard = ledger.settle_and_claim, iter([UnconfirmedError("away")])

    async def claimed_unheard(*arguments: Any, **options: Any) -> Any:
        found = await claim(*arguments, **options)
        if (error := next(unheard, None)) is not None:
            raise error
        return found

    monkeypatch.setattr(ledger, "settle_and_claim", claimed_unheard)
    failing(gateway, "claimed")
    run = await sent(gateway, STATEMENTS, customers=CUSTOMERS)
    assert (run["dispatch"]["counts"]["accepted"], a.behaviour.performed) == (4, [("0", "1", "2", "3")])


async def test_a_batch_that_nobody_can_look_for_is_unknown_when_its_lease_ends(failing: Callable[..., None]) -> None:
    a = sender(batch=2)
    clock = Clock()
    gateway = gateway_over(a, clock=clock)
    failing(gateway, "settle_and_claim", error=UnconfirmedError, done=True)
    failing(gateway, "claimed", times=2, then=lambda: clock.forward(hours=1))
    run = await sent(gateway, STATEMENTS, customers=MORE)
    await gateway.sending.ledger.expire(now=clock())
    await gateway.sending._engine.submit(run_id(run))
    counts = (await standing(gateway, run))["counts"]
    assert counts == {"accepted": 10, "failed": 0, "unknown": 2, "sending": 0}
    assert len(a.behaviour.performed) == 5


async def test_a_batch_whose_outcome_could_not_be_written_is_not_sent_again(failing: Callable[..., None]) -> None:
    a = sender(batch=4)
    clock = Clock()
    gateway = gateway_over(a, clock=clock)
    failing(gateway, "settle_and_claim", then=lambda: clock.forward(hours=1))
    failing(gateway, "settle")
    run = await sent(gateway, STATEMENTS, customers=CUSTOMERS)
    await gateway.sending.ledger.expire(now=clock())
    await gateway.sending._engine.submit(run_id(run))
    assert (await standing(gateway, run))["counts"]["unknown"] == 4
    assert a.behaviour.performed == [("0", "1", "2", "3")]


async def test_what_was_sent_and_settled_is_no_error_when_it_cannot_be_read_again(failing: Callable[..., None]) -> None:
    gateway = gateway_over(sender())
    failing(gateway, "get")
    payload = await sent(gateway, EMAIL, document=LETTER)
    assert (payload["dispatch"]["state"], payload["dispatch"]["counts"]["accepted"]) == ("SUCCEEDED", 1)
    assert (payload["dispatch"]["finishedAt"], codes(payload)) == ("2026-06-30T12:00:00+00:00", [])


async def test_a_claim_that_was_written_although_the_ledger_did_not_say_so_is_sent_once(
    failing: Callable[..., None],
) -> None:
    a = sender()
    gateway = gateway_over(a)
    failing(gateway, "begin", error=UnconfirmedError, done=True)
    payload = await sent(gateway, EMAIL, document=LETTER)
    assert (payload["dispatch"]["state"], codes(payload), len(a.behaviour.of("perform"))) == ("SUCCEEDED", [], 1)


async def test_a_claim_that_is_found_when_its_lease_has_ended_is_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    a = sender()
    clock = Clock()
    gateway = gateway_over(a, clock=clock)
    ledger = gateway.sending.ledger
    begin = ledger.begin

    async def slow(request: Request, *_: object) -> None:
        await begin(request)
        clock.forward(hours=1)
        assert await ledger.expire(now=clock()) == 1
        raise UnconfirmedError("away")

    monkeypatch.setattr(ledger, "begin", slow)
    payload = await sent(gateway, EMAIL, document=LETTER)
    assert (payload["dispatch"]["state"], a.behaviour.of("perform")) == ("UNKNOWN", [])


async def test_a_claim_that_was_not_written_is_not_sent(failing: Callable[..., None]) -> None:
    a = sender()
    gateway = gateway_over(a)
    failing(gateway, "begin", error=UnconfirmedError)
    payload = await sent(gateway, EMAIL, document=LETTER)
    assert (codes(payload), payload["dispatch"], a.behaviour.of("perform")) == (["UNAVAILABLE"], None, [])


async def test_a_claim_that_nobody_could_look_for_is_not_sent_and_withdrawn(failing: Callable[..., None]) -> None:
    a = sender()
    gateway = gateway_over(a)
    failing(gateway, "begin", error=UnconfirmedError, done=True)
    failing(gateway, "get", times=3)
    refused = await sent(gateway, EMAIL, document=LETTER)
    assert (codes(refused), refused["dispatch"]) == (["UNAVAILABLE"], None)
    await gateway.sending.drain()
    (left,) = (await data(gateway, "{ dispatches { nodes { state items { nodes { problem { message } } } } } }"))[
        "dispatches"
    ]["nodes"]
    assert (left["state"], a.behaviour.of("perform")) == ("FAILED", [])
    assert only_item({"dispatch": left})["problem"]["message"].endswith("nothing was sent.")
    assert (await sent(gateway, EMAIL, document=LETTER))["dispatch"]["state"] == "SUCCEEDED"


async def test_a_run_that_was_written_although_the_ledger_did_not_say_so_goes_on(failing: Callable[..., None]) -> None:
    gateway = gateway_over(sender())
    failing(gateway, "begin", error=UnconfirmedError, done=True)
    run = await sent(gateway, STATEMENTS, customers=CUSTOMERS)
    assert (run["dispatch"]["counts"]["accepted"], codes(run)) == (4, [])


async def test_a_run_that_may_have_been_written_is_not_called_unsent(failing: Callable[..., None]) -> None:
    gateway = gateway_over(sender())
    failing(gateway, "begin", error=UnconfirmedError, done=True)
    failing(gateway, "get")
    run = await sent(gateway, STATEMENTS, customers=CUSTOMERS)
    assert (run["dispatch"], codes(run)) == (None, ["OUTCOME_UNKNOWN"])
    assert "it may begin by itself" in run["problems"][0]["message"]


class BrokenEngine:
    """Fails, or never answers."""

    def __init__(self, *, answers: bool) -> None:
        self._answers = answers

    async def submit(self, _: str) -> None:
        """Does not take it."""
        if self._answers:
            raise RuntimeError("no engine")
        await asyncio.Event().wait()


@pytest.mark.parametrize("answers", [True, False])
async def test_a_run_that_the_engine_does_not_take_is_queued_and_no_error(
    answers: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.dispatch.sending.HAND_OVER_SECONDS", 0)
    gateway = gateway_over(sender())
    monkeypatch.setattr(gateway.sending, "_engine", BrokenEngine(answers=answers))
    run = await sent(gateway, STATEMENTS, customers=CUSTOMERS)
    assert (run["dispatch"]["state"], codes(run)) == ("QUEUED", [])


STANDS = {
    LedgerUnavailableError: ("UNAVAILABLE", True, "The ledger cannot be reached. Try again."),
    UnconfirmedError: (
        "OUTCOME_UNKNOWN",
        False,
        "The ledger did not say whether this was written down. Look at the dispatch, or ask again.",
    ),
}


@pytest.mark.parametrize(("mutation", "method"), [("retryDispatch", "retry"), ("cancelDispatch", "cancel")])
@pytest.mark.parametrize("error", STANDS)
async def test_a_dispatch_that_cannot_be_written_is_a_problem_of_the_ledger(
    failing: Callable[..., None], mutation: str, method: str, error: type[LedgerUnavailableError]
) -> None:
    gateway = gateway_over(sender())
    payload = await sent(gateway, EMAIL, document=LETTER)
    failing(gateway, method, error=error)
    query = f"mutation ($id: ID!) {{ {mutation}(id: $id) {{ problems {{ code retryable message }} }} }}"
    answered = await data(gateway, query, id=payload["dispatch"]["id"])
    (problem,) = answered[mutation]["problems"]
    assert (problem["code"], problem["retryable"], problem["message"]) == STANDS[error]


async def test_dispatches_that_cannot_be_read_are_an_error_of_the_ledger(failing: Callable[..., None]) -> None:
    gateway = gateway_over(sender())
    failing(gateway, "find")
    answered = await answer(gateway, "{ dispatches { nodes { id } } }")
    (error,) = answered.errors
    assert (error["extensions"]["code"], error["extensions"]["retryable"]) == ("UNAVAILABLE", True)
    assert (error["message"], len(error["extensions"]["incident"])) == ("The ledger cannot be reached. Try again.", 12)
