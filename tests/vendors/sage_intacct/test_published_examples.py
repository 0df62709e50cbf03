"""The examples of the pages "Customer email templates" and "Customer messages", as printed, through the adapter."""

import json
from datetime import UTC, datetime
from typing import Any

import httpx

from adapters.contract import OutcomeState
from adapters.errors import InvalidInput, MalformedAnswer
from adapters.model import (
    UNSET,
    CustomerEmailTemplate,
    CustomerMessage,
    EmailTemplate,
    RecordStatus,
    TransactionDefinition,
)
from tests.connecting import asking
from tests.vendors.sage_intacct.answering import adapter_over, answering
from tests.vendors.sage_intacct.writing import create_message, create_template, delete_template, update_message

LIST_META = {"totalCount": 3, "start": 1, "pageSize": 100, "next": None, "previous": None}
ONE_META = {"totalCount": 1, "totalSuccess": 1, "totalError": 0}
TEMPLATE_PATH = "/objects/accounts-receivable/customer-email-template"
MESSAGE_PATH = "/objects/accounts-receivable/customer-message"

TEMPLATE_LIST = {
    "ia::result": [{"key": key, "id": key, "href": f"{TEMPLATE_PATH}/{key}"} for key in ("1", "6", "8")],
    "ia::meta": LIST_META,
}
TEMPLATE_CREATED = {"ia::result": {"key": "10", "id": "10", "href": f"{TEMPLATE_PATH}/10"}, "ia::meta": ONE_META}
TEMPLATE: dict[str, Any] = {
    "ia::result": {
        "key": "10",
        "id": "10",
        "customer": {"key": "127", "id": "Cust_Dif_Con_PnEtmp", "href": "/objects/accounts-receivable/customer/127"},
        "txnDefinition": {"key": "12", "id": "Customer Sales Invoice"},
        "emailTemplate": {
            "id": "4",
            "key": "4",
            "name": "SimpleARInvTemp",
            "templateType": "arInvoice",
            "href": "/objects/company-config/email-template/4",
        },
        "href": f"{TEMPLATE_PATH}/2",  # the page's own slip: the key is 10
    },
    "ia::meta": ONE_META,
}
TEMPLATE_REFUSED = {
    "ia::result": {
        "ia::error": {
            "code": "invalidRequest",
            "message": "A POST request requires a payload",
            "errorId": "REST-1028",
            "additionalInfo": {},
            "supportId": "Kxi78%7EZuyXBDEGVHD2UmO1phYXDQAAAAo",
        }
    },
    "ia::meta": {"totalCount": 1, "totalSuccess": 0, "totalError": 1},
}
MESSAGE_LIST = {
    "ia::result": [
        {"key": "1", "id": "Active Message", "href": f"{MESSAGE_PATH}/1"},
        {"key": "2", "id": "Inactive Message", "href": f"{MESSAGE_PATH}/2"},
        {"key": "3", "id": "Message Balance", "href": f"{MESSAGE_PATH}/3"},
    ],
    "ia::meta": {"totalCount": 3, "start": 1, "pageSize": 100},  # without next and previous
}
MESSAGE_CREATED = {
    "ia::result": {"key": "1", "id": "New Customer Message", "href": f"{MESSAGE_PATH}/1"},
    "ia::meta": ONE_META,
}
MESSAGE: dict[str, Any] = {
    "ia::result": {
        "key": "15",
        "id": "Welcome Message",
        "message": "Welcome to the company!",
        "status": "active",
        "audit": {
            "createdDateTime": "2024-08-16T13:26:56Z",
            "createdByUser": {},
            "createdBy": "1",
            "modifiedDateTime": "2024-08-16T13:26:56Z",
            "modifiedByUser": {},
            "modifiedBy": "1",
        },
        "href": f"{MESSAGE_PATH}/15",
    },
    "ia::meta": ONE_META,
}
MESSAGE_CHANGED = {
    "ia::result": {"key": "15", "id": "Welcome Message", "href": f"{MESSAGE_PATH}/15"},
    "ia::meta": ONE_META,
}


async def test_the_list_of_templates() -> None:
    adapter = adapter_over(answering(TEMPLATE_LIST))
    assert adapter.templates is not None
    page = await adapter.templates.page(asking(wanted=frozenset({"native_id"})))
    assert ([one.native_id for one in page.records], page.total, page.end) == (["1", "6", "8"], 3, None)


async def test_a_template() -> None:
    adapter = adapter_over(answering(TEMPLATE))
    assert adapter.templates is not None
    assert (await adapter.templates.by_key(["10"], frozenset({"raw"})))["10"] == CustomerEmailTemplate(
        backend="test",
        native_id="10",
        customer_id="127",
        transaction_definition=TransactionDefinition(native_id="12", name="Customer Sales Invoice"),
        email_template=EmailTemplate(backend="test", native_id="4", name="SimpleARInvTemp", template_type="arInvoice"),
        raw=TEMPLATE["ia::result"],
    )


