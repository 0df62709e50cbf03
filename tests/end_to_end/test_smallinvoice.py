"""smallinvoice from GraphQL to its wire: every action of the letters page, and clients."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from adapters.sandbox_server import SandboxServer
from tests.end_to_end.stage import Call, Stage, configured, emulators, id_of, served, staged
from tests.patience import PATIENCE

KEY = "smallinvoice"
LETTER = id_of("Letter", KEY, 2)
CLIENT = id_of("Customer", KEY, 16)
TOKEN = "/token/sandbox-token"


@pytest.fixture
async def examples() -> AsyncIterator[Stage]:
    """The records of the published examples: letter 2 to client 16 at address 11."""
    with emulators("smallinvoice", seed="examples") as server:
        async with staged(server) as stage:
            yield stage


READS: dict[str, tuple[str, list[str]]] = {
    "letters, the newest first": (
        "{ letters(backends: [KEY], first: 5) { nodes { title date } } }",
        ["/letter/list/limit/5/page/1/sort/date/sorttype/desc"],
    ),
    "letters, the oldest first": (
        "{ letters(backends: [KEY], first: 5, orderBy: {field: DATE, direction: ASC}) { nodes { title date } } }",
        ["/letter/list/limit/5/page/1/sort/date/sorttype/asc"],
    ),
    "letters in a timeline": (
        "{ documents(backends: [KEY], first: 5) { nodes { title date } } }",
        ["/letter/list/limit/5/page/1/sort/date/sorttype/desc"],
    ),
    "letters that a filter picks out": (
        '{ letters(backends: [KEY], first: 5, filter: {title: {contains: "balance"}}) { nodes { title } } }',
        ["/letter/list/limit/1000/page/1/sort/date/sorttype/desc"],
    ),
    "clients": ("{ customers(backends: [KEY], first: 7) { nodes { name } } }", ["/client/list/limit/7/page/1"]),
    "clients by number": (
        "{ customers(backends: [KEY], first: 7, orderBy: {field: CODE}) { nodes { name } } }",
        ["/client/list/limit/7/page/1/sort/number/sorttype/asc"],
    ),
    "clients by name": (
        "{ customers(backends: [KEY], first: 7, orderBy: {field: NAME, direction: DESC}) { nodes { name } } }",
        ["/client/list/limit/7/page/1/sort/name/sorttype/desc"],
    ),
    "a client": (
        '{ customer(by: {nativeId: {backend: KEY, nativeId: "24478"}}) { name raw } }',
        ["/client/get/id/24478"],
    ),
    "a client's letters": (
        '{ customer(by: {nativeId: {backend: KEY, nativeId: "24478"}}) { name letters { nodes { title } } } }',
        ["/client/get/id/24478", "/letter/list/limit/1000/page/1/sort/date/sorttype/desc"],
    ),
}


def path_of(call: Call) -> str:
    """The path without the token, which each has at its end."""
    path, _, rest = call.path.partition(TOKEN)
    assert rest in ("", "/")
    return path


@pytest.mark.parametrize("name", READS)
async def test_a_read_reaches_the_wire_as_the_page_has_it(stage: Stage, name: str) -> None:
    query, paths = READS[name]
    reply = await stage.ask(query.replace("KEY", f'"{KEY}"'))

    assert reply.errors == []
    assert [(call.method, path_of(call), call.query) for call in reply.at(KEY)] == [("GET", path, "") for path in paths]
    (answer,) = reply.data.values()
    assert answer.get("nodes", [answer])


async def test_the_next_page_is_asked_for_by_its_number(company: SandboxServer) -> None:
    async with staged(company, configured(company, smallinvoice={"limits": {"page_size": 100}})) as stage:
        reply = await stage.ask(f'{{ letters(backends: ["{KEY}"], first: 200) {{ nodes {{ id }} }} }}')

    numbers = [path_of(call).split("/")[4:7] for call in reply.at(KEY)]
    assert (numbers[0], [number[2] for number in numbers]) == (
        ["100", "page", "1"],
        ["1", "2"] + ["3"] * (len(numbers) - 2),
    )
    assert len(reply.data["letters"]["nodes"]) == 200


async def test_a_letter_by_id_is_the_published_example(examples: Stage) -> None:
    reply = await examples.ask(
        "query ($id: ID!) { node(id: $id) { ... on Letter { nativeId date title state vendorStatus pageCount"
        " addressId contactId actions raw } } }",
        id=LETTER,
    )

    assert [path_of(call) for call in reply.at(KEY)] == ["/letter/get/id/2"]
    node = reply.data["node"]
    assert (node["date"], node["state"], node["vendorStatus"]) == ("2013-02-25", "DRAFT", ["7"])
    assert (node["addressId"], node["contactId"], node["pageCount"]) == ("11", None, 1)
    assert node["actions"] == ["EMAIL", "POST", "SET_STATUS"]
    assert node["raw"]["client_id"] == 16


async def test_an_unknown_letter_is_null(examples: Stage) -> None:
    reply = await examples.ask("query ($id: ID!) { node(id: $id) { id } }", id=id_of("Letter", KEY, 999))

    assert (reply.data, reply.errors) == ({"node": None}, [])


def test_a_pdf_and_a_preview_are_streamed_and_a_refusal_in_json_is_never_one() -> None:
    with emulators("smallinvoice") as server, served(configured(server)) as url:
        query = (
            "{ letters(first: 1) { nodes { nativeId pdf { url } preview(page: 1, size: W1240) { url }"
            " beyond: preview(page: 99) { url } } } }"
        )
        answer = httpx.post(f"{url}/graphql", json={"query": query}, trust_env=False, timeout=PATIENCE).json()
        (letter,) = answer["data"]["letters"]["nodes"]
        files = [
            httpx.get(letter[name]["url"], trust_env=False, timeout=PATIENCE) for name in ("pdf", "preview", "beyond")
        ]
        entries = server.sandboxes["smallinvoice"].state.journal_since(1)

    native_id = letter["nativeId"]
    assert [entry["raw_path"] for entry in entries] == [
        f"/letter/pdf/id/{native_id}{TOKEN}",
        f"/letter/preview/id/{native_id}/page/1/size/1240{TOKEN}",
        f"/letter/preview/id/{native_id}/page/99/size/595{TOKEN}",
    ]
    assert [file.status_code for file in files] == [200, 200, 404]
    assert (files[0].content[:5], files[1].content[:4]) == (b"%PDF-", b"\x89PNG")
    assert int.from_bytes(files[1].content[16:20]) == 1240
    assert files[2].text.startswith("FILE_NOT_AVAILABLE")


WRITTEN = "{ letter { title date } problems { code } }"
ADD = f"mutation ($input: CreateLetterInput!) {{ createLetter(input: $input) {WRITTEN} }}"
EDIT = f"mutation ($input: UpdateLetterInput!) {{ updateLetter(input: $input) {WRITTEN} }}"
SET = "{ document { state vendorStatus } problems { code } }"
SET_STATUS = f"mutation ($input: SetDocumentStatusInput!) {{ setDocumentStatus(input: $input) {SET} }}"
WRITES: dict[str, tuple[str, dict[str, Any], str, Any]] = {
    "add": (
        ADD,
        {"customer": CLIENT, "addressId": "11", "date": "2026-06-29", "title": "Letter to Jane Doe"},
        "/letter/add",
        {"client_id": 16, "client_address_id": 11, "date": "2026-06-29", "title": "Letter to Jane Doe"},
    ),
    "edit": (
        EDIT,
        {"id": LETTER, "title": "Letter to Jane Roe", "contactId": None},
        "/letter/edit/id/2",
        {"client_contact_id": 0, "title": "Letter to Jane Roe"},
    ),
    "edit all": (
        EDIT,
        {"id": LETTER, "customer": CLIENT, "addressId": "11", "date": "2026-06-28", "title": "T"},
        "/letter/edit/id/2",
        {"client_id": 16, "client_address_id": 11, "date": "2026-06-28", "title": "T"},
    ),
    "status": (
        SET_STATUS,
        {"id": LETTER, "status": {"state": "SENT"}},
        "/letter/status/id/2",
        {"status": 1},
    ),
    "status in the vendor's number": (
        SET_STATUS,
        {"id": LETTER, "status": {"vendorStatus": "1"}},
        "/letter/status/id/2",
        {"status": 1},
    ),
}


@pytest.mark.parametrize("name", WRITES)
async def test_a_letter_is_written_as_the_form_field_data(examples: Stage, name: str) -> None:
    query, members, path, body = WRITES[name]
    reply = await examples.ask(query, input=members)

    call, *reading = reply.at(KEY)
    assert (call.method, path_of(call)) == ("POST", path)
    assert call.headers["content-type"] == "application/x-www-form-urlencoded"
    assert list(call.form) == ["data"]
    assert httpx.Response(200, content=call.form["data"]).json() == body
    assert [path_of(one).rsplit("/", 1)[0] for one in reading] == ["/letter/get/id"]
    (answer,) = reply.data.values()
    assert answer.pop("problems") == []
    (record,) = answer.values()
    assert record in (
        {"title": body.get("title"), "date": body.get("date", "2013-02-25")},
        {"state": "SENT", "vendorStatus": ["1"]},
    )


async def test_a_letter_is_deleted(examples: Stage) -> None:
    reply = await examples.ask(
        "mutation ($id: ID!) { deleteLetter(input: {id: $id}) { deletedId problems { code } } }", id=LETTER
    )

    assert [(call.method, path_of(call), call.body) for call in reply.at(KEY)] == [("POST", "/letter/delete/id/2", "")]
    assert reply.data["deleteLetter"] == {"deletedId": LETTER, "problems": []}


DISPATCH = (
    "dispatch { state items { nodes { state recipients problem { code vendorCode message } } } } problems { code path }"
)
EMAIL = f"mutation ($input: EmailDocumentInput!) {{ emailDocument(input: $input) {{ {DISPATCH} }} }}"
POST = f"mutation ($input: PostDocumentInput!) {{ postDocument(input: $input) {{ {DISPATCH} }} }}"
MAIL = {"document": LETTER, "subject": "Email subject", "body": "Email body"}


async def test_an_email_is_the_published_example(examples: Stage) -> None:
    recipients = [
        {"email": "email@example.com", "name": "Client Name"},
        {"email": "copy@example.com", "cc": True},
    ]
    reply = await examples.ask(EMAIL, input={**MAIL, "recipients": recipients, "statusAfter": {"state": "SENT"}})

    (call,) = reply.at(KEY)
    assert (call.method, path_of(call)) == ("POST", "/letter/email/id/2")
    assert httpx.Response(200, content=call.form["data"]).json() == {
        "subject": "Email subject",
        "body": "Email body",
        "afterstatus": 1,
        "recipients": [
            {"cc": False, "email": "email@example.com", "name": "Client Name"},
            {"cc": True, "email": "copy@example.com", "name": ""},
        ],
    }
    (item,) = reply.data["emailDocument"]["dispatch"]["items"]["nodes"]
    assert (item["state"], item["recipients"]) == ("ACCEPTED", ["email@example.com", "copy@example.com"])
    assert examples.sandboxes[KEY].state.effects["emails"] == 1


@pytest.mark.parametrize(
    ("members", "body"),
    [
        ({"speed": "PRIORITY"}, {"speed": 1, "color": 0}),
        ({"speed": "ECONOMY", "color": True}, {"speed": 2, "color": 1}),
        (
            {"speed": "PRIORITY", "statusWhenSent": {"state": "SENT"}, "statusAfter": {"vendorStatus": "1"}},
            {"speed": 1, "color": 0, "sendstatus": 1, "afterstatus": 1},
        ),
    ],
)
async def test_a_letter_is_posted(examples: Stage, members: Any, body: Any) -> None:
    reply = await examples.ask(POST, input={"document": LETTER, **members})

    (call,) = reply.at(KEY)
    assert (call.method, path_of(call)) == ("POST", "/letter/post/id/2")
    assert httpx.Response(200, content=call.form["data"]).json() == body
    assert reply.data["postDocument"]["dispatch"]["state"] == "SUCCEEDED"
    assert examples.sandboxes[KEY].state.effects["letters"] == 1


REFUSED = '{"error": true, "errorcode": 12345, "errormessage": "The letter has no pages"}'


@pytest.mark.parametrize(
    ("fault", "state", "code", "vendor_code"),
    [
        ({"status": 200, "body": REFUSED, "content_type": "text/html"}, "FAILED", "REJECTED", "12345"),
        ({"status": 200, "body": "{}", "content_type": "text/html"}, "UNKNOWN", "OUTCOME_UNKNOWN", None),
        ({"status": 200, "body": "", "content_type": "text/html"}, "UNKNOWN", "OUTCOME_UNKNOWN", None),
        ({"status": 500, "body": REFUSED}, "UNKNOWN", "OUTCOME_UNKNOWN", "12345"),
        ({"status": 429, "retry_after": 2}, "FAILED", "RATE_LIMITED", None),
    ],
    ids=["error under 200", "neither", "nothing", "500", "429"],
)
async def test_what_an_answer_to_a_send_proves(
    examples: Stage, fault: Any, state: str, code: str, vendor_code: str | None
) -> None:
    examples.fault(KEY, kind="status", route="POST /letter/post/*", **fault)
    reply = await examples.ask(POST, input={"document": LETTER, "speed": "ECONOMY"})

    (item,) = reply.data["postDocument"]["dispatch"]["items"]["nodes"]
    assert (item["state"], item["problem"]["code"], item["problem"]["vendorCode"]) == (state, code, vendor_code)
    assert len(reply.at(KEY)) == 1


async def test_an_unknown_letter_cannot_be_sent(examples: Stage) -> None:
    reply = await examples.ask(POST, input={"document": id_of("Letter", KEY, 999), "speed": "ECONOMY"})

    (item,) = reply.data["postDocument"]["dispatch"]["items"]["nodes"]
    assert (item["state"], item["problem"]["code"], item["problem"]["vendorCode"]) == ("FAILED", "NOT_FOUND", "15016")


@pytest.mark.parametrize(
    ("members", "code", "path"),
    [
        (MAIL, "UNSUPPORTED", "recipients"),
        ({**MAIL, "recipients": []}, "INVALID_INPUT", "recipients"),
        ({"document": LETTER, "recipients": [{"email": "a@example.com"}], "body": "B"}, "INVALID_INPUT", "subject"),
        ({**MAIL, "recipients": [{"email": "a@example.com"}], "attachments": ["x"]}, "UNSUPPORTED", "attachments"),
    ],
)
async def test_what_this_vendor_cannot_send_is_refused_and_not_sent(
    examples: Stage, members: Any, code: str, path: str
) -> None:
    reply = await examples.ask(EMAIL, input=members)

    assert (reply.data["emailDocument"]["problems"], reply.at(KEY)) == ([{"code": code, "path": [path]}], [])


async def test_a_wrong_token_is_the_backends_credentials_and_is_never_shown(company: SandboxServer) -> None:
    async with staged(company, configured(company, smallinvoice={"credentials": {"token": "not-the-token"}})) as stage:
        reply = await stage.ask(f'{{ letters(backends: ["{KEY}"]) {{ problems {{ code vendorCode message }} }} }}')

    (problem,) = reply.data["letters"]["problems"]
    assert (problem["code"], problem["vendorCode"]) == ("BACKEND_CREDENTIALS", "99400")
    assert "not-the-token" not in str(reply.data)
