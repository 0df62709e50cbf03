"""The emulator's actions, e-mail and deliver: whom they reach, each refusal, and the effects that are counted."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest

from adapters.sandboxing import Sandbox
from tests.vendors.billing_platform.emulator import NOTHING, built, client, error_code, new_letter, refusal

ACTION_FAILED = {"error": "Invalid Action", "error_code": 400502, "hint": "The action was not performed"}


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    sandbox = built()
    yield sandbox
    sandbox.close()


@pytest.fixture
async def api(sandbox: Sandbox) -> AsyncIterator[httpx.AsyncClient]:
    async with client(sandbox) as api:
        yield api


async def not_ready(api: httpx.AsyncClient) -> str:
    letters = (await api.get("/correspondence/")).json()
    return next(f"/correspondence/{letter['id']}" for letter in letters if not letter["status"])


@pytest.mark.parametrize("query", ["", "?action=", "?action=print", "?action=Email"])
async def test_an_unknown_action_is_400501(sandbox: Sandbox, api: httpx.AsyncClient, query: str) -> None:
    answer = await api.post("/correspondence/20001" + query)
    assert error_code(answer) == (400, 400501)
    assert sandbox.state.effects == NOTHING


@pytest.mark.parametrize("action", ["email", "deliver", "print"])
async def test_an_action_on_nothing_is_404001(api: httpx.AsyncClient, action: str) -> None:
    assert error_code(await api.post(f"/correspondence/9?action={action}")) == (404, 404001)


@pytest.mark.parametrize("action", ["email", "deliver"])
async def test_an_action_on_what_is_not_ready_fails(sandbox: Sandbox, api: httpx.AsyncClient, action: str) -> None:
    path = await not_ready(api)
    before = (await api.get(path)).json()
    answer = await api.post(f"{path}?action={action}")
    assert (answer.status_code, answer.json()) == (400, ACTION_FAILED)
    assert before == (await api.get(path)).json()
    assert (sandbox.state.effects, sandbox.state.outbox) == (NOTHING, [])


@pytest.mark.parametrize("body", [None, {}])
async def test_deliver_marks_it_and_answers_it(sandbox: Sandbox, api: httpx.AsyncClient, body: object) -> None:
    letter = await new_letter(api, 503)
    answer = await api.post(f"/correspondence/{letter['id']}?action=deliver", json=body)
    assert (200, letter | {"status": ["Ready", "Delivered"]}) == (answer.status_code, answer.json())
    assert [("deliver", letter["id"])] == [(item.kind, item.record) for item in sandbox.state.outbox]
    assert sandbox.state.effects == NOTHING | {"records": 2}


@pytest.mark.parametrize(
    ("given", "recipients"),
    [
        (["a@example.com"], ("a@example.com",)),
        (["a@example.com", "b@example.com"], ("a@example.com", "b@example.com")),
        ("a@example.com", ("a@example.com",)),
        ("a@example.com, b@example.com", ("a@example.com", "b@example.com")),
        (["a@example.com,b@example.com", "c@example.com"], ("a@example.com", "b@example.com", "c@example.com")),
        (["a@example.com", "A@EXAMPLE.com"], ("a@example.com",)),
    ],
)
async def test_an_email_reaches_the_addresses_given_in_one_mailing(
    sandbox: Sandbox, api: httpx.AsyncClient, given: object, recipients: tuple[str, ...]
) -> None:
    added = await new_letter(api, 503)
    answer = await api.post(f"/correspondence/{added['id']}?action=email", json={"email": given})
    mailed = [(item.kind, item.record, item.recipients, item.subject) for item in sandbox.state.outbox]
    assert (answer.status_code, answer.json()["success"]) == (200, True)
    assert [
        ("email", added["id"], recipients, f"Northgate Supplies: Overdue Account {added['correspondenceNumber']}")
    ] == mailed
    assert (await api.get(f"/correspondence/{added['id']}")).json()["status"] == ["Ready", "Emailed"]
    assert sandbox.state.effects == {"emails": 1, "letters": 0, "records": 1}


@pytest.mark.parametrize(
    ("customer", "recipients"),
    [
        (501, ("accounts@zephyr-furniture.example",)),
        (504, ("accounts@summit-books.example", "office@summit-books.example")),
        (502, ("accounts@copper-engineering.example", "accounts-payable@copper-engineering.example")),
        (505, ("accounts@mill-packaging.example", "copies@dealer-d01.example")),
    ],
)
@pytest.mark.parametrize("body", [None, {}, {"attachments": []}])
async def test_without_addresses_an_email_reaches_the_customer_and_its_contacts(
    sandbox: Sandbox, api: httpx.AsyncClient, customer: int, recipients: tuple[str, ...], body: object
) -> None:
    added = await new_letter(api, customer)
    await api.post(f"/correspondence/{added['id']}?action=email", json=body)
    assert [recipients] == [item.recipients for item in sandbox.state.outbox]


async def test_an_email_can_be_sent_again(sandbox: Sandbox, api: httpx.AsyncClient) -> None:
    for _ in range(2):
        await api.post("/correspondence/20001?action=email")
    assert sandbox.state.effects["emails"] == 2


@pytest.mark.parametrize(
    ("body", "name"),
    [
        ({"email": None}, "email:"),
        ({"email": []}, "email:"),
        ({"email": ""}, "email:"),
        ({"email": "a@example.com,"}, "email:"),
        ({"email": [7]}, "email:"),
        ({"email": "accounts"}, "email:"),
        ({"email": "a@example"}, "email:"),
        ({"email": "a@example.com\nb@example.com"}, "email:"),
        ({"attachments": "Price List"}, "attachments:"),
        ({"attachments": None}, "attachments:"),
        ({"attachments": [7]}, "attachments:"),
    ],
)
async def test_a_bad_email_parameter_is_refused_by_field(
    sandbox: Sandbox, api: httpx.AsyncClient, body: dict[str, Any], name: str
) -> None:
    assert refusal(await api.post("/correspondence/20001?action=email", json=body)) == (400, 400001, name)
    assert (sandbox.state.effects, sandbox.state.outbox) == (NOTHING, [])


async def test_named_attachments_go_with_the_email(sandbox: Sandbox, api: httpx.AsyncClient) -> None:
    letter = await new_letter(api, 501, correspondenceType="Welcome")
    names = ["Terms and Conditions", "Price List"]
    answer = await api.post(f"/correspondence/{letter['id']}?action=email", json={"attachments": names})
    assert answer.status_code == 200
    assert [{"attachments": names}] == [item.detail for item in sandbox.state.outbox]


@pytest.mark.parametrize("type_name", ["Welcome", "Overdue Account"])
async def test_an_attachment_that_is_not_there_is_404108(
    sandbox: Sandbox, api: httpx.AsyncClient, type_name: str
) -> None:
    added = await new_letter(api, 503, correspondenceType=type_name)
    path = f"/correspondence/{added['id']}"
    answer = await api.post(f"{path}?action=email", json={"attachments": ["price list"]})
    assert error_code(answer) == (404, 404108)
    assert (added, []) == ((await api.get(path)).json(), sandbox.state.outbox)


async def test_an_email_without_any_recipient_fails(sandbox: Sandbox, api: httpx.AsyncClient) -> None:
    added = await new_letter(api, 516)
    answer = await api.post(f"/correspondence/{added['id']}?action=email")
    assert (answer.status_code, answer.json()) == (400, ACTION_FAILED)
    assert sandbox.state.effects["emails"] == 0


@pytest.mark.parametrize(
    ("customer", "body"),
    [
        (501, {"email": ["nobody@refused.example"]}),
        (501, {"email": "a@example.com,nobody@REFUSED.example"}),
        (520, {}),
    ],
)
async def test_an_address_that_the_mail_server_refuses_is_500603_and_nobody_is_mailed(
    sandbox: Sandbox, api: httpx.AsyncClient, customer: int, body: dict[str, Any]
) -> None:
    added = await new_letter(api, customer)
    path = f"/correspondence/{added['id']}"
    assert error_code(await api.post(f"{path}?action=email", json=body)) == (500, 500603)
    assert (added, []) == ((await api.get(path)).json(), sandbox.state.outbox)


async def test_what_was_emailed_is_delivered_to_the_filters(api: httpx.AsyncClient) -> None:
    added = await new_letter(api, 503)
    lists = "/customers/503/correspondence/?minDate=2026-07-01&"
    before = [(await api.get(lists + flag)).json() for flag in ("delivered", "undelivered")]
    await api.post(f"/correspondence/{added['id']}?action=email")
    after = [(await api.get(lists + flag)).json() for flag in ("delivered", "undelivered")]
    assert ([[], [added]], [[added | {"status": ["Ready", "Emailed"]}], []]) == (before, after)
