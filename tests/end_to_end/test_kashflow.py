"""KashFlow from GraphQL to its wire: the session, customers, statements by e-mail, notes and the e-mail log."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import unquote

import pytest

from adapters.sandbox_server import SandboxServer
from tests.end_to_end.stage import Call, Reply, Stage, configured, emulators, id_of, staged

KEY = "kashflow"
STATEMENTS = (
    "mutation ($input: EmailStatementsInput!) { emailStatements(input: $input) { dispatch { id state"
    " counts { total accepted failed unknown }"
    " items { nodes { state vendorMessage recipients problem { code message vendorCode } } } }"
    " problems { code path message } } }"
)


def customer(code: object) -> str:
    return id_of("Customer", KEY, code)


@pytest.fixture
async def post() -> AsyncIterator[Stage]:
    """A company of its own, for statements to go out."""
    with emulators("kashflow") as server:
        async with staged(server) as stage:
            yield stage


async def test_signing_in_takes_two_steps_and_its_token_every_call(company: SandboxServer) -> None:
    async with staged(company) as stage:
        stage.mark()
        await stage.data('{ customers(backends: ["kashflow"], first: 1) { nodes { id } } }')
        first, second, listing = stage.calls(sign_ins=True)[KEY]

    assert (first.line, first.json) == (
        "POST /v2/sessiontoken",
        {"UserName": "sandbox-user", "Password": "sandbox-password"},
    )
    assert second.line == "PUT /v2/sessiontoken"
    letters = {one["Position"]: one["Value"] for one in second.json["MemorableWordList"]}
    assert letters == {position: "sandboxword"[position - 1] for position in letters}
    assert len(letters) == 3
    assert listing.headers["authorization"].startswith("KfToken ")
    assert {call.headers["accept"] for call in (first, second, listing)} == {"application/json"}


async def test_a_session_that_has_ended_is_renewed_once_for_all(company: SandboxServer) -> None:
    async with staged(company) as stage:
        query = '{ customers(backends: ["kashflow"], first: 1) { nodes { id } problems { code } } }'
        await stage.data(query)
        stage.mark()
        stage.fault(KEY, kind="expire_session")
        answers = await asyncio.gather(
            *(stage.gateway.operations.execute(query, None, stage.gateway.context()) for _ in range(4))
        )
        calls = stage.calls(sign_ins=True)[KEY]

    assert [(answer.data or {})["customers"]["problems"] for answer in answers] == [[]] * 4
    assert [call.line for call in calls if call.path == "/v2/sessiontoken"] == [
        "POST /v2/sessiontoken",
        "PUT /v2/sessiontoken",
    ]


READS: dict[str, tuple[str, str]] = {
    "customers": (
        '{ customers(backends: ["kashflow"], first: 3) { nodes { name status } } }',
        "GET /v2/customers?page=1&perpage=3&sortby=1&order=Asc&filterarchived=true",
    ),
    "customers by name": (
        '{ customers(backends: ["kashflow"], first: 3, orderBy: {field: NAME, direction: DESC}) { nodes { name } } }',
        "GET /v2/customers?page=1&perpage=3&sortby=0&order=Desc&filterarchived=true",
    ),
    "customers by balance": (
        '{ customers(backends: ["kashflow"], first: 3, orderBy: {field: OUTSTANDING_BALANCE}) { nodes { name } } }',
        "GET /v2/customers?page=1&perpage=3&sortby=4&order=Asc&filterarchived=true",
    ),
    "customers in use": (
        '{ customers(backends: ["kashflow"], first: 2, filter: {status: ACTIVE}) { nodes { name } } }',
        "GET /v2/customers?page=1&perpage=100&sortby=1&order=Asc",
    ),
    "customers whose name begins": (
        '{ customers(backends: ["kashflow"], first: 2, filter: {name: {startsWith: "Ze"}}) { nodes { name } } }',
        "GET /v2/customers?page=1&perpage=100&sortby=1&order=Asc&filterarchived=true&namestartswith=Ze",
    ),
    "a customer": (
        '{ customer(by: {code: {backend: "kashflow", code: "10001"}}) { name currency raw } }',
        "GET /v2/customers/10001",
    ),
    "a code that looks like a path": (
        '{ customer(by: {code: {backend: "kashflow", code: "A/B?c=1 %2e"}}) { name } }',
        "GET /v2/customers/A%2FB%3Fc%3D1%20%252e",
    ),
}


@pytest.mark.parametrize("name", READS)
async def test_a_read_reaches_the_wire_as_the_page_has_it(stage: Stage, name: str) -> None:
    query, line = READS[name]
    reply = await stage.ask(query)

    assert (reply.errors, reply.lines(KEY)) == ([], [line])


async def test_pages_are_followed_to_the_end(stage: Stage) -> None:
    reply = await stage.ask(
        '{ customers(backends: ["kashflow"], first: 243) { nodes { id } pageInfo { hasNextPage } } }'
    )

    assert len(reply.data["customers"]["nodes"]) == 243
    assert [call.query.split("&")[0] for call in reply.at(KEY)][:2] == ["page=1", "page=2"]
    assert len(reply.at(KEY)) == 3


PERIODS: dict[str, tuple[dict[str, Any], str]] = {
    "the vendor's own period": ({}, ""),
    "a period": ({"from": "2013-01-01", "to": "2013-10-10"}, "startdate=20130101&enddate=20131010"),
    "paid invoices left out": ({"excludePaid": True}, "excludepaidinvoices=1"),
    "all invoices": ({"allInvoices": True}, "filterby=all"),
    "the published request": (
        {"from": "2013-01-01", "to": "2013-10-10", "excludePaid": True, "allInvoices": True},
        "startdate=20130101&enddate=20131010&excludepaidinvoices=1&filterby=all",
    ),
}


def sends(reply: Reply) -> list[Call]:
    """The calls that e-mail statements; before them the customers' stable ids are looked up."""
    return [call for call in reply.at(KEY) if call.method == "POST"]


