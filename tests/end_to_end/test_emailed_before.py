"""A vendor's own "Emailed" from GraphQL to its wire: what it costs, what it stops, and what it proves afterwards."""

from collections import Counter
from typing import Any

import pytest

from tests.end_to_end.stage import Stage, emulators, id_of, staged

KEY = "billing-platform"
CORRESPONDENCE = "/backend/api/v1/correspondence"
READY = id_of("Correspondence", KEY, 123)
EMAIL = """mutation ($input: EmailDocumentInput!) { emailDocument(input: $input) {
  dispatch { id state } problems { code path }
} }"""
EMAILS = """mutation ($input: EmailDocumentsInput!) { emailDocuments(input: $input) {
  dispatch { counts { accepted skipped } }
} }"""
RECONCILE = "mutation ($id: ID!) { reconcileDispatch(id: $id) { dispatch { items { nodes { state evidence } } } } }"


async def email(stage: Stage, **members: Any) -> tuple[Any, list[str]]:
    """What became of an e-mail of the published example, and the calls it cost."""
    reply = await stage.ask(EMAIL, input={"document": READY, **members})
    answer = reply.data["emailDocument"]
    return answer["problems"] or answer["dispatch"]["state"], reply.lines(KEY)


async def test_what_was_emailed_is_not_emailed_again_unless_that_is_asked_for() -> None:
    with emulators("billing_platform", seed="examples") as server:
        async with staged(server) as stage:
            first = await email(stage, recipients=[{"email": "someone@example.com"}])
            refused = await email(stage)
            again = await email(stage, resend=True)
            emails = stage.sandboxes[KEY].state.effects["emails"]

    read, send = f"GET {CORRESPONDENCE}/123", f"POST {CORRESPONDENCE}/123?action=email"
    assert first == ("SUCCEEDED", [send])
    assert refused == ([{"code": "ALREADY_SENT", "path": ["document"]}], [read])
    assert (again, emails) == (("SUCCEEDED", [send]), 2)


async def test_a_run_costs_two_calls_a_document_and_one_where_it_was_emailed_before() -> None:
    emailed, not_yet = (id_of("Correspondence", KEY, number) for number in (20001, 20007))
    with emulators("billing_platform") as server:
        async with staged(server) as stage:
            reply = await stage.ask(EMAILS, input={"documents": [emailed, not_yet]})

    assert reply.data["emailDocuments"]["dispatch"]["counts"] == {"accepted": 1, "skipped": 1}
    assert Counter(reply.lines(KEY)) == {
        f"GET {CORRESPONDENCE}/20001": 1,
        f"GET {CORRESPONDENCE}/20007": 1,
        f"POST {CORRESPONDENCE}/20007?action=email": 1,
    }


@pytest.mark.parametrize(("resend", "state"), [(False, "ACCEPTED"), (True, "UNKNOWN")])
async def test_a_lost_answer_is_settled_only_where_the_status_was_seen_before(resend: bool, state: str) -> None:
    with emulators("billing_platform", seed="examples") as server:
        async with staged(server) as stage:
            stage.fault(KEY, kind="reset_after", route="POST */correspondence/*")
            lost = await stage.ask(EMAIL, input={"document": READY, "resend": resend})
            reply = await stage.ask(RECONCILE, id=lost.data["emailDocument"]["dispatch"]["id"])

    (item,) = reply.data["reconcileDispatch"]["dispatch"]["items"]["nodes"]
    assert (item["state"], [call.headers["cache-control"] for call in reply.at(KEY)]) == (state, ["no-cache"])
