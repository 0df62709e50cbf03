import itertools
import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.vendors.kashflow.emulator import Api, opened, refusal

MINIMUM = {"Name": "Brook Dairy Ltd", "Contacts": [{"Email": "a@brook.example", "Firstname": "A", "LastName": "B"}]}


async def test_create_answers_the_whole_customer(api: Api) -> None:
    answer = await api.client.post("/customers", json={**MINIMUM, "Code": "BROOK"})
    created = answer.json()
    assert answer.status_code == 201
    assert await api.get("/customers/BROOK") == created
    expected = ("BROOK", "Brook Dairy Ltd", "Brook Dairy Ltd", "2026-07-01 09:00:00", "A B", "GBP")
    contact = created["Contacts"][0]
    assert expected == (
        created["Code"], created["Name"], created["DisplayName"], created["CreatedDate"], contact["Name"],
        created["Currency"]["Code"],
    )  # fmt: skip
    assert f"/v2/documents/customers/{created['CustomerKey']}" == created["EnvelopeUrl"]
    assert api.effects["records"] == 1


async def test_codes_are_made_from_the_name(api: Api) -> None:
    created = [(await api.client.post("/customers", json=MINIMUM)).json() for _ in range(2)]
    assert [customer["Code"] for customer in created] == ["BRO01", "BRO02"]
    assert created[0]["Id"] != created[1]["Id"]


async def test_taken_code_is_refused_unless_another_is_asked_for(api: Api) -> None:
    taken = {**MINIMUM, "Code": "10001"}
    assert refusal(await api.client.post("/customers", json=taken)) == (400, "DuplicateCustomerCode")
    answer = await api.client.post("/customers", json={**taken, "CreateCustomerCodeIfDuplicate": True})
    assert (answer.status_code, answer.json()["Code"]) == (201, "BRO01")


async def test_blank_name_is_refused_unless_one_is_asked_for(api: Api) -> None:
    blank = {"Code": "BLANK", "Name": None}
    assert refusal(await api.client.post("/customers", json=blank)) == (400, "InvalidRequest")
    answer = await api.client.post("/customers", json={**blank, "CreateCustomerNameIfEmptyOrNull": True})
    assert (answer.status_code, answer.json()["Name"]) == (201, "BLANK")


@pytest.mark.parametrize(
    "change",
    [
        {"Bogus": 1}, {"Bogus": None}, {"Name": 5}, {"DiscountRate": 101}, {"DiscountRate": "5"}, {"code": "x"},
        {"Contacts": [{"email": "x@y.example"}]}, {"Contacts": {}}, {"Currency": {"Code": "XXX"}}, {"Name": " "},
        {"CreateCustomerCodeIfDuplicate": "yes"}, {"Addresses": [{"Town": "x"}]},
    ],
)  # fmt: skip
async def test_wrong_fields_are_refused_and_nothing_is_created(api: Api, change: dict[str, object]) -> None:
    answer = await api.client.post("/customers", json={**MINIMUM, **change})
    assert refusal(answer) == (400, "InvalidRequest")
    assert (api.effects["records"], (await api.get("/customers"))["MetaData"]["TotalRecords"]) == (0, 240)


@pytest.mark.parametrize("body", [[], "x", None, 1])
async def test_a_body_other_than_a_customer_is_refused(api: Api, body: object) -> None:
    for method, path in (("POST", "/customers"), ("PUT", "/customers/10001")):
        headers = {"Content-Type": "application/json"}
        answer = await api.client.request(method, path, content=json.dumps(body), headers=headers)
        assert refusal(answer) == (400, "InvalidRequest")


async def test_lenient_takes_fields_in_any_case_and_drops_unknown_ones(lenient: Api) -> None:
    body = {
        "name": "Brook Dairy Ltd",
        "code": "BROOK",
        "bogus": 1,
        "contacts": [{"email": "a@b.example", "firstname": "A", "lastname": "B", "bogus": 1}],
        "currency": {"code": "EUR"},
        "createcustomercodeifduplicate": True,
    }
    created = (await lenient.client.post("/customers", json=body)).json()
    contact = created["Contacts"][0]
    assert (
        created["Code"], contact["Email"], contact["LastName"], created["Currency"]["Code"],
    ) == ("BROOK", "a@b.example", "B", "EUR")  # fmt: skip


async def test_put_changes_what_it_names(api: Api) -> None:
    before = await api.get("/customers/10002")
    answer = await api.client.put("/customers/10002?updateInvoicesAddress=true", json={"Note": "Pays late"})
    expected = {**before, "Note": "Pays late", "LastUpdatedDate": "2026-07-01 09:00:00"}
    assert (200, expected) == (answer.status_code, answer.json())
    assert expected == await api.get("/customers/10002")


async def test_put_of_what_was_read_changes_nothing(api: Api) -> None:
    before = await api.get("/customers/10004")
    after = (await api.client.put("/customers/10004", json=before)).json()
    assert {**before, "LastUpdatedDate": "2026-07-01 09:00:00"} == after


