"""What a vendor's own status says was sent before is not sent again, unless that is asked for."""

import asyncio
from collections import Counter
from datetime import timedelta
from typing import Any
from unittest import mock

import msgspec
import pytest

from adapters.contract import Outcome, OutcomeState, SendAction
from adapters.errors import MalformedAnswer, Unavailable
from gateway.app import Gateway
from gateway.dispatch import backend_run
from gateway.dispatch.ledger import LedgerUnavailableError
from gateway.dispatch.orders import MOST_ASKED
from gateway.dispatch.timing import USUAL
from tests.gateway.asking import Clock, data, gateway_over, gid
from tests.gateway.fakes import Fake, fake
from tests.gateway.records import NOW, correspondence
from tests.gateway.sending import only_item, sent
from tests.patience import PATIENCE

DISPATCH = """{
  dispatch { id state requestedAt items { nodes { state settledAt problem { code message } } } }
  replayed problems { code path message }
}"""
EMAIL = f"mutation($input: EmailDocumentInput!) {{ sent: emailDocument(input: $input) {DISPATCH} }}"
EMAILS = f"mutation($input: EmailDocumentsInput!) {{ sent: emailDocuments(input: $input) {DISPATCH} }}"
DELIVER = f"mutation($input: DeliverDocumentInput!) {{ sent: deliverDocument(input: $input) {DISPATCH} }}"
RETRY = f"mutation($id: ID!) {{ sent: retryDispatch(id: $id) {DISPATCH} }}"
RECONCILE = f"mutation($id: ID!) {{ sent: reconcileDispatch(id: $id) {DISPATCH} }}"
PLAN = """mutation($input: EmailDocumentsInput!) { sent: emailDocuments(input: $input) {
  dispatch { id } plan { callCount warnings { code message backend } }
} }"""
NAMES = {SendAction.EMAIL: frozenset(("Emailed",))}
READ = "correspondence.by_key"
DOWN = Unavailable("Down.", backend="a")


def stating(*statuses: tuple[str, ...], named: bool = True) -> Fake:
    """A backend whose correspondence d0, d1, … has these statuses, and whose vendor names "Emailed"."""
    documents = [correspondence("a", f"d{n}", vendor_status=status) for n, status in enumerate(statuses)]
    return fake("a", correspondence=documents, writes=True, sent_statuses=NAMES if named else None)


def document(number: int) -> str:
    return gid("Correspondence", "a", f"d{number}")


def say(backend: Fake, number: int, *names: str) -> None:
    """The vendor's status is another now."""
    shelf = backend.shelves["correspondence"]
    shelf.records[number] = msgspec.structs.replace(shelf.records[number], vendor_status=names)


async def email(gateway: Gateway, number: int = 0, **members: Any) -> Any:
    return await sent(gateway, EMAIL, document=document(number), **members)


def problems(payload: Any) -> list[tuple[str, list[str]]]:
    return [(one["code"], one["path"]) for one in payload["problems"]]


async def test_what_the_vendor_says_was_emailed_is_refused() -> None:
    a = stating(("Ready", "Emailed"))
    payload = await email(gateway_over(a))

    assert (problems(payload), payload["dispatch"]) == ([("ALREADY_SENT", ["document"])], None)
    assert payload["problems"][0]["message"] == (
        "Not sent: the vendor says Emailed of it already. `resend` sends it again."
    )
    assert a.behaviour.performed == []


async def test_the_status_is_read_once_just_before_the_send_and_out_of_no_cache() -> None:
    a = stating(("Ready",))
    payload = await email(gateway_over(a))

    assert payload["dispatch"]["state"] == "SUCCEEDED"
    assert [(call.verb, call.keys, call.fresh) for call in a.behaviour.calls] == [
        (READ, ("d0",), True),
        ("perform", ("d0",), False),
    ]


SENDS_ANYWAY: list[tuple[str, dict[str, Any]]] = [
    (EMAIL, {"resend": True}),
    (EMAIL, {"recipients": [{"email": "x@example.com"}]}),
    (DELIVER, {}),
]