async def test_the_answer_to_a_query_of_templates() -> None:
    rows = [
        {"id": "6", "key": "6", "customer.id": "C-00003", "href": f"{TEMPLATE_PATH}/6"},
        {"id": "8", "key": "8", "customer.id": "C-00025", "href": f"{TEMPLATE_PATH}/8"},
    ]
    body = {"ia::result": rows, "ia::meta": {**LIST_META, "totalCount": 2}}
    adapter = adapter_over(answering(body))
    assert adapter.templates is not None
    page = await adapter.templates.page(asking())
    assert ([one.native_id for one in page.records], page.total) == (["6", "8"], 2)


async def test_the_creation_of_a_template() -> None:
    adapter, bodies = recording(TEMPLATE_CREATED, 201)
    (outcome,) = await adapter.perform(create_template(adapter, customer_id="127", email_template_id="4"))
    assert (outcome.state, outcome.native_id) == (OutcomeState.DONE, "10")
    assert bodies == [{"customer": {"key": "127"}, "emailTemplate": {"key": "4"}}]


async def test_the_refusal_of_a_deletion() -> None:
    adapter = adapter_over(answering(TEMPLATE_REFUSED, 400))
    (outcome,) = await adapter.perform(delete_template(adapter))
    error = outcome.error
    assert isinstance(error, InvalidInput)
    assert (outcome.state, outcome.message) == (OutcomeState.UNDONE, "A POST request requires a payload")
    assert (error.vendor_code, error.request_id) == ("REST-1028", "Kxi78%7EZuyXBDEGVHD2UmO1phYXDQAAAAo")


async def test_the_list_of_messages() -> None:
    adapter = adapter_over(answering(MESSAGE_LIST))
    assert adapter.messages is not None
    page = await adapter.messages.page(asking(wanted=frozenset({"code"})))
    assert [(one.native_id, one.code) for one in page.records] == [
        ("1", "Active Message"),
        ("2", "Inactive Message"),
        ("3", "Message Balance"),
    ]
    assert page.end is None


async def test_a_message() -> None:
    adapter = adapter_over(answering(MESSAGE))
    assert adapter.messages is not None
    moment = datetime(2024, 8, 16, 13, 26, 56, tzinfo=UTC)
    assert (await adapter.messages.by_key(["15"], frozenset({"raw"})))["15"] == CustomerMessage(
        backend="test",
        native_id="15",
        code="Welcome Message",
        text="Welcome to the company!",
        status=RecordStatus.ACTIVE,
        created_at=moment,
        created_by="1",
        modified_at=moment,
        modified_by="1",
        raw=MESSAGE["ia::result"],
    )


async def test_the_creation_of_a_message() -> None:
    adapter, bodies = recording(MESSAGE_CREATED, 201)
    text = "We look forward to doing business with you!"
    (outcome,) = await adapter.perform(create_message(adapter, code="New Customer Message", text=text))
    assert (outcome.state, outcome.native_id) == (OutcomeState.DONE, "1")
    assert bodies == [{"id": "New Customer Message", "message": text, "status": "active"}]


async def test_the_change_of_a_message() -> None:
    adapter, bodies = recording(MESSAGE_CHANGED, 200)
    (outcome,) = await adapter.perform(update_message(adapter, native_id="15", text="Hello and welcome!"))
    assert (outcome.state, outcome.native_id) == (OutcomeState.DONE, "15")
    assert bodies == [{"message": "Hello and welcome!"}]


async def test_the_example_of_another_key_is_not_taken_for_the_one_asked() -> None:
    adapter = adapter_over(answering(MESSAGE))
    assert adapter.messages is not None
    assert type((await adapter.messages.by_key(["4"], frozenset({"raw"})))["4"]) is MalformedAnswer


async def test_a_message_read_by_key_without_its_raw_record_leaves_it_unset() -> None:
    adapter = adapter_over(
        answering({"ia::result": [{"key": "15", "id": "x", "status": "odd"}], "ia::meta": LIST_META})
    )
    assert adapter.messages is not None
    found = (await adapter.messages.by_key(["15"], frozenset({"status"})))["15"]
    assert found == CustomerMessage(
        backend="test", native_id="15", code="x", text=UNSET, status=RecordStatus.UNKNOWN, raw=UNSET
    )


def recording(body: object, status: int) -> tuple[Any, list[Any]]:
    """An adapter that gets one answer, and what it sends."""
    bodies: list[Any] = []

    def answer(request: httpx.Request) -> httpx.Response:
        bodies.append(json.loads(request.content))
        return answering(body, status)(request)

    return adapter_over(answer), bodies
