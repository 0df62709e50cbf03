"""Customers, customer messages and e-mail templates, as objects: reading, writing, and every refusal."""

from typing import Any

import pytest

from adapters.sandbox_company import company_customers
from tests.vendors.sage_intacct.emulator import CUSTOMER, EMAIL_TEMPLATE, MESSAGE, TEMPLATE, Api, error_of

TXN_DEFINITION = "order-entry/txn-definition"
REFERRED = (422, "operationFailed", None)
NOT_FOUND: tuple[Any, ...] = (404, "notFound", None, [])


async def result(api: Api, path: str) -> Any:
    answer = await api.send("GET", path)
    assert answer.status_code == 200, answer.text
    return answer.json()["ia::result"]


async def key_of(api: Api, code: str) -> str:
    return str((await api.rows(CUSTOMER, ["key"], {"$eq": {"id": code}}))[0]["key"])


@pytest.mark.parametrize(("name", "total"), [(CUSTOMER, 240), (MESSAGE, 12), (EMAIL_TEMPLATE, 51), (TXN_DEFINITION, 6)])
async def test_a_list_is_the_first_hundred_references_by_key(api: Api, name: str, total: int) -> None:
    body = (await api.send("GET", name)).json()
    keys = [int(record["key"]) for record in body["ia::result"]]
    assert sorted(keys) == keys
    assert {"key", "id", "href"} == body["ia::result"][0].keys()
    expected = {"totalCount": total, "start": 1, "pageSize": 100, "next": None, "previous": None}
    assert (min(total, 100), expected) == (len(keys), body["ia::meta"])


async def test_the_company_has_every_shared_customer_under_another_key(api: Api) -> None:
    rows = await api.rows(CUSTOMER, ["id", "name", "totalDue", "status", "key"], orderBy=[{"id": "asc"}])
    customers = company_customers()
    assert [(one.code, one.name) for one in customers] == [(row["id"], row["name"]) for row in rows]
    assert [row["key"] for row in rows if row["key"] == row["id"]] == []
    assert {f"{one.balance:.2f}" for one in customers if one.balance} == {
        row["totalDue"] for row in rows if row["totalDue"] not in {None, "0.00"}
    }
    assert [not one.active for one in customers] == [row["status"] == "inactive" for row in rows]


async def test_the_company_has_templates_of_every_type_and_customers_without_message_or_balance(api: Api) -> None:
    types = await api.rows(EMAIL_TEMPLATE, ["templateType", "count:key"])
    per_customer = await api.rows(TEMPLATE, ["customer.id", "count:key"])
    empty = await api.rows(CUSTOMER, ["count:key", "count:customerMessage.id", "count:totalDue"])
    inactive = await api.rows(MESSAGE, ["id"], {"$eq": {"status": "inactive"}})
    assert [row["count:key"] for row in types] == [10, 10, 10, 10, 10, 1]
    assert {1, 2, 3} == {row["count:key"] for row in per_customer}
    assert sum(row["count:key"] for row in per_customer) == 350
    assert empty == [{"count:key": 240, "count:customerMessage.id": 192, "count:totalDue": 209}]
    assert inactive == [{"id": "Anniversary 2024"}]


async def test_a_customer_is_shown_with_contact_message_templates_and_unset_references(api: Api) -> None:
    customer = await result(api, f"{CUSTOMER}/{await key_of(api, '10003')}")
    messages = await api.rows(MESSAGE, ["key", "id", "message", "href"])
    templates = await api.rows(TEMPLATE, ["key"], {"$eq": {"customer.id": "10003"}})
    shared = company_customers()[2]
    assert shared.emails[0] == customer["contacts"]["default"]["email1"]
    assert shared.city == customer["contacts"]["default"]["mailingAddress"]["city"]
    assert customer["customerMessage"] in messages
    assert [row["key"] for row in templates] == [one["key"] for one in customer["customerEmailTemplates"]] != []
    assert customer["parent"] == {"key": None, "id": None, "name": None}
    assert customer["term"] == {"key": None, "id": None}
    assert {"createdByUser", "modifiedByUser"} < customer["audit"].keys()


async def test_customers_without_an_email_and_with_a_broken_one_are_shown_so(api: Api) -> None:
    shown = {}
    for customer in company_customers()[15:20:4]:
        record = await result(api, f"{CUSTOMER}/{await key_of(api, customer.code)}")
        shown[customer.code] = record["contacts"]["default"]["email1"]
    assert None is shown["10016"]
    assert shown["10020"].startswith("accounts.at.")


