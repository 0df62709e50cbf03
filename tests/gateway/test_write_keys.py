"""An idempotency key on a creation or a change: the work is done once, and what became of it is answered again."""

import asyncio
from typing import Any

import pytest
import structlog

from adapters.contract import Outcome, OutcomeState
from adapters.errors import OutcomeUnknown, Unavailable
from gateway.app import Gateway
from gateway.context import Principal
from gateway.dispatch.ledger import LedgerUnavailableError
from tests.gateway.asking import Clock, data, gateway_over, gid
from tests.gateway.fakes import fake
from tests.gateway.logged import troubles
from tests.gateway.records import customer
from tests.gateway.writing import (
    CORRESPONDENCE,
    CUSTOMER,
    LETTER,
    MESSAGE,
    NEW_LETTER,
    TEMPLATE,
    TEXT,
    text_of,
    writer,
)
from tests.patience import PATIENCE

CHANGE = {"id": LETTER, "title": "New", "idempotencyKey": "k"}
KEYED: list[tuple[str, dict[str, Any]]] = [
    ("createCorrespondence", {"customer": CUSTOMER, "type": "N"}),
    ("updateCorrespondence", {"id": CORRESPONDENCE, "number": "7"}),
    ("createLetter", NEW_LETTER),
    ("updateLetter", {"id": LETTER, "title": None}),
    ("createTemplate", {"customer": CUSTOMER, "emailTemplate": TEXT}),
    ("updateTemplate", {"id": TEMPLATE, "emailTemplate": TEXT}),
    ("createMessage", {"backend": "a", "code": "C", "text": "T"}),
    ("updateMessage", {"id": MESSAGE, "text": "T"}),
]


async def asked(
    gateway: Gateway, mutation: str = "updateLetter", selected: str | None = "{ id }", **members: Any
) -> Any:
    given = members or CHANGE
    return (await data(gateway, text_of(mutation, selected), input=given))[mutation]


def codes(payload: Any) -> list[str]:
    return [problem["code"] for problem in payload["problems"]]


# ── Once ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("vendors_keys", [False, True])
@pytest.mark.parametrize(("mutation", "members"), KEYED)
async def test_the_same_key_and_input_write_once_and_answer_alike(
    mutation: str, members: dict[str, Any], vendors_keys: bool
) -> None:
    a = writer(takes_idempotency_keys=vendors_keys)
    gateway = gateway_over(a)
    first, second = [await asked(gateway, mutation, **members, idempotencyKey="k") for _ in range(2)]
    assert (first, len(a.behaviour.of("perform"))) == (second, 1)


async def test_a_repeat_answers_the_record_as_it_is_now_with_what_it_selects() -> None:
    a = writer()
    gateway = gateway_over(a)
    await asked(gateway, selected=None)
    payload = await asked(gateway, selected="{ title raw }")
    assert payload == {"letter": {"title": "Letter l1", "raw": {}}, "problems": []}
    assert a.behaviour.verbs() == ["perform", "letters.by_key"]


async def test_a_repeat_in_the_same_request_writes_nothing() -> None:
    a = writer()
    query = """mutation($input: UpdateLetterInput!) {
      one: updateLetter(input: $input) { letter { id } } two: updateLetter(input: $input) { letter { id } }
    }"""
    answered = await data(gateway_over(a), query, input=CHANGE)
    assert (answered["one"], len(a.behaviour.of("perform"))) == (answered["two"], 1)


@pytest.mark.parametrize("key", ["k" * 255, "\U0001f4ee" * 255, "\x01 \x7f"])
async def test_any_text_of_this_length_is_a_key(key: str) -> None:
    a = writer()
    gateway = gateway_over(a)
    payloads = [await asked(gateway, **CHANGE | {"idempotencyKey": key}) for _ in range(2)]
    assert ([codes(payload) for payload in payloads], len(a.behaviour.of("perform"))) == ([[], []], 1)


OTHERS: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("updateLetter", {"id": LETTER, "title": "A"}, {"id": LETTER, "title": "B"}),
    ("updateLetter", {"id": LETTER, "title": None}, {"id": LETTER}),
    ("updateLetter", {"id": LETTER}, {"id": gid("Letter", "a", "l2")}),
    ("updateLetter", {"id": LETTER}, {"id": gid("Letter", "b", "l1")}),
    ("createLetter", NEW_LETTER | {"vendorFields": {"x": 1}}, NEW_LETTER | {"vendorFields": {"x": 2}}),
    ("createLetter", NEW_LETTER | {"vendorFields": {"x": None}}, NEW_LETTER | {"vendorFields": {}}),
    ("createLetter", NEW_LETTER, NEW_LETTER | {"date": "2026-02-04"}),
    (
        "createMessage",
        {"backend": "a", "code": "C", "text": "T"},
        {"backend": "a", "code": "C", "text": "T", "status": "INACTIVE"},
    ),
]