@pytest.mark.parametrize(("query", "members"), SENDS_ANYWAY, ids=["resend", "chosen recipients", "another channel"])
async def test_another_sending_is_not_asked_about(query: str, members: dict[str, Any]) -> None:
    a = stating(("Emailed",))
    payload = await sent(gateway_over(a), query, document=document(0), **members)

    assert (payload["dispatch"]["state"], a.behaviour.verbs()) == ("SUCCEEDED", ["perform"])


async def test_a_vendor_whose_pages_name_no_such_status_is_not_asked() -> None:
    a = stating(("Emailed",), named=False)
    payload = await email(gateway_over(a))

    assert (payload["dispatch"]["state"], a.behaviour.verbs()) == ("SUCCEEDED", ["perform"])


async def test_where_the_status_cannot_be_read_nothing_is_sent_and_the_caller_is_told() -> None:
    a = stating(("Ready",))
    a.behaviour.lasting[READ] = DOWN
    payload = await email(gateway_over(a))

    assert ([one["code"] for one in payload["problems"]], payload["dispatch"]) == (["UNAVAILABLE"], None)
    assert payload["problems"][0]["message"] == "Not sent, as its status at the vendor could not be read: Down."
    assert a.behaviour.performed == []


async def test_a_document_that_the_vendor_does_not_know_is_left_to_the_vendor_to_refuse() -> None:
    a = stating()
    await email(gateway_over(a))

    assert a.behaviour.performed == [("d0",)]


async def test_the_same_key_answers_the_dispatch_although_the_vendor_says_emailed_by_now() -> None:
    a = stating(("Ready",))
    gateway = gateway_over(a)
    await email(gateway, idempotencyKey="k")
    say(a, 0, "Emailed")
    payload = await email(gateway, idempotencyKey="k")

    assert (payload["replayed"], Counter(a.behaviour.verbs())) == (True, {READ: 1, "perform": 1})


async def test_the_same_key_twice_at_once_sends_once_and_answers_the_same_whatever_the_vendor_says_by_then() -> None:
    a = stating(("Ready",))
    gateway = gateway_over(a)
    reading = a.behaviour.hold(READ)
    late = asyncio.create_task(email(gateway, idempotencyKey="k"))
    async with asyncio.timeout(PATIENCE):
        await reading.begun.wait()
        del a.behaviour.gates[READ]
        first = await email(gateway, idempotencyKey="k")
        say(a, 0, "Emailed")
        reading.release.set()
        second = await late

    assert (second["replayed"], second["dispatch"]["id"]) == (True, first["dispatch"]["id"])
    assert len(a.behaviour.performed) == 1


async def test_of_what_the_ledger_knows_itself_it_tells_that() -> None:
    a = stating(("Ready",))
    gateway = gateway_over(a)
    await email(gateway)
    say(a, 0, "Emailed")
    payload = await email(gateway)

    assert problems(payload) == [("ALREADY_SENT", ["document"])]
    assert payload["problems"][0]["message"].startswith("This is ACCEPTED since ")


async def run_over(gateway: Gateway, count: int, **members: Any) -> Any:
    return await sent(gateway, EMAILS, documents=[document(n) for n in range(count)], **members)


def states(payload: Any) -> list[tuple[str, str | None]]:
    nodes = payload["dispatch"]["items"]["nodes"]
    return [(node["state"], node["problem"] and node["problem"]["code"]) for node in nodes]


async def test_a_run_skips_what_the_vendor_says_was_emailed_and_says_why() -> None:
    a = stating(("Ready",), ("Emailed",), ())
    payload = await run_over(gateway_over(a), 3)

    assert states(payload) == [("ACCEPTED", None), ("SKIPPED", "ALREADY_SENT"), ("ACCEPTED", None)]
    reason = payload["dispatch"]["items"]["nodes"][1]["problem"]["message"]
    assert reason == "Not sent: the vendor says Emailed of it already. `resend` sends it again."
    assert sorted(a.behaviour.performed) == [("d0",), ("d2",)]


