"""What a document's status names prove of a send, and what they do not."""

import json

import pytest

from adapters.errors import Unavailable
from adapters.writes import Evidence, EvidenceRequest, SendAction, Verdict
from tests.connecting import NOW
from tests.vendors.billing_platform.tenant import adapter_over, answering


async def shown(
    *names: str, action: SendAction = SendAction.EMAIL, recipients: tuple[str, ...] | None = None
) -> Evidence:
    body = json.dumps({"id": "123", "status": names})
    adapter = adapter_over(answering(200, body))
    assert adapter.evidence is not None
    return await adapter.evidence(EvidenceRequest(action=action, native_id="123", since=NOW, recipients=recipients))


async def test_emailed_is_proof_of_an_email_that_the_vendor_addressed() -> None:
    assert await shown("Ready", "Emailed") == Evidence(verdict=Verdict.SENT, text="Its status is Ready, Emailed.")


async def test_emailed_is_no_proof_that_chosen_recipients_got_theirs() -> None:
    assert (await shown("Emailed", recipients=("a@example.com",))).verdict is Verdict.UNDECIDED


async def test_delivered_is_proof_of_a_delivery_alone() -> None:
    assert (await shown("Delivered", action=SendAction.DELIVER)).verdict is Verdict.SENT
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

    found = await adapter.evidence(EvidenceRequest(action=SendAction.EMAIL, native_id="123", since=NOW))

    assert found.verdict is Verdict.UNDECIDED


async def test_evidence_that_cannot_be_read_is_an_error() -> None:
    adapter = adapter_over(answering(503))
    assert adapter.evidence is not None

    with pytest.raises(Unavailable):
        await adapter.evidence(EvidenceRequest(action=SendAction.EMAIL, native_id="123", since=NOW))
