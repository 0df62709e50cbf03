"""The Billing Platform from GraphQL to its wire: every operation, filter and error code of its correspondence page."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from adapters.billing_platform.sandbox import READ_ONLY_TOKEN
from adapters.sandbox_server import SandboxServer
from tests.end_to_end.stage import Stage, configured, emulators, id_of, served, staged
from tests.patience import PATIENCE

KEY = "billing-platform"
BASE = "/backend/api/v1"
READY = id_of("Correspondence", KEY, 123)
NOT_READY = id_of("Correspondence", KEY, 124)
CUSTOMER = id_of("Customer", KEY, 123)


@pytest.fixture
async def examples() -> AsyncIterator[Stage]:
    """The records of the published examples: correspondence 123, ready, and 124, which is not."""
    with emulators("billing_platform", seed="examples") as server:
        async with staged(server) as stage:
            yield stage


READS: dict[str, tuple[str, list[str]]] = {
    "customers": ("{ customers(backends: [KEY], first: 2) { nodes { name } } }", ["GET /customers/"]),
    "customers by account number": (
        '{ customers(backends: [KEY], filter: {code: {eq: "10001"}}) { nodes { name } } }',
        ["GET /customers/?accountNumber=10001"],
    ),
    "customers by reference": (
        '{ customers(backends: [KEY], filter: {externalReference: {eq: "CRM-10001"}}) { nodes { name } } }',
        ["GET /customers/?CRMReference=CRM-10001"],
    ),
    "customers in use": (
        "{ customers(backends: [KEY], filter: {status: ACTIVE}) { nodes { name status } } }",
        ["GET /customers/?active=true"],
    ),
    "customers dropped": (
        "{ customers(backends: [KEY], filter: {status: INACTIVE}) { nodes { name status } } }",
        ["GET /customers/?dropped=true"],
    ),
    "a customer": (
        '{ customer(by: {nativeId: {backend: KEY, nativeId: "501"}}) { name raw } }',
        ["GET /customers/501"],
    ),
    "a customer by code": (
        '{ customer(by: {code: {backend: KEY, code: "10001"}}) { name } }',
        ["GET /customers/?accountNumber=10001"],
    ),
    "correspondence": ("{ correspondence(backends: [KEY]) { nodes { number } } }", ["GET /correspondence/"]),
    "correspondence of a customer": (
        '{ customer(by: {nativeId: {backend: KEY, nativeId: "501"}}) { correspondence { nodes { number } } } }',
        ["GET /customers/501", "GET /customers/501/correspondence/"],
    ),
    "correspondence of a type": (
        '{ correspondence(backends: [KEY], filter: {type: {eq: "Final Notice"}}) { nodes { number } } }',
        ["GET /correspondence/?correspondenceType=Final%20Notice"],
    ),
    "correspondence delivered": (
        "{ correspondence(backends: [KEY], filter: {delivered: true}) { nodes { number } } }",
        ["GET /correspondence/?delivered=true"],
    ),
    "correspondence undelivered": (
        "{ correspondence(backends: [KEY], filter: {delivered: false}) { nodes { number } } }",
        ["GET /correspondence/?undelivered=true"],
    ),
    "correspondence dated on or after": (
        '{ correspondence(backends: [KEY], filter: {date: {gte: "2026-06-01"}}) { nodes { date } } }',
        ["GET /correspondence/?minDate=2026-06-01"],
    ),
    "correspondence dated on or before": (
        '{ correspondence(backends: [KEY], filter: {date: {lte: "2019-06-01"}}) { nodes { date } } }',
        ["GET /correspondence/?maxDate=2019-06-01"],
    ),
    "correspondence recorded since": (
        '{ correspondence(backends: [KEY], filter: {createdSince: "2026-06-20T00:00:00Z"}) { nodes { date } } }',
        ["GET /correspondence/?createdSince=2026-06-20T00%3A00%3A00Z"],
    ),
    "all of it together": (
        """{ correspondence(backends: [KEY], filter: {
          type: {eq: "Welcome"}, delivered: true, date: {between: ["2020-01-01", "2020-12-31"]}
        }) { nodes { date } } }""",
        ["GET /correspondence/?correspondenceType=Welcome&delivered=true&minDate=2020-01-01&maxDate=2020-12-31"],
    ),
}


@pytest.mark.parametrize("name", READS)
async def test_a_read_reaches_the_wire_as_the_page_has_it(stage: Stage, name: str) -> None:
    query, lines = READS[name]
    reply = await stage.ask(query.replace("KEY", f'"{KEY}"'))

    assert reply.errors == []
    assert reply.lines(KEY) == [line.replace(" /", f" {BASE}/", 1) for line in lines]
    assert {call.headers["authorization"] for call in reply.at(KEY)} == {"Bearer sandbox-token"}
    assert {call.status for call in reply.at(KEY)} == {200}
    (answer,) = reply.data.values()
    assert answer.get("nodes", [answer])


async def test_delivered_and_undelivered_together_find_nothing(stage: Stage) -> None:
    both = "{and: [{delivered: true}, {delivered: false}]}"
    reply = await stage.ask(f'{{ correspondence(backends: ["{KEY}"], filter: {both}) {{ nodes {{ id }} }} }}')

    assert (reply.errors, reply.data["correspondence"]["nodes"]) == ([], [])


async def test_correspondence_by_id_is_described_in_json(examples: Stage) -> None:
    reply = await examples.ask(
        "query ($id: ID!) { node(id: $id) { ... on Correspondence {"
        " nativeId number date type title state vendorStatus actions raw customer { name } } } }",
        id=READY,
    )

    assert reply.lines(KEY) == [f"GET {BASE}/correspondence/123", f"GET {BASE}/customers/123"]
    assert reply.at(KEY)[0].headers.get("accept") != "application/pdf"
    node = reply.data["node"]
    assert (node["number"], node["date"], node["type"]) == ("C001", "2025-02-14", "Welcome")
    assert (node["state"], node["actions"]) == ("READY", ["EMAIL", "DELIVER"])
    assert node["raw"]["correspondenceNumber"] == "C001"
    assert node["customer"] == {"name": "Example Ltd"}


def test_the_letter_is_asked_for_by_its_accept_header_and_404107_is_a_file_not_there() -> None:
    with emulators("billing_platform", seed="examples") as server, served(configured(server)) as url:
        query = f'{{ nodes(ids: ["{READY}", "{NOT_READY}"]) {{ ... on Correspondence {{ pdf {{ url }} }} }} }}'
        answer = httpx.post(f"{url}/graphql", json={"query": query}, trust_env=False, timeout=PATIENCE).json()
        ready, not_ready = (
            httpx.get(node["pdf"]["url"], trust_env=False, timeout=PATIENCE) for node in answer["data"]["nodes"]
        )
        entries = server.sandboxes["billing_platform"].state.journal_since(2)

    assert [(entry["raw_path"], dict(entry["headers"])["accept"]) for entry in entries] == [
        (f"{BASE}/correspondence/123", "application/pdf"),
        (f"{BASE}/correspondence/124", "application/pdf"),
    ]
    assert (ready.status_code, ready.content[:5]) == (200, b"%PDF-")
    assert (not_ready.status_code, not_ready.text.split(":")[0]) == (404, "FILE_NOT_AVAILABLE")


async def test_newest_first_walks_windows_of_days_backwards(stage: Stage) -> None:
    reply = await stage.ask(f'{{ documents(backends: ["{KEY}"], first: 40) {{ nodes {{ date }} }} }}')

    dates = [node["date"] for node in reply.data["documents"]["nodes"]]
    assert dates == sorted(dates, reverse=True)
    assert reply.lines(KEY)[0] == f"GET {BASE}/correspondence/?minDate=2026-06-01"
    assert all("minDate" in line for line in reply.lines(KEY))


async def test_a_server_that_caps_its_answers_is_read_on_by_idafter() -> None:
    with emulators("billing_platform", settings={"page_cap": 100}) as server:
        async with staged(server, configured(server, billing_platform={"settings": {"page_cap": 100}})) as stage:
            reply = await stage.ask("{ customers(first: 500) { nodes { id } } }")

    assert len(reply.data["customers"]["nodes"]) == 240
    assert reply.lines(KEY) == [
        f"GET {BASE}/customers/",
        f"GET {BASE}/customers/?idAfter=600",
        f"GET {BASE}/customers/?idAfter=700",
    ]


async def test_correspondence_is_created_under_its_customer(examples: Stage) -> None:
    reply = await examples.ask(
        'mutation ($c: ID!) { createCorrespondence(input: {customer: $c, type: "Final Notice", date: "2026-06-29",'
        ' number: "C009"}) { correspondence { number type date } problems { code } } }',
        c=CUSTOMER,
    )

    (call,) = reply.at(KEY)
    assert (call.line, call.headers["content-type"]) == (
        f"POST {BASE}/customers/123/correspondence/",
        "application/json",
    )
    assert call.json == {
        "correspondenceType": "Final Notice",
        "correspondenceDate": "2026-06-29",
        "correspondenceNumber": "C009",
    }
    made = {"number": "C009", "type": "Final Notice", "date": "2026-06-29"}
    assert reply.data["createCorrespondence"] == {"correspondence": made, "problems": []}


async def test_fields_that_the_page_does_not_name_pass_through(examples: Stage) -> None:
    reply = await examples.ask(
        'mutation ($c: ID!, $more: JSON) { createCorrespondence(input: {customer: $c, type: "Welcome",'
        " vendorFields: $more}) { correspondence { id } problems { code vendorCode message } } }",
        c=CUSTOMER,
        more={"section1": {"text": "Dear customer"}},
    )

    assert reply.at(KEY)[0].json == {"correspondenceType": "Welcome", "section1": {"text": "Dear customer"}}
    (problem,) = reply.data["createCorrespondence"]["problems"]
    assert (problem["code"], problem["vendorCode"]) == ("INVALID_INPUT", "400001")
    assert "section1" in problem["message"]


async def test_correspondence_is_changed(examples: Stage) -> None:
    reply = await examples.ask(
        'mutation ($id: ID!) { updateCorrespondence(input: {id: $id, date: "2026-06-01"}) {'
        " correspondence { date number } problems { code } } }",
        id=READY,
    )

    (call,) = reply.at(KEY)
    assert (call.line, call.json) == (f"PATCH {BASE}/correspondence/123", {"correspondenceDate": "2026-06-01"})
    changed = {"date": "2026-06-01", "number": "C001"}
    assert reply.data["updateCorrespondence"] == {"correspondence": changed, "problems": []}


async def test_correspondence_is_deleted(examples: Stage) -> None:
    reply = await examples.ask(
        "mutation ($id: ID!) { deleteCorrespondence(input: {id: $id}) { deletedId problems { code } } }", id=READY
    )
    again = await examples.ask("query ($id: ID!) { node(id: $id) { id } }", id=READY)

    assert reply.lines(KEY) == [f"DELETE {BASE}/correspondence/123"]
    assert reply.data["deleteCorrespondence"] == {"deletedId": READY, "problems": []}
    assert (again.data, again.errors) == ({"node": None}, [])


SEND = (
    "mutation ($input: EmailDocumentInput!) { emailDocument(input: $input) { dispatch {"
    " state items { nodes { state recipients vendorMessage problem { code vendorCode message } } } }"
    " problems { code path } } }"
)


async def email(stage: Stage, **members: Any) -> tuple[Any, Any]:
    """The sending call's body (None where nothing was sent), and the item or the problem.

    Where the vendor chooses the recipients, the status is read before, once.
    """
    reply = await stage.ask(SEND, input=members)
    assert reply.errors == []
    answer = reply.data["emailDocument"]
    calls = reply.at(KEY)
    path = f"{BASE}/correspondence/{_native(members)}"
    reads = [] if "recipients" in members else [f"GET {path}"]
    assert [call.line for call in calls] in ([], reads, [*reads, f"POST {path}?action=email"])
    body = calls[-1].json if calls and calls[-1].line.startswith("POST") else None
    return body, answer["problems"][0] if answer["problems"] else answer["dispatch"]["items"]["nodes"][0]


def _native(members: Any) -> str:
    return "123" if members["document"] == READY else "124"


async def test_an_email_to_whom_the_vendor_chooses_names_nobody(examples: Stage) -> None:
    body, item = await email(examples, document=READY)

    assert (body, item["state"], item["recipients"]) == ({}, "ACCEPTED", None)
    assert examples.sandboxes[KEY].state.outbox[0].recipients == ("accounts@example.com", "billing@example.com")


async def test_an_email_to_given_addresses_is_the_published_example(examples: Stage) -> None:
    addresses = ["accounts@example.com", "billing@example.com"]
    body, item = await email(examples, document=READY, recipients=[{"email": one} for one in addresses])

    assert (body, item["state"], item["recipients"]) == ({"email": addresses}, "ACCEPTED", addresses)
    assert item["vendorMessage"] == "Correspondence emailed to accounts@example.com, billing@example.com"


async def test_attachments_go_by_their_names(examples: Stage) -> None:
    body, item = await email(examples, document=READY, attachments=["Price List"])

    assert (body, item["state"]) == ({"attachments": ["Price List"]}, "ACCEPTED")


@pytest.mark.parametrize(
    ("members", "state", "code", "vendor_code"),
    [
        ({"document": NOT_READY}, "FAILED", "REJECTED", "400502"),
        ({"document": READY, "attachments": ["Nothing"]}, "FAILED", "FILE_NOT_AVAILABLE", "404108"),
        ({"document": READY, "recipients": [{"email": "a@refused.example"}]}, "UNKNOWN", "OUTCOME_UNKNOWN", "500603"),
        ({"document": READY, "recipients": [{"email": "no address"}]}, "FAILED", "INVALID_INPUT", "400001"),
    ],
    ids=["400502", "404108", "500603", "400001"],
)
async def test_a_refused_email_has_the_vendors_code(
    examples: Stage, members: Any, state: str, code: str, vendor_code: str
) -> None:
    _, item = await email(examples, **members)

    assert (item["state"], item["problem"]["code"], item["problem"]["vendorCode"]) == (state, code, vendor_code)
    assert examples.sandboxes[KEY].state.effects["emails"] == 0


@pytest.mark.parametrize(
    ("status", "vendor_code", "state", "code"),
    [
        (400, 400501, "FAILED", "INVALID_INPUT"),
        (403, 403123, "FAILED", "FORBIDDEN"),
        (404, 404107, "FAILED", "FILE_NOT_AVAILABLE"),
    ],
)
async def test_a_code_that_the_emulator_cannot_be_made_to_say_is_read_too(
    examples: Stage, status: int, vendor_code: int, state: str, code: str
) -> None:
    body = f'{{"error": "Invalid Action", "error_code": {vendor_code}, "hint": "The action was not performed"}}'
    examples.fault(
        KEY, route="POST */correspondence/*", kind="status", status=status, body=body, content_type="application/json"
    )
    _, item = await email(examples, document=READY)

    assert (item["state"], item["problem"]["code"], item["problem"]["vendorCode"]) == (state, code, str(vendor_code))
    assert item["problem"]["message"] == "Invalid Action: The action was not performed"


@pytest.mark.parametrize("argument", ["subject", "body"])
async def test_what_this_vendor_cannot_be_told_is_unsupported_and_nothing_is_sent(
    examples: Stage, argument: str
) -> None:
    body, problem = await email(examples, document=READY, **{argument: "Hello"})

    assert (body, problem) == (None, {"code": "UNSUPPORTED", "path": [argument]})


DELIVER = (
    "mutation ($d: ID!) { deliverDocument(input: {document: $d}) { dispatch {"
    " state items { nodes { state problem { code vendorCode } } } } problems { code } } }"
)


async def test_delivering_is_the_published_example(examples: Stage) -> None:
    reply = await examples.ask(DELIVER, d=READY)
    after = await examples.data(
        "query ($d: ID!) { node(id: $d) { ... on Correspondence { state vendorStatus } } }", d=READY
    )

    assert [(call.line, call.body) for call in reply.at(KEY)] == [
        (f"POST {BASE}/correspondence/123?action=deliver", "")
    ]
    assert reply.data["deliverDocument"]["dispatch"]["state"] == "SUCCEEDED"
    assert after["node"] == {"state": "DELIVERED", "vendorStatus": ["Ready", "Delivered"]}


async def test_delivering_what_is_not_ready_fails_with_400502(examples: Stage) -> None:
    reply = await examples.ask(DELIVER, d=NOT_READY)

    (item,) = reply.data["deliverDocument"]["dispatch"]["items"]["nodes"]
    assert item == {"state": "FAILED", "problem": {"code": "REJECTED", "vendorCode": "400502"}}


async def test_a_token_that_may_only_read_is_forbidden_to_write(company: SandboxServer) -> None:
    settings = configured(company, billing_platform={"credentials": {"token": READ_ONLY_TOKEN}})
    async with staged(company, settings) as stage:
        reply = await stage.ask(DELIVER, d=id_of("Correspondence", KEY, 20001))

    (item,) = reply.data["deliverDocument"]["dispatch"]["items"]["nodes"]
    assert item == {"state": "FAILED", "problem": {"code": "FORBIDDEN", "vendorCode": "403001"}}


async def test_a_wrong_token_is_the_backends_credentials(company: SandboxServer) -> None:
    settings = configured(company, billing_platform={"credentials": {"token": "another"}})
    async with staged(company, settings) as stage:
        reply = await stage.ask(f'{{ customers(backends: ["{KEY}"]) {{ problems {{ code vendorCode backend }} }} }}')

    problem = {"code": "BACKEND_CREDENTIALS", "vendorCode": "401001", "backend": KEY}
    assert reply.data["customers"]["problems"] == [problem]