async def test_a_run_reads_each_documents_status_once_and_afresh() -> None:
    a = stating((), (), ())
    await run_over(gateway_over(a), 3)

    reads = a.behaviour.of(READ)
    assert (sorted(call.keys for call in reads), {call.fresh for call in reads}) == (
        [("d0",), ("d1",), ("d2",)],
        {True},
    )


async def test_a_run_that_sends_again_asks_for_no_status() -> None:
    a = stating(("Emailed",), ("Emailed",))
    payload = await run_over(gateway_over(a), 2, resend=True)

    assert (states(payload), a.behaviour.of(READ)) == ([("ACCEPTED", None)] * 2, [])


async def test_an_item_whose_status_cannot_be_understood_fails_alone_and_is_not_sent() -> None:
    a = stating((), ())
    a.behaviour.of_key[READ, "d0"] = MalformedAnswer("No JSON.", backend="a")
    payload = await run_over(gateway_over(a), 2)

    assert states(payload) == [("FAILED", "MALFORMED_RESPONSE"), ("ACCEPTED", None)]
    assert a.behaviour.performed == [("d1",)]


async def test_a_run_waits_where_the_backend_cannot_be_asked_and_then_sends_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(backend_run, "FIRST_PAUSE", 0.0)
    a = stating(())
    a.behaviour.failures[READ] = [DOWN, None]
    gateway = gateway_over(a)
    with mock.patch.object(gateway.sending.ledger, "pause", wraps=gateway.sending.ledger.pause) as paused:
        payload = await run_over(gateway, 1)

    assert (states(payload), a.behaviour.performed) == ([("ACCEPTED", None)], [("d0",)])
    assert len(a.behaviour.of(READ)) == 2
    assert [problem and problem.code for _, problem in (call.args for call in paused.await_args_list)][:2] == [
        "UNAVAILABLE",
        None,
    ]


@pytest.mark.parametrize(("named", "calls"), [(False, 2), (True, 3)])
async def test_a_claim_lasts_for_every_call_that_it_takes(named: bool, calls: int) -> None:
    # a write waits for its turn as long as a call may take, and has all that time again from then
    a = stating((), named=named)
    gateway = gateway_over(a)
    ledger = gateway.sending.ledger
    with mock.patch.object(ledger, "settle_and_claim", wraps=ledger.settle_and_claim) as claimed:
        await run_over(gateway, 1)

    lasts = {call.kwargs["claim"].until - NOW for call in claimed.await_args_list}
    assert lasts == {timedelta(seconds=calls * a.backend.timeout) + USUAL.lease_margin}


async def test_retrying_asks_for_the_status_again() -> None:
    a = stating(())
    gateway = gateway_over(a)
    a.behaviour.outcomes.append([Outcome(state=OutcomeState.UNDONE)])
    failed = await email(gateway)
    say(a, 0, "Emailed")
    again = (await data(gateway, RETRY, id=failed["dispatch"]["id"]))["sent"]

    assert (states(again), len(a.behaviour.performed)) == ([("SKIPPED", "ALREADY_SENT")], 1)


async def warnings_of(a: Fake, count: int, **members: Any) -> list[Any]:
    documents = [document(n) for n in range(count)]
    payload = (await data(gateway_over(a), PLAN, input={"documents": documents, "dryRun": True, **members}))["sent"]
    assert (payload["dispatch"], a.behaviour.performed) == (None, [])
    found: list[Any] = payload["plan"]["warnings"]
    return found


async def test_a_dry_run_warns_of_what_the_vendor_says_was_emailed() -> None:
    message = "d1: Not sent: the vendor says Emailed of it already. `resend` sends it again."
    a = stating((), ("Emailed",))

    assert await warnings_of(a, 2) == [{"code": "ALREADY_SENT", "message": message, "backend": "a"}]
    assert await warnings_of(a, 2, resend=True) == []


async def test_a_dry_run_warns_where_the_status_cannot_be_read() -> None:
    a = stating(())
    a.behaviour.lasting[READ] = DOWN

    assert [one["code"] for one in await warnings_of(a, 1)] == ["UNAVAILABLE"]