@pytest.mark.parametrize("name", PERIODS)
async def test_statements_are_asked_for_as_the_page_has_it(post: Stage, name: str) -> None:
    members, query = PERIODS[name]
    reply = await post.ask(STATEMENTS, input={"customers": [customer(10001), customer(10002)], **members})

    (call,) = sends(reply)
    assert (call.method, call.path, call.query) == ("POST", "/v2/customerstatements/bulk/email", query)
    assert (call.json, call.headers["content-type"]) == (["10001", "10002"], "application/json")
    dispatch = reply.data["emailStatements"]["dispatch"]
    assert dispatch["counts"] == {"total": 2, "accepted": 2, "failed": 0, "unknown": 0}
    assert [item["vendorMessage"] for item in dispatch["items"]["nodes"]] == ["Marked to send"] * 2
    assert [item["recipients"] for item in dispatch["items"]["nodes"]] == [None] * 2


async def test_more_than_35_customers_take_more_calls(post: Stage) -> None:
    codes = [str(code) for code in range(10001, 10081)]
    reply = await post.ask(STATEMENTS, input={"customers": [customer(code) for code in codes]})

    assert sorted(len(call.json) for call in sends(reply)) == [10, 35, 35]
    assert sorted(code for call in sends(reply) for code in call.json) == codes


async def test_each_customer_has_its_own_result(post: Stage) -> None:
    """10016 has no address, 10020 a broken one; one that is not there does not stop the others."""
    codes = ["10001", "nobody", "10016", "10020", "10002"]
    reply = await post.ask(STATEMENTS, input={"customers": [customer(code) for code in codes]})

    dispatch = reply.data["emailStatements"]["dispatch"]
    results = [(item["state"], (item["problem"] or {}).get("code")) for item in dispatch["items"]["nodes"]]
    assert results == [
        ("ACCEPTED", None),
        ("FAILED", "NOT_FOUND"),
        ("FAILED", "INVALID_INPUT"),
        ("FAILED", "INVALID_INPUT"),
        ("ACCEPTED", None),
    ]
    assert [item["vendorMessage"] for item in dispatch["items"]["nodes"]][1:3] == [
        "Invalid customer code",
        "Invalid customer email address",
    ]
    assert (dispatch["state"], post.sandboxes[KEY].state.effects["emails"]) == ("COMPLETED_WITH_FAILURES", 2)


async def test_the_answer_as_it_was_published_which_is_no_json_is_understood() -> None:
    with emulators("kashflow", seed="examples", settings={"published_braces": True, "padded_codes": True}) as server:
        async with staged(server) as stage:
            codes = ["101", "CUST123", "CUST2345", "0065"]
            members = {"from": "2013-01-01", "to": "2013-10-10", "excludePaid": True, "allInvoices": True}
            reply = await stage.ask(STATEMENTS, input={"customers": [customer(code) for code in codes], **members})

    assert sends(reply)[0].json == codes
    dispatch = reply.data["emailStatements"]["dispatch"]
    assert [item["state"] for item in dispatch["items"]["nodes"]] == ["ACCEPTED", "FAILED", "FAILED", "ACCEPTED"]


async def test_statements_to_all_that_a_filter_finds(post: Stage) -> None:
    reply = await post.ask(
        STATEMENTS, input={"backend": KEY, "filter": {"name": {"startsWith": "Zephyr"}, "status": "ACTIVE"}}
    )

    assert unquote(reply.at(KEY)[0].query).endswith("namestartswith=Zephyr")
    counts = reply.data["emailStatements"]["dispatch"]["counts"]
    assert counts["total"] == sum(len(call.json) for call in sends(reply)) > 1


