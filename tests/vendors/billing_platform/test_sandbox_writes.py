"""The emulator's writes: create, change and delete, each refusal, and the effects that are counted."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest

from adapters.sandboxing import Sandbox
from tests.vendors.billing_platform.emulator import NOTHING, built, client, error_code, new_letter, pdf_text, refusal


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    sandbox = built()
    yield sandbox
    sandbox.close()


@pytest.fixture
async def api(sandbox: Sandbox) -> AsyncIterator[httpx.AsyncClient]:
    async with client(sandbox) as api:
        yield api


# Create


async def test_a_new_letter_is_numbered_dated_today_ready_and_returned(
    sandbox: Sandbox, api: httpx.AsyncClient
) -> None:
    count = len((await api.get("/customers/503/correspondence")).json())
    answer = await api.post("/customers/503/correspondence/", json={"correspondenceType": "Final Notice"})
    added = answer.json()
    assert answer.status_code == 201
    assert added == {
        "id": added["id"],
        "customerID": "503",
        "correspondenceNumber": f"C{count + 1:03d}",
        "correspondenceDate": "2026-07-01",
        "correspondenceType": "Final Notice",
        "status": ["Ready"],
    }
    assert added == (await api.get(f"/correspondence/{added['id']}")).json()
    assert sandbox.state.effects == NOTHING | {"records": 1}


async def test_a_new_letter_takes_the_date_and_number_given(api: httpx.AsyncClient) -> None:
    added = await new_letter(api, 503, correspondenceNumber="X-9", correspondenceDate="2026-05-01")
    pdf = await api.get(f"/correspondence/{added['id']}", headers={"Accept": "application/pdf"})
    assert (added["correspondenceNumber"], added["correspondenceDate"]) == ("X-9", "2026-05-01")
    assert "Reference: 10003/X-9" in pdf_text(pdf.content)


async def test_a_blank_number_is_assigned_and_follows_the_highest(api: httpx.AsyncClient) -> None:
    await new_letter(api, 503, correspondenceNumber="C041")
    await new_letter(api, 503, correspondenceNumber="D077")
    await new_letter(api, 503, correspondenceNumber="C099 copy")
    assert (await new_letter(api, 503, correspondenceNumber=" "))["correspondenceNumber"] == "C042"


@pytest.mark.parametrize(
    ("body", "name"),
    [
        ({}, "correspondenceType:"),
        ({"correspondenceType": "Postcard"}, "correspondenceType:"),
        ({"correspondenceType": ["Welcome"]}, "correspondenceType:"),
        ({"correspondenceType": "Welcome", "correspondenceDate": "01/05/2026"}, "correspondenceDate:"),
        ({"correspondenceType": "Welcome", "correspondenceDate": 20260501}, "correspondenceDate:"),
        ({"correspondenceType": "Welcome", "correspondenceDate": None}, "correspondenceDate:"),
        ({"correspondenceType": "Welcome", "correspondenceNumber": 7}, "correspondenceNumber:"),
        ({"correspondenceType": "Welcome", "correspondenceNumber": "C001"}, "correspondenceNumber:"),
        ({"correspondenceType": "Welcome", "status": ["Ready"]}, "status:"),
        ({"correspondenceType": "Welcome", "id": "1"}, "id:"),
    ],
)
async def test_a_bad_new_letter_is_refused_by_field(
    sandbox: Sandbox, api: httpx.AsyncClient, body: dict[str, Any], name: str
) -> None:
    assert refusal(await api.post("/customers/503/correspondence/", json=body)) == (400, 400001, name)
    assert sandbox.state.effects == NOTHING


async def test_a_letter_for_nobody_is_404001(api: httpx.AsyncClient) -> None:
    answer = await api.post("/customers/9/correspondence/", json={"correspondenceType": "Welcome"})
    assert error_code(answer) == (404, 404001)


# Bodies

WRITES = [
    ("POST", "/customers/501/correspondence/"),
    ("PATCH", "/correspondence/20001"),
    ("POST", "/correspondence/20001?action=email"),
    ("POST", "/correspondence/20001?action=deliver"),
]


@pytest.mark.parametrize(("method", "path"), WRITES)
@pytest.mark.parametrize(
    ("content_type", "content", "hint"),
    [
        ("text/plain", b"{}", "Content-Type: application/json is needed"),
        ("application/x-www-form-urlencoded", b"email=a%40example.com", "Content-Type: application/json is needed"),
        ("application/json", b"{", "The body is not JSON"),
        ("application/json", b'{"email": NaN}', "The body is not JSON"),
        ("application/json; charset=utf-8", b"[]", "The body is not a JSON object"),
        ("application/json", b'{"colour": 1}', "colour: not a field that can be given here"),
    ],
)
async def test_a_body_that_is_no_json_object_of_known_fields_is_refused(
    sandbox: Sandbox, api: httpx.AsyncClient, method: str, path: str, content_type: str, content: bytes, hint: str
) -> None:
    answer = await api.request(method, path, content=content, headers={"Content-Type": content_type})
    assert (400, 400001, hint) == (*error_code(answer), answer.json()["hint"])
    assert sandbox.state.effects == NOTHING


@pytest.mark.parametrize(("method", "path"), [*WRITES, ("DELETE", "/correspondence/20001")])
async def test_a_write_takes_no_other_parameter(api: httpx.AsyncClient, method: str, path: str) -> None:
    url = f"{path}{'&' if '?' in path else '?'}force=true"
    answer = await api.request(method, url, json={"correspondenceType": "Welcome"})
    assert refusal(answer) == (400, 400001, "force:")


# Change and delete


async def test_a_change_of_number_and_date_is_kept_and_returned(sandbox: Sandbox, api: httpx.AsyncClient) -> None:
    before = (await api.get("/correspondence/20001")).json()
    change = {"correspondenceNumber": "C900", "correspondenceDate": "2026-01-31"}
    answer = await api.patch("/correspondence/20001", json=change)
    assert (200, before | change) == (answer.status_code, answer.json())
    assert before | change == (await api.get("/correspondence/20001")).json()
    assert sandbox.state.effects == NOTHING | {"records": 1}


@pytest.mark.parametrize(
    ("body", "name"),
    [
        ({"correspondenceType": "Welcome"}, "correspondenceType:"),
        ({"status": ["Emailed"]}, "status:"),
        ({"id": "20001"}, "id:"),
        ({"customerID": "502"}, "customerID:"),
        ({"correspondenceNumber": ""}, "correspondenceNumber:"),
        ({"correspondenceDate": "tomorrow"}, "correspondenceDate:"),
    ],
)
async def test_what_cannot_be_changed_is_refused_by_field(
    sandbox: Sandbox, api: httpx.AsyncClient, body: dict[str, Any], name: str
) -> None:
    assert refusal(await api.patch("/correspondence/20001", json=body)) == (400, 400001, name)
    assert sandbox.state.effects == NOTHING


async def test_a_change_to_a_number_that_the_customer_has_is_refused(api: httpx.AsyncClient) -> None:
    added = await new_letter(api, 503)
    answer = await api.patch(f"/correspondence/{added['id']}", json={"correspondenceNumber": "C001"})
    assert refusal(answer) == (400, 400001, "correspondenceNumber:")


async def test_a_deleted_letter_is_gone_and_its_id_is_not_given_again(sandbox: Sandbox, api: httpx.AsyncClient) -> None:
    added = await new_letter(api, 503)
    answer = await api.delete(f"/correspondence/{added['id']}")
    assert (answer.status_code, answer.content) == (204, b"")
    assert error_code(await api.get(f"/correspondence/{added['id']}")) == (404, 404001)
    assert error_code(await api.delete(f"/correspondence/{added['id']}")) == (404, 404001)
    assert int((await new_letter(api, 503))["id"]) > int(added["id"])
    assert sandbox.state.effects == NOTHING | {"records": 3}
