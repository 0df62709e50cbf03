"""What a document's status names prove of a send, and what they do not."""

import json
from datetime import timedelta
from typing import Any

import pytest

from adapters.errors import Unavailable
from adapters.writes import Evidence, EvidenceRequest, OtherSending, SendAction, Verdict
from tests.connecting import NOW
from tests.vendors.billing_platform.tenant import adapter_over, answering


def asked(**members: Any) -> EvidenceRequest:
    known: dict[str, Any] = {"action": SendAction.EMAIL, "native_id": "123", "stable_id": "123", "since": NOW}
    return EvidenceRequest(**known | {"unsent_before": True} | members)


async def shown(*names: str, **members: Any) -> Evidence:
    body = json.dumps({"id": "123", "status": names})
    adapter = adapter_over(answering(200, body))
    assert adapter.evidence is not None
    return await adapter.evidence(asked(**members))


async def test_emailed_is_proof_of_an_email_that_the_vendor_addressed() -> None:
    text = "Its status is Ready, Emailed. Just before the send it was not."
    assert await shown("Ready", "Emailed") == Evidence(verdict=Verdict.SENT, text=text)


async def test_emailed_is_no_proof_where_nobody_knows_what_the_status_was_before() -> None:
    text = "Its status is Emailed. It does not say since when: that may be about another sending."
    assert await shown("Emailed", unsent_before=False) == Evidence(verdict=Verdict.UNDECIDED, text=text)


@pytest.mark.parametrize("until", [None, NOW])
async def test_emailed_is_no_proof_where_another_sending_may_have_made_it_so(until: Any) -> None:
    other = OtherSending(since=NOW - timedelta(days=400), until=until)
    assert (await shown("Emailed", others=(other,))).verdict is Verdict.UNDECIDED


async def test_emailed_is_no_proof_that_chosen_recipients_got_theirs() -> None:
    assert (await shown("Emailed", recipients=("a@example.com",))).verdict is Verdict.UNDECIDED


async def test_a_status_that_is_on_no_page_proves_nothing() -> None:
    assert (await shown("Delivered", action=SendAction.DELIVER)).verdict is Verdict.UNDECIDED
    assert (await shown("Delivered")).verdict is Verdict.UNDECIDED
    assert (await shown("Emailed", action=SendAction.DELIVER)).verdict is Verdict.UNDECIDED


@pytest.mark.parametrize("action", list(SendAction))
@pytest.mark.parametrize("names", [(), ("Ready",), ("Ready", "Downloaded", "Printed")])
async def test_a_missing_name_proves_nothing(action: SendAction, names: tuple[str, ...]) -> None:
    assert (await shown(*names, action=action)).verdict is Verdict.UNDECIDED


@pytest.mark.parametrize("action", [SendAction.POST, SendAction.EMAIL_STATEMENT])
async def test_what_the_vendor_cannot_do_it_never_proves(action: SendAction) -> None:
    assert (await shown("Emailed", "Delivered", action=action)).verdict is Verdict.UNDECIDED


async def test_a_document_that_is_gone_proves_nothing() -> None:
    adapter = adapter_over(answering(404, '{"error": "Not found", "error_code": 404001, "hint": ""}'))
    assert adapter.evidence is not None

    found = await adapter.evidence(asked())

    assert found.verdict is Verdict.UNDECIDED


async def test_evidence_that_cannot_be_read_is_an_error() -> None:
    adapter = adapter_over(answering(503))
    assert adapter.evidence is not None

    with pytest.raises(Unavailable):
        await adapter.evidence(asked())