async def test_put_passes_over_read_only_fields(api: Api) -> None:
    before = await api.get("/customers/10002")
    changed = (await api.client.put("/customers/10002", json={"Id": 7, "OutstandingBalance": 0, "Key": "x"})).json()
    assert before["Id"] == changed["Id"]
    assert before["OutstandingBalance"] == changed["OutstandingBalance"]


async def test_put_takes_the_pages_older_names(api: Api) -> None:
    changed = (await api.client.put("/customers/10002", json={"VatNumber": "GB999", "ApplyWHT": True})).json()
    assert (changed["VATNumber"], changed["ApplyWithholdingTax"]) == ("GB999", True)


async def test_put_replaces_contacts_whole_and_keeps_their_ids(api: Api) -> None:
    first, _ = (await api.get("/customers/10004"))["Contacts"]
    body = {"Contacts": [{"Id": first["Id"], "Email": "new@x.example"}, {"Id": 5, "Email": "other@x.example"}]}
    contacts = (await api.client.put("/customers/10004", json=body)).json()["Contacts"]
    assert [(first["Id"], "new@x.example"), (first["Id"] + 1, "other@x.example")] == [
        (contact["Id"], contact["Email"]) for contact in contacts
    ]


async def test_put_of_another_code_answers_201_and_the_id_and_notes_stay(api: Api) -> None:
    before, notes = await api.get("/customers/10003"), await api.get("/customers/10003/notes")
    answer = await api.client.put("/customers/10003", json={"Code": "NEW01"})
    assert (201, before["Id"], "NEW01") == (answer.status_code, answer.json()["Id"], answer.json()["Code"])
    assert refusal(await api.client.get("/customers/10003")) == (404, "CustomerNotFound")
    assert notes == await api.get("/customers/NEW01/notes")


async def test_put_of_a_taken_code_is_refused(api: Api) -> None:
    answer = await api.client.put("/customers/10003", json={"Code": "10004"})
    assert refusal(answer) == (400, "DuplicateCustomerCode")
    assert refusal(await api.client.put("/customers/NOPE", json={})) == (404, "CustomerNotFound")


async def test_archiving_takes_a_customer_off_the_list(api: Api) -> None:
    await api.client.put("/customers/10001", json={"IsArchived": True})
    assert "10001" not in await api.codes()
    assert "10001" in await api.codes(filterarchived="true")


async def test_deleted_customer_is_gone_and_its_id_is_not_given_again(api: Api) -> None:
    gone = await api.get("/customers/ARC03")
    answer = await api.client.delete("/customers/ARC03")
    assert (answer.status_code, answer.content) == (204, b"")
    assert refusal(await api.client.delete("/customers/ARC03")) == (404, "CustomerNotFound")
    created = (await api.client.post("/customers", json={**MINIMUM, "Code": "ARC03"})).json()
    assert created["Id"] == gone["Id"] + 1
    assert api.effects["records"] == 2


async def test_delete_takes_the_notes(tmp_path: Path) -> None:
    database = tmp_path / "kashflow.db"
    async with opened(database=str(database)) as api:
        await api.client.post("/customers/10001/notes", json={"Text": "x"})
        await api.client.delete("/customers/10001")
        with closing(sqlite3.connect(database)) as reader:
            left = reader.execute("SELECT count(*) FROM notes WHERE customer = 41001").fetchone()
    assert left == (0,)


@pytest.mark.parametrize("change", [{"Code": ""}, {"Code": "  "}, {"Name": ""}, {"Name": " "}])
async def test_put_cannot_blank_code_or_name(api: Api, change: dict[str, str]) -> None:
    assert refusal(await api.client.put("/customers/10002", json=change)) == (400, "InvalidRequest")
    assert api.effects["records"] == 0


async def test_notes_are_created_changed_and_deleted_by_number(api: Api) -> None:
    notes = "/customers/10002/notes"
    for text in ("one", "two"):
        assert (await api.client.post(notes, json={"Text": text})).status_code == 201
    changed = await api.client.put(f"{notes}/1", json={"Text": "first", "Date": "2026-06-30 08:00:00"})
    expected = {"Number": 1, "Text": "first", "Date": "2026-06-30 08:00:00", "LastModifiedBy": "Sandbox User"}
    assert (200, expected) == (changed.status_code, changed.json())
    assert (await api.client.delete(f"{notes}/2")).status_code == 204
    assert [expected] == await api.get(notes)
    assert expected == await api.get(f"{notes}/1")
    assert api.effects["records"] == 4


async def test_missing_note_is_404_without_a_body(api: Api) -> None:
    for method, number in itertools.product(("GET", "PUT", "DELETE"), ("99", "x")):
        answer = await api.client.request(method, f"/customers/10001/notes/{number}", json={"Text": "x"})
        assert (answer.status_code, answer.content) == (404, b"")


@pytest.mark.parametrize("body", [{}, {"Text": ""}, {"text": "x"}, {"Text": 1}, {"Text": "x", "Date": "soon"}, []])
async def test_malformed_note_is_refused(api: Api, body: object) -> None:
    assert refusal(await api.client.post("/customers/10002/notes", json=body)) == (400, "InvalidRequest")
    assert await api.get("/customers/10002/notes") == []