async def test_an_email_template_is_shown_whole(api: Api) -> None:
    template = await result(api, f"{EMAIL_TEMPLATE}/1")
    assert template["id"] == template["key"] == "1"
    assert template["sender"] == {
        "senderName": "Northgate Supplies",
        "approvedSenderEmailId": None,
        "useOwnEmailAddress": True,
    }
    assert template["recipients"] == {"to": "{!CUSTOMER.EMAIL1!}", "cc": None, "bcc": None}
    assert (
        template["templateType"], template["status"], template["includeTxnAttachments"],
    ) == ("arInvoice", "active", True)  # fmt: skip


async def test_a_created_message_is_kept_with_its_defaults_and_its_author(api: Api) -> None:
    created = await api.send("POST", MESSAGE, {"id": "Spring", "message": "New catalogue."})
    assert (201, {"key": "13", "id": "Spring", "href": f"/objects/{MESSAGE}/13"}) == (
        created.status_code,
        created.json()["ia::result"],
    )
    record = await result(api, f"{MESSAGE}/13")
    author = {"key": "2", "id": "postroom", "href": "/objects/company-config/user/2"}
    assert (record["message"], record["status"]) == ("New catalogue.", "active")
    assert {
        "createdDateTime": "2026-07-01T09:00:00Z",
        "createdByUser": author,
        "createdBy": "2",
        "modifiedDateTime": "2026-07-01T09:00:00Z",
        "modifiedByUser": author,
        "modifiedBy": "2",
    } == record["audit"]
    assert api.sandbox.state.effects["records"] == 1


async def test_an_update_changes_what_it_names_and_the_modification_alone(api: Api) -> None:
    before = await result(api, f"{MESSAGE}/3")
    answer = await api.send("PATCH", f"{MESSAGE}/3", {"status": "inactive"})
    after = await result(api, f"{MESSAGE}/3")
    assert (200, {"key", "id", "href"}) == (answer.status_code, answer.json()["ia::result"].keys())
    assert after["status"] == "inactive"
    assert after["audit"]["modifiedDateTime"] == "2026-07-01T09:00:00Z"
    assert (before["message"], before["audit"]["createdDateTime"]) == (
        after["message"],
        after["audit"]["createdDateTime"],
    )


async def test_an_empty_update_changes_nothing(api: Api) -> None:
    before = await result(api, f"{MESSAGE}/3")
    assert (await api.send("PATCH", f"{MESSAGE}/3", {})).status_code == 200
    assert (before, 0) == (await result(api, f"{MESSAGE}/3"), api.sandbox.state.effects["records"])


@pytest.mark.parametrize(
    ("method", "body", "details"),
    [
        ("POST", {}, [("/id", None), ("/message", None)]),
        ("POST", {"id": "A", "message": "b", "colour": "red"}, [("/colour", "REST-1043")]),
        ("POST", {"id": "A", "message": "b", "key": "9"}, [("/key", "REST-1050")]),
        ("POST", {"id": "A", "message": "b", "audit": {}}, [("/audit", "REST-1050")]),
        ("POST", {"id": "A", "message": "b", "href": "/x"}, [("/href", "REST-1050")]),
        ("POST", {"id": " ", "message": 5, "status": "gone"}, [("/id", None), ("/message", None), ("/status", None)]),
        ("POST", {"id": None, "message": None, "status": None}, [("/id", None), ("/message", None), ("/status", None)]),
        ("PATCH", {"id": "Renamed"}, [("/id", "REST-1050")]),
        ("PATCH", {"message": ""}, [("/message", None)]),
        ("PATCH", {"nope": 1, "status": "x"}, [("/nope", "REST-1043"), ("/status", None)]),
    ],
)
async def test_every_fault_of_a_message_is_told_at_once(
    api: Api, method: str, body: object, details: list[tuple[str, str | None]]
) -> None:
    path = MESSAGE if method == "POST" else f"{MESSAGE}/1"
    assert (400, "invalidRequest", "REST-1064", details) == await api.refused(method, path, body)


async def test_a_message_id_is_unique(api: Api) -> None:
    refusal = await api.refused("POST", MESSAGE, {"id": "Welcome", "message": "Again."})
    assert refusal == (409, "operationFailed", None, [("/id", None)])