@pytest.mark.parametrize(
    ("fault", "state", "code"),
    [
        ({"kind": "reset_after"}, "UNKNOWN", "OUTCOME_UNKNOWN"),
        ({"kind": "truncate"}, "UNKNOWN", "OUTCOME_UNKNOWN"),
        ({"kind": "garbage"}, "UNKNOWN", "OUTCOME_UNKNOWN"),
        ({"kind": "status", "status": 503}, "UNKNOWN", "OUTCOME_UNKNOWN"),
        ({"kind": "status", "status": 404}, "FAILED", "NOT_FOUND"),
        (
            {"kind": "status", "status": 400, "body": '{"Message": "Timeout expired", "Error": "-2146232060"}'},
            "UNKNOWN",
            "OUTCOME_UNKNOWN",
        ),
    ],
    ids=["lost", "truncated", "no JSON", "503", "404", "-2146232060"],
)
async def test_what_is_not_proved_undone_is_unknown_and_is_sent_once(
    post: Stage, fault: dict[str, Any], state: str, code: str
) -> None:
    post.fault(KEY, route="POST /v2/customerstatements/*", content_type="application/json", **fault)
    reply = await post.ask(STATEMENTS, input={"customers": [customer(10001)]})

    (item,) = reply.data["emailStatements"]["dispatch"]["items"]["nodes"]
    assert (item["state"], item["problem"]["code"], len(sends(reply))) == (state, code, 1)


async def test_a_run_that_is_asked_for_patience_goes_on_after_it(post: Stage) -> None:
    post.fault(KEY, route="POST /v2/customerstatements/*", kind="status", status=429, retry_after=0)
    reply = await post.ask(STATEMENTS, input={"customers": [customer(10001)]})

    (item,) = reply.data["emailStatements"]["dispatch"]["items"]["nodes"]
    assert (item["state"], [call.status for call in sends(reply)]) == ("ACCEPTED", [429, 200])


async def test_evidence_of_a_lost_answer_is_the_customers_notes_and_the_email_log(post: Stage) -> None:
    post.fault(KEY, route="POST /v2/customerstatements/*", kind="reset_after")
    sent = await post.ask(STATEMENTS, input={"customers": [customer(10001)]})
    reply = await post.ask(
        "mutation ($id: ID!) { reconcileDispatch(id: $id) { dispatch { state items { nodes { state evidence } } } } }",
        id=sent.data["emailStatements"]["dispatch"]["id"],
    )

    assert reply.lines(KEY)[:2] == ["GET /v2/customers/10001", "GET /v2/customers/10001/notes"]
    assert [call.path for call in reply.at(KEY)[2:]] == ["/v2/reports/emaillog"] * (len(reply.at(KEY)) - 2)
    assert {call.headers["cache-control"] for call in reply.at(KEY)} == {"no-cache"}
    dispatch = reply.data["reconcileDispatch"]["dispatch"]
    assert (dispatch["state"], dispatch["items"]["nodes"][0]["state"]) == ("SUCCEEDED", "ACCEPTED")


@pytest.mark.parametrize(
    ("members", "path"),
    [
        ({"customers": [customer("10001")], "from": "2026-01-01"}, "to"),
        ({"customers": [customer("10001")], "from": "2026-02-01", "to": "2026-01-01"}, "to"),
        ({"customers": []}, "customers"),
        ({}, "customers"),
        ({"customers": [customer("a"), customer("A")]}, "customers"),
    ],
    ids=["one day", "backwards", "nobody", "nothing", "two codes of one customer"],
)
async def test_what_would_be_refused_is_refused_before_anything_is_sent(
    post: Stage, members: dict[str, Any], path: str
) -> None:
    reply = await post.ask(STATEMENTS, input=members)

    (problem,) = reply.data["emailStatements"]["problems"]
    assert (problem["code"], problem["path"], reply.at(KEY)) == ("INVALID_INPUT", [path], [])


@pytest.mark.parametrize("name", ["username", "password", "memorable_word"])
async def test_wrong_credentials_are_the_backends(name: str) -> None:
    with emulators("kashflow") as server:
        credentials = {**server.sandboxes["kashflow"].access.credentials, name: "qqqqqqqqqqq"}
        async with staged(server, configured(server, kashflow={"credentials": credentials})) as stage:
            reply = await stage.ask("{ customers { problems { code backend } } }")

    assert reply.data["customers"]["problems"] == [{"code": "BACKEND_CREDENTIALS", "backend": KEY}]