async def test_a_dry_run_asks_for_so_many_statuses_in_one_batch_and_says_where_it_stopped() -> None:
    a = stating(*[()] * (MOST_ASKED + 1))
    warnings = await warnings_of(a, MOST_ASKED + 1)

    message = f"Of {MOST_ASKED + 1} documents the first {MOST_ASKED} were looked at. The run looks at each."
    assert warnings == [{"code": "SCAN_LIMIT", "message": message, "backend": "a"}]
    assert [len(call.keys) for call in a.behaviour.of(READ)] == [MOST_ASKED]


async def asked_for_evidence(a: Fake, gateway: Gateway, **members: Any) -> Any:
    """What evidence is asked for of an e-mail that nobody knows the outcome of."""
    a.behaviour.outcomes.append([Outcome(state=OutcomeState.UNKNOWN)])
    payload = await email(gateway, **members)
    assert only_item(payload)["state"] == "UNKNOWN"
    await data(gateway, RECONCILE, id=payload["dispatch"]["id"])
    return a.behaviour.of("evidence")[-1].request


@pytest.mark.parametrize(
    ("members", "named", "known"),
    [
        ({}, True, True),
        ({}, False, False),
        ({"resend": True}, True, False),
        ({"recipients": [{"email": "x@example.com"}]}, True, False),
    ],
)
async def test_evidence_is_asked_for_with_whether_the_status_was_read_before(
    members: dict[str, Any], named: bool, known: bool
) -> None:
    a = stating((), named=named)

    assert (await asked_for_evidence(a, gateway_over(a), **members)).unsent_before is known


async def test_of_an_attempt_that_was_lost_it_is_known_too_that_the_status_was_read_before() -> None:
    clock = Clock()
    a = stating(())
    gateway = gateway_over(a, clock=clock)
    performing = a.behaviour.hold("perform")
    lost = asyncio.create_task(email(gateway))
    async with asyncio.timeout(PATIENCE):
        await performing.begun.wait()
        clock.forward(hours=1)
        await gateway.sending.ledger.expire(now=clock())
        (dispatch,) = (await data(gateway, "{ dispatches { nodes { id } } }"))["dispatches"]["nodes"]
        await data(gateway, RECONCILE, id=dispatch["id"])
        performing.release.set()
        await lost

    assert [call.request.unsent_before for call in a.behaviour.of("evidence")] == [True]


async def test_of_an_attempt_of_a_run_that_was_lost_it_is_known_too() -> None:
    clock = Clock()
    a = stating((), ())
    gateway = gateway_over(a, clock=clock)
    performing = a.behaviour.hold("perform")
    lost = asyncio.create_task(run_over(gateway, 2))
    async with asyncio.timeout(PATIENCE):
        await performing.begun.wait()
        clock.forward(hours=1)
        await gateway.sending.ledger.expire(now=clock())
        (dispatch,) = (await data(gateway, "{ dispatches { nodes { id } } }"))["dispatches"]["nodes"]
        await data(gateway, RECONCILE, id=dispatch["id"])
        performing.release.set()
        await lost
    asked = [call.request.unsent_before for call in a.behaviour.of("evidence")]
    assert (set(asked), bool(asked)) == ({True}, True)


async def test_a_run_sends_although_what_the_status_said_cannot_be_written_down() -> None:
    a = stating(())
    gateway = gateway_over(a)
    away = LedgerUnavailableError("disk full")
    with mock.patch.object(gateway.sending.ledger, "found_unsent", side_effect=away):
        payload = await run_over(gateway, 1)
    assert states(payload) == [("ACCEPTED", None)]


async def test_evidence_is_asked_for_with_the_other_sendings_that_may_have_gone_this_way() -> None:
    a = stating(())
    gateway = gateway_over(a)
    await sent(gateway, DELIVER, document=document(0))
    a.behaviour.outcomes.append([Outcome(state=OutcomeState.UNDONE)])
    await email(gateway, recipients=[{"email": "failed@example.com"}])
    other = await email(gateway, recipients=[{"email": "x@example.com"}])
    request = await asked_for_evidence(a, gateway)

    moments = [(one.since.isoformat(), one.until and one.until.isoformat()) for one in request.others]
    assert moments == [(other["dispatch"]["requestedAt"], only_item(other)["settledAt"])]