async def test_a_created_template_is_kept_under_a_key_never_given_out(api: Api) -> None:
    customer = await key_of(api, "10001")
    last = max(int(row["key"]) for row in await api.rows(TEMPLATE, ["key"]))
    assert (await api.send("DELETE", f"{TEMPLATE}/{last}")).status_code == 204
    created = await api.send("POST", TEMPLATE, {"customer": {"key": customer}, "emailTemplate": {"key": "2"}})
    key = created.json()["ia::result"]["key"]
    assert (201, str(last + 1)) == (created.status_code, key)
    record = await result(api, f"{TEMPLATE}/{key}")
    assert (
        record["customer"]["id"], record["emailTemplate"]["id"], record["txnDefinition"], record["txnDefinitionName"],
    ) == ("10001", "2", {"key": None, "id": None}, None)  # fmt: skip
    assert api.sandbox.state.effects["records"] == 2


@pytest.mark.parametrize(
    ("body", "definition"),
    [
        ({"txnDefinition": {"id": "Sales Order"}}, ("2", "Sales Order")),
        ({"txnDefinitionName": "Sales Order"}, ("2", "Sales Order")),
        ({"txnDefinitionName": "Sales Order", "txnDefinition": {"id": "Sales Order"}}, ("2", "Sales Order")),
        ({"txnDefinition": None}, (None, None)),
        ({"txnDefinition": {"id": None}}, (None, None)),
        ({"txnDefinitionName": None}, (None, None)),
    ],
)
async def test_the_transaction_definition_is_taken_and_shown_in_both_forms(
    api: Api, body: dict[str, Any], definition: tuple[str | None, str | None]
) -> None:
    assert (await api.send("PATCH", f"{TEMPLATE}/1", {"txnDefinition": {"id": "Sales Return"}})).status_code == 200
    assert (await api.send("PATCH", f"{TEMPLATE}/1", body)).status_code == 200
    record = await result(api, f"{TEMPLATE}/1")
    assert {"key": definition[0], "id": definition[1]} == record["txnDefinition"]
    assert definition[1] == record["txnDefinitionName"]


async def test_a_template_may_move_to_another_customer_named_by_id(api: Api) -> None:
    body = {"customer": {"id": "10005"}, "emailTemplate": {"key": "3", "id": "3"}}
    assert (await api.send("PATCH", f"{TEMPLATE}/1", body)).status_code == 200
    record = await result(api, f"{TEMPLATE}/1")
    assert (record["customer"]["id"], record["emailTemplate"]["key"]) == ("10005", "3")


@pytest.mark.parametrize(
    ("method", "body", "details"),
    [
        ("POST", {}, [("/customer", None), ("/emailTemplate", None)]),
        ("PATCH", {"customer": {}}, [("/customer", None)]),
        ("PATCH", {"customer": None}, [("/customer", None)]),
        ("PATCH", {"customer": "30"}, [("/customer", None)]),
        ("PATCH", {"customer": {"key": 30}}, [("/customer/key", None)]),
        ("PATCH", {"customer": {"id": ""}}, [("/customer/id", None)]),
        ("PATCH", {"customer": {"key": "30", "href": "/x"}}, [("/customer/href", "REST-1050")]),
        ("PATCH", {"customer": {"key": "30", "town": "Bern"}}, [("/customer/town", "REST-1043")]),
        ("PATCH", {"emailTemplate": {"name": "x"}}, [("/emailTemplate/name", "REST-1050")]),
        ("PATCH", {"txnDefinition": {"key": "1"}}, [("/txnDefinition/key", "REST-1050")]),
        ("PATCH", {"txnDefinition": {}}, [("/txnDefinition", None)]),
        ("PATCH", {"id": "5"}, [("/id", "REST-1050")]),
    ],
)
async def test_every_fault_of_a_template_is_told(
    api: Api, method: str, body: object, details: list[tuple[str, str | None]]
) -> None:
    path = TEMPLATE if method == "POST" else f"{TEMPLATE}/1"
    assert (400, "invalidRequest", "REST-1064", details) == await api.refused(method, path, body)


