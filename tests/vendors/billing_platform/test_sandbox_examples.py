"""The requests and answers that the vendor's pages publish, replayed against the emulator.

The page gives the action's answer as ``{"success": true, "message": "..."}``: the message's wording is not published.
"""

from collections.abc import Iterator

import pytest

from adapters.sandboxing import Sandbox
from tests.vendors.billing_platform.emulator import built, client

LETTER = {
    "id": "123",
    "customerID": "123",
    "correspondenceNumber": "C001",
    "correspondenceDate": "2025-02-14",
    "correspondenceType": "Welcome",
    "status": ["Ready"],
}
CUSTOMER = {
    "id": "123",
    "accountNumber": "12345",
    "CRMReference": "CRM-12345",
    "name": "Example Ltd",
    "email": "accounts@example.com,billing@example.com",
}


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    sandbox = built(seed="examples")
    yield sandbox
    sandbox.close()


async def test_the_published_email_request_answers_success_and_reaches_both_addresses(sandbox: Sandbox) -> None:
    body = b"""{
    "email": ["accounts@example.com", "billing@example.com"]
  }"""
    async with client(sandbox) as api:
        answer = await api.post(
            "/correspondence/123?action=email", content=body, headers={"Content-Type": "application/json"}
        )
    message = "Correspondence emailed to accounts@example.com, billing@example.com"
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    assert {"success": True, "message": message} == answer.json()
    assert [mail.recipients for mail in sandbox.state.outbox] == [("accounts@example.com", "billing@example.com")]


async def test_the_published_deliver_request_answers_the_updated_correspondence(sandbox: Sandbox) -> None:
    async with client(sandbox) as api:
        answer = await api.post("/correspondence/123?action=deliver")
    assert (answer.status_code, answer.json()) == (200, {**LETTER, "status": ["Ready", "Delivered"]})


async def test_a_failed_action_answers_the_published_error_body(sandbox: Sandbox) -> None:
    async with client(sandbox) as api:
        answer = await api.post("/correspondence/124?action=deliver")
    published = {"error": "Invalid Action", "error_code": 400502, "hint": "The action was not performed"}
    assert (400, published) == (answer.status_code, answer.json())


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/correspondence/123", LETTER),
        ("/correspondence/?delivered=true&undelivered=true", []),
        ("/customers/123/correspondence/?correspondenceType=Welcome", [LETTER]),
        ("/customers?accountNumber=12345", [CUSTOMER]),
        ("/customers?accountNumber=12345&active=true", [CUSTOMER]),
        ("/customers?accountNumber=99999", []),
        ("/customers/123?expandNumbers=true&numberActive=true", {**CUSTOMER, "numbers": []}),
    ],
)
async def test_a_published_read_answers_the_bare_record_or_array(sandbox: Sandbox, path: str, expected: object) -> None:
    async with client(sandbox) as api:
        answer = await api.get(path)
    assert (200, expected) == (answer.status_code, answer.json())