@pytest.mark.parametrize(("mutation", "members", "other"), OTHERS)
async def test_another_input_under_the_key_is_a_conflict(
    mutation: str, members: dict[str, Any], other: dict[str, Any]
) -> None:
    a, b = writer("a"), writer("b")
    gateway = gateway_over(a, b)
    await asked(gateway, mutation, **members, idempotencyKey="k")
    payload = await asked(gateway, mutation, **other, idempotencyKey="k")
    (problem,) = payload.pop("problems")
    assert (problem["code"], problem["path"], list(payload.values())) == (
        "IDEMPOTENCY_CONFLICT",
        ["idempotencyKey"],
        [None],
    )
    assert len(a.behaviour.of("perform")) + len(b.behaviour.of("perform")) == 1


ALIKE: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("createLetter", NEW_LETTER, NEW_LETTER | {"title": None}),
    ("createLetter", NEW_LETTER | {"vendorFields": {"x": 1, "y": 2}}, NEW_LETTER | {"vendorFields": {"y": 2, "x": 1}}),
    (
        "createMessage",
        {"backend": "a", "code": "C", "text": "T"},
        {"backend": "a", "code": "C", "text": "T", "status": "ACTIVE"},
    ),
]


@pytest.mark.parametrize(("mutation", "members", "other"), ALIKE)
async def test_an_input_that_means_the_same_is_the_same(
    mutation: str, members: dict[str, Any], other: dict[str, Any]
) -> None:
    a = writer()
    gateway = gateway_over(a)
    payloads = [await asked(gateway, mutation, None, **one, idempotencyKey="k") for one in (members, other)]
    assert ([codes(payload) for payload in payloads], len(a.behaviour.of("perform"))) == ([[], []], 1)


async def test_keys_are_apart_by_principal_and_by_mutation() -> None:
    a = writer()
    gateway = gateway_over(a)
    for principal in ("ann", "bob"):
        await data(gateway, text_of("updateLetter"), principal=Principal(id=principal), input=CHANGE)
    for mutation, members in KEYED:
        assert codes(await asked(gateway, mutation, None, **members, idempotencyKey="k")) == []
    assert len(a.behaviour.of("perform")) == 2 + len(KEYED)


# ── While it is being done, and when nobody is left to do it ──────────────────────────────────────────────────────────


async def test_while_the_first_is_running_the_second_is_told_to_ask_again() -> None:
    a = writer()
    gateway = gateway_over(a)
    gate = a.behaviour.hold("perform")
    async with asyncio.timeout(PATIENCE):
        first = asyncio.create_task(asked(gateway))
        await gate.begun.wait()
        second = await asked(gateway)
        gate.release.set()
        answered = await first
    (problem,) = second["problems"]
    assert (problem["code"], problem["path"], problem["retryable"]) == ("CONFLICT", ["idempotencyKey"], True)
    assert (second["letter"], await asked(gateway), len(a.behaviour.of("perform"))) == (None, answered, 1)


@pytest.mark.parametrize(
    ("key", "told", "again"),
    [("k", ("CONFLICT", ["idempotencyKey"], True), 1), (None, ("OUTCOME_UNKNOWN", None, False), 2)],
)
async def test_who_cannot_wait_is_told_that_it_is_still_being_done(
    key: str | None, told: tuple[object, ...], again: int
) -> None:
    a = writer()
    gateway = gateway_over(a)
    given: dict[str, Any] = CHANGE | {"idempotencyKey": key}
    gate = a.behaviour.hold("perform")
    async with asyncio.timeout(PATIENCE):
        first = asyncio.create_task(asked(gateway, **given))
        await gate.begun.wait()
        gateway.sending._answer_now.set()
        payload = await first
        gate.release.set()
    assert await gateway.sending.drain() == 0
    (problem,) = payload["problems"]
    assert ((problem["code"], problem["path"], problem["retryable"]), payload["letter"]) == (told, None)
    gateway.sending._answer_now.clear()
    answered = await asked(gateway, **given)
    assert (answered["letter"], len(a.behaviour.of("perform"))) == ({"id": LETTER}, again)


async def test_what_nobody_lived_to_hear_of_is_unknown_for_good_and_never_written_again() -> None:
    a = writer()
    clock = Clock()
    gateway = gateway_over(a, clock=clock)
    a.behaviour.hold("perform")
    async with asyncio.timeout(PATIENCE):
        lost = asyncio.create_task(asked(gateway))
        await a.behaviour.gates["perform"].begun.wait()
        told = []
        for minutes in (0, 5, 60 * 24 * 6):
            clock.forward(minutes=minutes)
            (problem,) = (await asked(gateway))["problems"]
            told.append((problem["code"], problem["retryable"]))
        a.behaviour.gates["perform"].release.set()
        await lost
    unknown = ("OUTCOME_UNKNOWN", False)
    assert (told, len(a.behaviour.of("perform"))) == ([("CONFLICT", True), unknown, unknown], 1)


async def test_a_late_answer_is_still_kept() -> None:
    a = writer()
    clock = Clock()
    gateway = gateway_over(a, clock=clock)
    gate = a.behaviour.hold("perform")
    async with asyncio.timeout(PATIENCE):
        slow = asyncio.create_task(asked(gateway))
        await gate.begun.wait()
        clock.forward(minutes=5)
        unknown = await asked(gateway)
        gate.release.set()
        answered = await slow
    assert (codes(unknown), codes(answered)) == (["OUTCOME_UNKNOWN"], [])
    assert (await asked(gateway), len(a.behaviour.of("perform"))) == (answered, 1)


