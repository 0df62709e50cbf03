"""Each example of the two reference pages, request and answer, against the emulator.

What the pages' samples leave out or get wrong, and is put right here:

* collapsed objects (``createdByUser``, ``additionalInfo``, the filter's ``$eq``) are filled in
* the list of customer messages lacks ``next`` and ``previous``
* the GET of customer e-mail template 10 carries the href of template 2
* that GET lacks ``txnDefinitionName``, which the newer OpenAPI adds
* the 400 shown for DELETE is that of a POST without a payload
"""

from typing import Any

import pytest

from tests.vendors.sage_intacct.emulator import EMAIL_TEMPLATE, MESSAGE, TEMPLATE, opened

ONE = {"totalCount": 1, "totalSuccess": 1, "totalError": 0}
ADMIN = {"key": "1", "id": "Admin", "href": "/objects/company-config/user/1"}


def reference(name: str, key: str, record_id: str) -> dict[str, str]:
    return {"key": key, "id": record_id, "href": f"/objects/{name}/{key}"}


def listed(*records: dict[str, str]) -> dict[str, Any]:
    meta = {"totalCount": 3, "start": 1, "pageSize": 100, "next": None, "previous": None}
    return {"ia::result": list(records), "ia::meta": meta}


MESSAGES = listed(
    reference(MESSAGE, "1", "Active Message"),
    reference(MESSAGE, "2", "Inactive Message"),
    reference(MESSAGE, "3", "Message Balance"),
)
NEW_MESSAGE = {
    "id": "New Customer Message",
    "message": "We look forward to doing business with you!",
    "status": "active",
}
WELCOME_MESSAGE = {
    "key": "15",
    "id": "Welcome Message",
    "message": "Welcome to the company!",
    "status": "active",
    "audit": {
        "createdDateTime": "2024-08-16T13:26:56Z",
        "createdByUser": ADMIN,
        "createdBy": "1",
        "modifiedDateTime": "2024-08-16T13:26:56Z",
        "modifiedByUser": ADMIN,
        "modifiedBy": "1",
    },
    "href": f"/objects/{MESSAGE}/15",
}
TEMPLATES = listed(*(reference(TEMPLATE, key, key) for key in ("1", "6", "8")))
NEW_TEMPLATE = {"customer": {"key": "127"}, "emailTemplate": {"key": "4"}}
TEMPLATE_10 = {
    "key": "10",
    "id": "10",
    "customer": {"key": "127", "id": "Cust_Dif_Con_PnEtmp", "href": "/objects/accounts-receivable/customer/127"},
    "txnDefinition": {"key": "12", "id": "Customer Sales Invoice"},
    "txnDefinitionName": "Customer Sales Invoice",
    "emailTemplate": {
        "id": "4",
        "key": "4",
        "name": "SimpleARInvTemp",
        "templateType": "arInvoice",
        "href": f"/objects/{EMAIL_TEMPLATE}/4",
    },
    "href": f"/objects/{TEMPLATE}/10",
}
ANSWER_10 = {"ia::result": reference(TEMPLATE, "10", "10"), "ia::meta": ONE}


@pytest.mark.parametrize(
    ("scene", "method", "path", "body", "status", "expected"),
    [
        ("collection", "GET", MESSAGE, None, 200, MESSAGES),
        (
            "empty",
            "POST",
            MESSAGE,
            NEW_MESSAGE,
            201,
            {"ia::result": reference(MESSAGE, "1", "New Customer Message"), "ia::meta": ONE},
        ),
        ("record", "GET", f"{MESSAGE}/15", None, 200, {"ia::result": WELCOME_MESSAGE, "ia::meta": ONE}),
        (
            "record",
            "PATCH",
            f"{MESSAGE}/15",
            {"message": "Hello and welcome!"},
            200,
            {"ia::result": reference(MESSAGE, "15", "Welcome Message"), "ia::meta": ONE},
        ),
        ("collection", "GET", TEMPLATE, None, 200, TEMPLATES),
        ("empty", "POST", TEMPLATE, NEW_TEMPLATE, 201, ANSWER_10),
        ("record", "GET", f"{TEMPLATE}/10", None, 200, {"ia::result": TEMPLATE_10, "ia::meta": ONE}),
        ("record", "PATCH", f"{TEMPLATE}/10", {"emailTemplate": {"key": "10"}}, 200, ANSWER_10),
    ],
)
async def test_each_published_request_gets_the_published_answer(
    scene: str, method: str, path: str, body: object, status: int, expected: dict[str, Any]
) -> None:
    async with opened(seed="examples", settings={"example_scene": scene}) as api:
        answer = await api.send(method, path, body)
    assert (status, "application/json", expected) == (answer.status_code, answer.headers["content-type"], answer.json())


async def test_the_published_query_gets_the_published_answer() -> None:
    body = {
        "object": TEMPLATE,
        "filters": [{"$eq": {"emailTemplate.id": "4"}}],
        "fields": ["id", "key", "customer.id", "href"],
        "orderBy": [{"id": "asc"}],
    }
    async with opened(seed="examples") as api:
        answer = await api.query(body)
    rows = [("6", "C-00003"), ("8", "C-00025")]
    expected = {
        "ia::result": [
            {"id": key, "key": key, "customer.id": code, "href": f"/objects/{TEMPLATE}/{key}"} for key, code in rows
        ],
        "ia::meta": {"totalCount": 2, "start": 1, "pageSize": 100, "next": None, "previous": None},
    }
    assert (200, expected) == (answer.status_code, answer.json())


async def test_the_published_delete_answers_204_without_a_body() -> None:
    async with opened(seed="examples", settings={"example_scene": "record"}) as api:
        answer = await api.send("DELETE", f"{TEMPLATE}/10")
        again = await api.send("GET", f"{TEMPLATE}/10")
    assert (answer.status_code, answer.content, again.status_code) == (204, b"", 404)


async def test_the_published_error_is_that_of_a_post_without_a_payload() -> None:
    async with opened(seed="examples") as api:
        answer = await api.send("POST", TEMPLATE)
    body = answer.json()
    assert body["ia::result"]["ia::error"].pop("supportId") != ""
    expected = {
        "ia::result": {
            "ia::error": {
                "code": "invalidRequest",
                "message": "A POST request requires a payload",
                "errorId": "REST-1028",
                "additionalInfo": {
                    "messageId": "IA.REQUEST_REQUIRES_A_PAYLOAD",
                    "placeholders": {},
                    "propertySet": {},
                },
            }
        },
        "ia::meta": {"totalCount": 1, "totalSuccess": 0, "totalError": 1},
    }
    assert (400, expected) == (answer.status_code, body)