@pytest.mark.parametrize(
    ("path", "body", "target"),
    [
        (f"{TEMPLATE}/1", {"customer": {"key": "99999"}}, "/customer"),
        (f"{TEMPLATE}/1", {"customer": {"id": "nobody"}}, "/customer"),
        (f"{TEMPLATE}/1", {"customer": {"key": "21", "id": "10001"}}, "/customer"),
        (f"{TEMPLATE}/1", {"emailTemplate": {"key": "../1"}}, "/emailTemplate"),
        (f"{TEMPLATE}/1", {"emailTemplate": {"key": "10"}}, "/emailTemplate"),
        (f"{TEMPLATE}/1", {"txnDefinition": {"id": "No such"}}, "/txnDefinition"),
        (f"{TEMPLATE}/1", {"txnDefinitionName": "No such"}, "/txnDefinitionName"),
        (
            f"{TEMPLATE}/1",
            {"txnDefinitionName": "Sales Order", "txnDefinition": {"id": "Sales Quote"}},
            "/txnDefinitionName",
        ),
        (f"{CUSTOMER}/21", {"customerMessage": {"id": "Anniversary 2024"}}, "/customerMessage"),
        (f"{CUSTOMER}/21", {"customerMessage": {"key": "77"}}, "/customerMessage"),
    ],
)
async def test_a_reference_must_be_there_active_and_of_one_mind(api: Api, path: str, body: object, target: str) -> None:
    assert (*REFERRED, [(target, None)]) == await api.refused("PATCH", path, body)


async def test_a_customer_takes_and_loses_a_message(api: Api) -> None:
    shown = []
    for reference in ({"id": "Direct debit"}, {"key": "1"}, None):
        answer = await api.send("PATCH", f"{CUSTOMER}/21", {"customerMessage": reference, "creditLimit": 12.5})
        assert answer.status_code == 200
        shown.append((await result(api, f"{CUSTOMER}/21"))["customerMessage"]["id"])
    assert shown == ["Direct debit", "Welcome", None]
    assert await api.rows(CUSTOMER, ["creditLimit"], {"$eq": {"key": "21"}}) == [{"creditLimit": 12.5}]


@pytest.mark.parametrize("name", [CUSTOMER, MESSAGE, TEMPLATE, EMAIL_TEMPLATE, TXN_DEFINITION])
@pytest.mark.parametrize("key", ["99999", "0", "abc", "1%20", "%D9%A1", "9" * 40])
async def test_an_unknown_key_is_not_found(api: Api, name: str, key: str) -> None:
    assert await api.refused("GET", f"{name}/{key}") == NOT_FOUND


@pytest.mark.parametrize(("method", "name"), [("PATCH", MESSAGE), ("PATCH", TEMPLATE), ("DELETE", TEMPLATE)])
async def test_an_unknown_key_is_not_found_for_writing_either(api: Api, method: str, name: str) -> None:
    body: object = {} if method == "PATCH" else None
    assert await api.refused(method, f"{name}/99999", body) == NOT_FOUND


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("DELETE", f"{MESSAGE}/1", "PATCH"),
        ("PUT", f"{TEMPLATE}/1", "DELETE"),
        ("POST", CUSTOMER, "GET"),
        ("DELETE", f"{CUSTOMER}/21", "PATCH"),
        ("PATCH", f"{EMAIL_TEMPLATE}/1", "GET"),
        ("PATCH", MESSAGE, "POST"),
    ],
)
async def test_a_wrong_method_is_405_even_without_a_token(api: Api, method: str, path: str, allowed: str) -> None:
    del api.http.headers["Authorization"]
    answer = await api.send(method, path, {})
    assert error_of(answer) == (405, "invalidRequest", None, [])
    assert allowed in answer.headers["allow"]


async def test_a_payload_must_be_a_json_object_sent_as_json(api: Api) -> None:
    refusals = []
    for body in (b"", b"{", b"[]", b'"x"', b"[" * 100_000, b"\xff"):
        answer = await api.http.post(f"/objects/{MESSAGE}", content=body, headers={"Content-Type": "application/json"})
        refusals.append(error_of(answer)[:3])
    assert [(400, "invalidRequest", "REST-1028"), *[(400, "invalidRequest", None)] * 5] == refusals


async def test_arrays_query_parameters_and_async_are_refused(api: Api) -> None:
    array = await api.send("POST", MESSAGE, [{"id": "A", "message": "b"}])
    parameters = await api.send("GET", f"{MESSAGE}?start=1")
    later = await api.send("GET", MESSAGE, Prefer="respond-async")
    refusal: tuple[Any, ...] = (400, "invalidRequest", None, [])
    assert [refusal] * 3 == [error_of(answer) for answer in (array, parameters, later)]