async def test_nothing_is_begun_once_others_take_it_for_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    a = writer()
    clock = Clock()
    gateway = gateway_over(a, clock=clock)
    begin = gateway.sending.ledger.begin_write

    async def begin_slowly(*arguments: Any, **options: Any) -> Any:
        taken = await begin(*arguments, **options)
        clock.forward(minutes=5)
        return taken

    with monkeypatch.context() as patched:
        patched.setattr(gateway.sending.ledger, "begin_write", begin_slowly)
        late = await asked(gateway)
    (problem,) = late["problems"]
    assert (problem["code"], problem["retryable"], a.behaviour.of("perform")) == ("TIMEOUT", True, [])
    assert codes(await asked(gateway)) == []


async def test_a_caller_that_leaves_finds_the_outcome_under_the_key() -> None:
    a = writer()
    gateway = gateway_over(a)
    gate = a.behaviour.hold("perform")
    async with asyncio.timeout(PATIENCE):
        left = asyncio.create_task(asked(gateway))
        await gate.begun.wait()
        left.cancel()
        gate.release.set()
        await gateway.sending.drain()
    assert (codes(await asked(gateway)), len(a.behaviour.of("perform"))) == ([], 1)


# ── What became of it ────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "planned",
    [
        [Outcome(state=OutcomeState.UNKNOWN, error=Unavailable("502 \0 \ud800", backend="a", vendor_code="502"))],
        [Outcome(state=OutcomeState.UNKNOWN, error=OutcomeUnknown("Lost.", backend="a"))],
        RuntimeError("a fault of ours"),
    ],
)
async def test_an_unknown_outcome_is_kept_as_unknown(planned: Any) -> None:
    a = writer()
    gateway = gateway_over(a)
    a.behaviour.outcomes.append(planned)
    with structlog.testing.capture_logs():
        first, second = await asked(gateway), await asked(gateway)
    assert (codes(first), len(a.behaviour.of("perform"))) == (["OUTCOME_UNKNOWN"], 1)
    for problem in first["problems"]:
        problem["message"] = problem["message"].replace("\ud800", "?")
    assert first == second


async def test_what_is_proved_undone_frees_the_key_for_another_input() -> None:
    a = writer()
    gateway = gateway_over(a)
    a.behaviour.outcomes.append([Outcome(state=OutcomeState.UNDONE, message="No such title.")])
    refused = await asked(gateway)
    corrected = await asked(gateway, **CHANGE | {"title": "Better"})
    assert (codes(refused), codes(corrected), len(a.behaviour.of("perform"))) == (["REJECTED"], [], 2)


REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("updateLetter", {"id": LETTER, "date": None}, "INVALID_INPUT"),
    ("updateLetter", {"id": "nonsense"}, "NOT_FOUND"),
    ("updateLetter", {"id": gid("Letter", "b", "l1"), "title": "T"}, "UNSUPPORTED"),
]


@pytest.mark.parametrize(("mutation", "members", "code"), REFUSED)
async def test_a_request_that_is_refused_before_any_call_takes_no_key(
    mutation: str, members: dict[str, Any], code: str
) -> None:
    a = writer()
    gateway = gateway_over(a, fake("b", customers=[customer("b", "1")]))
    refused = await asked(gateway, mutation, **members, idempotencyKey="k")
    assert (codes(refused), codes(await asked(gateway))) == ([code], [])


async def test_where_the_key_cannot_be_taken_nothing_is_written_and_the_caller_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    a = writer()
    gateway = gateway_over(a)
    with monkeypatch.context() as patched:
        patched.setattr(gateway.sending.ledger, "begin_write", away)
        refused = await asked(gateway)
    (problem,) = refused["problems"]
    assert (problem["code"], problem["retryable"], refused["letter"]) == ("UNAVAILABLE", True, None)
    assert a.behaviour.of("perform") == []
    assert codes(await asked(gateway)) == []


@pytest.mark.parametrize("selected", ["{ id }", None])
async def test_an_outcome_that_cannot_be_kept_is_told_all_the_same_and_never_written_again(
    selected: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    a = writer()
    clock = Clock()
    gateway = gateway_over(a, clock=clock)
    with monkeypatch.context() as patched, structlog.testing.capture_logs() as logs:
        patched.setattr(gateway.sending.ledger, "end_write", away)
        payload = await asked(gateway, selected=selected)
    (problem,) = payload.pop("problems")
    assert (problem["code"], problem["path"], problem["retryable"]) == ("UNAVAILABLE", ["idempotencyKey"], False)
    assert payload == ({} if selected is None else {"letter": {"id": LETTER}})
    assert [entry["event"] for entry in troubles(logs)] == ["an outcome could not be kept under its key"]
    clock.forward(minutes=5)
    assert (codes(await asked(gateway)), len(a.behaviour.of("perform"))) == (["OUTCOME_UNKNOWN"], 1)


async def away(*_: Any, **__: Any) -> Any:
    raise LedgerUnavailableError("away")
