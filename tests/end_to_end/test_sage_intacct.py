"""Sage Intacct from GraphQL to its wire: objects, the query service whole, and its three shapes of error."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from adapters.sandbox_server import SandboxServer
from tests.end_to_end.stage import Stage, configured, emulators, id_of, staged

KEY = "sage-intacct"
ENTITY = "1"
BASE = "/ia/api/v1"
QUERY = f"POST {BASE}/services/core/query"
TEMPLATE_PATH = f"{BASE}/objects/accounts-receivable/customer-email-template"
MESSAGE_PATH = f"{BASE}/objects/accounts-receivable/customer-message"


def tenant(name: str, native_id: object) -> str:
    return id_of(name, KEY, native_id)


@pytest.fixture
async def writing() -> AsyncIterator[Stage]:
    """A company of its own, to be changed."""
    with emulators("sage_intacct") as server:
        async with staged(server) as stage:
            yield stage


async def test_signing_in_is_a_client_credentials_grant(company: SandboxServer) -> None:
    async with staged(company) as stage:
        stage.mark()
        await stage.data("{ messages { nodes { text } } }")
        grant, query = stage.calls(sign_ins=True)[KEY]

    assert (grant.line, grant.headers["content-type"]) == (
        f"POST {BASE}/oauth2/token",
        "application/x-www-form-urlencoded",
    )
    assert grant.form == {
        "grant_type": "client_credentials",
        "client_id": "sandbox-client-id",
        "client_secret": "sandbox-client-secret",
        "username": "postroom@northgate",
    }
    assert query.headers["authorization"].startswith("Bearer ")


# The list's arguments, and what they are in the body of the query.
FILTERS: dict[str, tuple[str, dict[str, Any]]] = {
    "equal": ('filter: {customerCode: {eq: "10001"}}', {"filters": [{"$eq": {"customer.id": "10001"}}]}),
    "not equal": ('filter: {customerCode: {ne: "10001"}}', {"filters": [{"$ne": {"customer.id": "10001"}}]}),
    "less": ('filter: {customerCode: {lt: "10003"}}', {"filters": [{"$lt": {"customer.id": "10003"}}]}),
    "at most": ('filter: {customerCode: {lte: "10003"}}', {"filters": [{"$lte": {"customer.id": "10003"}}]}),
    "greater": ('filter: {customerCode: {gt: "10200"}}', {"filters": [{"$gt": {"customer.id": "10200"}}]}),
    "at least": ('filter: {customerCode: {gte: "10200"}}', {"filters": [{"$gte": {"customer.id": "10200"}}]}),
    "one of": (
        'filter: {customerCode: {in: ["10001", "10002"]}}',
        {"filters": [{"$in": {"customer.id": ["10001", "10002"]}}]},
    ),
    "none of": (
        'filter: {customerCode: {notIn: ["10001", "10002"]}}',
        {"filters": [{"$notIn": {"customer.id": ["10001", "10002"]}}]},
    ),
    "between": (
        'filter: {customerCode: {between: ["10001", "10010"]}}',
        {"filters": [{"$between": {"customer.id": ["10001", "10010"]}}]},
    ),
    "not between": (
        'filter: {customerCode: {notBetween: ["10001", "10010"]}}',
        {"filters": [{"$notBetween": {"customer.id": ["10001", "10010"]}}]},
    ),
    "contains": (
        'filter: {templateName: {contains: "logo"}}',
        {"filters": [{"$contains": {"emailTemplate.name": "logo"}}]},
    ),
    "does not contain": (
        'filter: {templateName: {notContains: "logo"}}',
        {"filters": [{"$notContains": {"emailTemplate.name": "logo"}}]},
    ),
    "starts with": (
        'filter: {templateName: {startsWith: "Pur"}}',
        {"filters": [{"$startsWith": {"emailTemplate.name": "Pur"}}]},
    ),
    "does not start with": (
        'filter: {templateName: {notStartsWith: "Pur"}}',
        {"filters": [{"$notStartsWith": {"emailTemplate.name": "Pur"}}]},
    ),
    "ends with": (
        'filter: {templateName: {endsWith: "logo"}}',
        {"filters": [{"$endsWith": {"emailTemplate.name": "logo"}}]},
    ),
    "does not end with": (
        'filter: {templateName: {notEndsWith: "logo"}}',
        {"filters": [{"$notEndsWith": {"emailTemplate.name": "logo"}}]},
    ),
    "empty": ("filter: {transactionDefinition: {isNull: true}}", {"filters": [{"$eq": {"txnDefinition.id": None}}]}),
    "both": (
        'filter: {templateName: {contains: "logo"}, customerCode: {lt: "10100"}}',
        {"filters": [{"$lt": {"customer.id": "10100"}}, {"$contains": {"emailTemplate.name": "logo"}}]},
    ),
    "either": (
        'filter: {or: [{customerCode: {eq: "10001"}}, {customerCode: {eq: "10002"}}]}',
        {"filters": [{"$eq": {"customer.id": "10001"}}, {"$eq": {"customer.id": "10002"}}], "filterExpression": "or"},
    ),
    "grouped": (
        """filter: {
          customerCode: {lt: "10100"}, or: [{templateName: {contains: "logo"}}, {templateName: {contains: "Pur"}}]
        }""",
        {
            "filters": [
                {"$contains": {"emailTemplate.name": "logo"}},
                {"$contains": {"emailTemplate.name": "Pur"}},
                {"$lt": {"customer.id": "10100"}},
            ],
            "filterExpression": "(1 or 2) and 3",
        },
    ),
    "negated": (
        'filter: {not: {or: [{customerCode: {eq: "10001"}}, {customerCode: {eq: "10002"}}]}}',
        {"filters": [{"$ne": {"customer.id": "10001"}}, {"$ne": {"customer.id": "10002"}}]},
    ),
    "of customers": ("filter: {customer: IDS}", {"filters": [{"$in": {"customer.key": ["158", "21"]}}]}),
    "ordered": (
        "orderBy: {field: TEMPLATE_NAME, direction: DESC}",
        {"orderBy": [{"emailTemplate.name": "desc"}, {"key": "asc"}]},
    ),
    "case left out of account": (
        'filter: {templateName: {contains: "LOGO"}}, options: {caseSensitive: false}',
        {
            "filters": [{"$contains": {"emailTemplate.name": "LOGO"}}],
            "filterParameters": {"caseSensitiveComparison": False},
        },
    ),
    "private entities and hierarchy": (
        'options: {includePrivate: true, includeHierarchy: true, asOf: "2022-04-01"}',
        {"filterParameters": {"asOfDate": "2022-04-01", "includePrivate": True, "includeHierarchyFields": True}},
    ),
}


@pytest.mark.parametrize("name", FILTERS)
async def test_a_list_is_one_query_that_says_all_of_it(stage: Stage, name: str) -> None:
    arguments, expected = FILTERS[name]
    ids = json.dumps([tenant("Customer", 158), tenant("Customer", 21)])
    reply = await stage.ask(
        f"{{ templates({arguments.replace('IDS', ids)}) {{ nodes {{ emailTemplate {{ name }} }} }} }}"
    )

    (call,) = reply.at(KEY)
    assert (reply.errors, call.line, call.headers["content-type"]) == ([], QUERY, "application/json")
    body = call.json
    assert body.pop("object") == "accounts-receivable/customer-email-template"
    assert {"key", "customer.key", "emailTemplate.name"} <= set(body.pop("fields"))
    assert (body.pop("start"), body.pop("size")) == (1, 50)
    assert body == {"orderBy": [{"key": "asc"}], **expected}
    assert reply.data["templates"]["nodes"]


PERIODS = {
    "TODAY": "today",
    "YESTERDAY": "yesterday",
    "CURRENT_WEEK": "currentWeek",
    "LAST_WEEK": "lastWeek",
    "CURRENT_MONTH": "currentMonth",
    "PRIOR_MONTH": "priorMonth",
    "CURRENT_QUARTER": "currentQuarter",
    "PRIOR_QUARTER": "priorQuarter",
    "CURRENT_YEAR": "currentYear",
    "PRIOR_YEAR": "priorYear",
}


@pytest.mark.parametrize("period", PERIODS)
async def test_a_relative_period_is_the_vendors_macro_with_its_day(stage: Stage, period: str) -> None:
    reply = await stage.ask(f"{{ messages(filter: {{createdAt: {{period: {period}}}}}) {{ nodes {{ code text }} }} }}")

    (call,) = reply.at(KEY)
    assert (reply.errors, call.json["filters"]) == ([], [{"$eq": {"audit.createdDateTime": PERIODS[period]}}])
    assert call.json["filterParameters"] == {"asOfDate": "2026-06-30"}


async def test_the_next_page_starts_with_the_last_record_of_the_one_before(stage: Stage) -> None:
    fields = "{ nodes { id emailTemplate { name } } pageInfo { endCursor } }"
    query = f"query ($after: String) {{ templates(first: 100, after: $after) {fields} }}"
    first = await stage.data(query)
    reply = await stage.ask(query, after=first["templates"]["pageInfo"]["endCursor"])

    assert [(call.json["start"], call.json["size"]) for call in reply.at(KEY)] == [(100, 101)]
    shown = [node["id"] for page in (first, reply.data) for node in page["templates"]["nodes"]]
    assert len(set(shown)) == 200


async def test_where_only_ids_are_wanted_the_plain_list_is_read(stage: Stage) -> None:
    reply = await stage.ask("{ messages(first: 50) { nodes { id code } } }")

    assert reply.lines(KEY) == [f"GET {MESSAGE_PATH}"]
    assert len(reply.data["messages"]["nodes"]) == 12


RECORDS = {
    "a customer": ("Customer", 21, "name emails", f"GET {BASE}/objects/accounts-receivable/customer/21"),
    "a customer's template": ("CustomerEmailTemplate", 1, "raw", f"GET {TEMPLATE_PATH}/1"),
    "a message": ("CustomerMessage", 1, "text raw", f"GET {MESSAGE_PATH}/1"),
    "an e-mail template": ("EmailTemplate", 4, "subject body", f"GET {BASE}/objects/company-config/email-template/4"),
}


@pytest.mark.parametrize("name", RECORDS)
async def test_a_record_is_read_by_its_key(stage: Stage, name: str) -> None:
    type_name, key, fields, line = RECORDS[name]
    query = f"query ($id: ID!) {{ node(id: $id) {{ ... on {type_name} {{ {fields} }} }} }}"
    reply = await stage.ask(query, id=tenant(type_name, key))

    assert (reply.errors, reply.lines(KEY)) == ([], [line])
    assert all(reply.data["node"].values())


async def test_a_customer_by_code_is_a_query(stage: Stage) -> None:
    reply = await stage.ask(
        '{ customer(by: {code: {backend: "sage-intacct", code: "10001"}}) { name message { text } } }'
    )

    customer, message = reply.at(KEY)
    assert [customer.line, message.line] == [QUERY, QUERY]
    assert customer.json["filters"] == [{"$in": {"id": ["10001"]}}]
    assert reply.data["customer"]["message"]["text"]


async def test_aggregates_are_functions_of_fields_grouped_by_others(stage: Stage) -> None:
    reply = await stage.ask(
        """{ aggregate(backend: "sage-intacct", input: {of: CUSTOMERS, groupBy: ["status"], measures: [
          {function: COUNT, field: "key"}, {function: SUM, field: "totalDue"}, {function: AVG, field: "totalDue"},
          {function: MIN, field: "totalDue"}, {function: MAX, field: "totalDue"}
        ]}) { group values } }"""
    )

    (call,) = reply.at(KEY)
    measures = ["count:key", "sum:totalDue", "avg:totalDue", "min:totalDue", "max:totalDue"]
    assert (call.json["object"], call.json["fields"]) == ("accounts-receivable/customer", ["status", *measures])
    rows = reply.data["aggregate"]
    assert {row["group"]["status"] for row in rows} == {"active", "activeNonPosting", "inactive"}
    assert sum(row["values"]["count:key"] for row in rows) == 240


async def test_the_entity_goes_with_every_call_but_the_sign_in(company: SandboxServer) -> None:
    async with staged(company, configured(company, sage_intacct={"settings": {"entity": ENTITY}})) as stage:
        reply = await stage.ask("{ messages { nodes { text } } templates { nodes { raw } } }")

    assert {call.headers.get("x-ia-api-param-entity") for call in reply.at(KEY)} == {ENTITY}
    assert len(reply.at(KEY)) > 1


CREATE_TEMPLATE = (
    "mutation ($input: CreateTemplateInput!) { createTemplate(input: $input) {"
    " template { id emailTemplate { nativeId } customer { nativeId } transactionDefinition { name } }"
    " problems { code vendorCode path message } } }"
)
TEMPLATE = {"customer": tenant("Customer", 21), "emailTemplate": tenant("EmailTemplate", 4)}


async def test_a_template_is_given_to_a_customer(writing: Stage) -> None:
    reply = await writing.ask(CREATE_TEMPLATE, input=TEMPLATE)

    create = reply.at(KEY)[0]
    assert (create.line, create.json) == (
        f"POST {TEMPLATE_PATH}",
        {"customer": {"key": "21"}, "emailTemplate": {"key": "4"}},
    )
    made = reply.data["createTemplate"]
    assert (made["problems"], made["template"]["emailTemplate"]) == ([], {"nativeId": "4"})


async def test_an_idempotency_key_is_passed_on_and_does_the_work_once(writing: Stage) -> None:
    members = {**TEMPLATE, "transactionDefinition": "Sales Invoice", "idempotencyKey": "once"}
    first = await writing.ask(CREATE_TEMPLATE, input=members)
    second = await writing.ask(CREATE_TEMPLATE, input=members)
    key = first.at(KEY)[0].headers["idempotency-key"]

    assert (len(key), "once" in key) == (64, False)
    assert [call.line for call in second.at(KEY) if call.line != QUERY] == []
    assert first.data["createTemplate"] == second.data["createTemplate"]
    assert writing.sandboxes[KEY].state.effects["records"] == 1


async def test_a_template_is_changed_cleared_and_deleted(writing: Stage) -> None:
    identifier = tenant("CustomerEmailTemplate", 1)
    written = "{ template { id } problems { code } }"
    update = f"mutation ($input: UpdateTemplateInput!) {{ updateTemplate(input: $input) {written} }}"
    key = {"id": identifier, "emailTemplate": tenant("EmailTemplate", 5), "idempotencyKey": "k"}
    changed = await writing.ask(update, input=key)
    cleared = await writing.ask(update, input={"id": identifier, "transactionDefinition": None})
    deleted = await writing.ask(
        "mutation ($id: ID!) { deleteTemplate(input: {id: $id}) { deletedId problems { code } } }", id=identifier
    )

    calls = [reply.at(KEY)[0] for reply in (changed, cleared, deleted)]
    assert [call.line for call in calls] == [
        f"PATCH {TEMPLATE_PATH}/1",
        f"PATCH {TEMPLATE_PATH}/1",
        f"DELETE {TEMPLATE_PATH}/1",
    ]
    assert [calls[0].json, calls[1].json] == [{"emailTemplate": {"key": "5"}}, {"txnDefinition": {"id": None}}]
    assert "idempotency-key" in calls[0].headers
    assert deleted.data["deleteTemplate"] == {"deletedId": identifier, "problems": []}


async def test_a_message_is_created_and_changed(writing: Stage) -> None:
    create = await writing.ask(
        'mutation { createMessage(input: {backend: "sage-intacct", code: "New Customer Message",'
        ' text: "We look forward to doing business with you!"}) { message { id code text status } problems { code } } }'
    )
    made = create.data["createMessage"]["message"]
    update = await writing.ask(
        'mutation ($id: ID!) { updateMessage(input: {id: $id, text: "Hello and welcome!", status: INACTIVE}) {'
        " message { code text status } problems { code } } }",
        id=made["id"],
    )

    assert (create.at(KEY)[0].line, create.at(KEY)[0].json) == (
        f"POST {MESSAGE_PATH}",
        {
            "id": "New Customer Message",
            "message": "We look forward to doing business with you!",
            "status": "active",
        },
    )
    assert (made["code"], made["status"]) == ("New Customer Message", "ACTIVE")
    assert update.at(KEY)[0].line.startswith(f"PATCH {MESSAGE_PATH}/")
    assert update.at(KEY)[0].json == {"message": "Hello and welcome!", "status": "inactive"}
    changed = {"code": "New Customer Message", "text": "Hello and welcome!", "status": "INACTIVE"}
    assert update.data["updateMessage"] == {"message": changed, "problems": []}


async def test_a_taken_code_is_a_conflict(writing: Stage) -> None:
    mutation = (
        'mutation { createMessage(input: {backend: "sage-intacct", code: "Welcome", text: "Again"}) {'
        " message { id } problems { code path } } }"
    )
    reply = await writing.ask(mutation)

    (problem,) = reply.data["createMessage"]["problems"]
    assert (problem["code"], reply.data["createMessage"]["message"]) == ("CONFLICT", None)


ERROR = {"code": "invalidRequest", "message": "Payload contains errors", "errorId": "REST-1064", "supportId": "S1"}
SHAPES = {
    "inside the result": {"ia::result": {"ia::error": ERROR}, "ia::meta": {"totalError": 1}},
    "beside the meta": {"ia::error": ERROR, "ia::meta": {"totalError": 1}},
    "bare": {"error": ERROR},
}


@pytest.mark.parametrize("status", [200, 400])
@pytest.mark.parametrize("shape", SHAPES)
async def test_each_shape_of_error_is_one_under_any_status(writing: Stage, shape: str, status: int) -> None:
    fault = {"kind": "status", "status": status, "content_type": "application/json", "times": None}
    writing.fault(KEY, body=json.dumps(SHAPES[shape]), route=f"* {BASE}/[!o][!a]*", **fault)
    read = await writing.ask("{ messages { nodes { text } problems { code vendorCode message } } }")
    writing.clear_faults()
    writing.fault(KEY, body=json.dumps(SHAPES[shape]), route=f"POST {TEMPLATE_PATH}", **fault)
    write = await writing.ask(CREATE_TEMPLATE, input=TEMPLATE)

    expected = {"code": "INVALID_INPUT", "vendorCode": "REST-1064", "message": "Payload contains errors"}
    assert read.data["messages"] == {"nodes": [], "problems": [expected]}
    assert write.data["createTemplate"] == {"template": None, "problems": [{**expected, "path": None}]}
    assert len(write.at(KEY)) == 1


async def test_errors_of_queries_under_200_are_errors() -> None:
    with emulators("sage_intacct", settings={"query_errors_as_200": True}) as server:
        async with staged(server) as stage:
            reply = await stage.ask(
                '{ aggregate(backend: "sage-intacct", input: {of: CUSTOMERS,'
                ' measures: [{function: SUM, field: "nothing"}]}) { values } }'
            )

    assert [call.status for call in reply.at(KEY)] == [200]
    (error,) = reply.errors
    assert (error["extensions"]["code"], error["extensions"]["vendorCode"]) == ("INVALID_INPUT", "REST-1064")


@pytest.mark.parametrize("name", ["client_id", "client_secret", "username"])
async def test_wrong_credentials_are_the_backends(company: SandboxServer, name: str) -> None:
    right = company.sandboxes["sage_intacct"].access.credentials
    wrong = {**right, name: "nobody@nowhere"}
    async with staged(company, configured(company, sage_intacct={"credentials": wrong})) as stage:
        reply = await stage.ask("{ messages { problems { code backend message } } }")

    (problem,) = reply.data["messages"]["problems"]
    assert (problem["code"], problem["backend"]) == ("BACKEND_CREDENTIALS", KEY)
    assert [value for value in (*right.values(), "nobody@nowhere") if value in str(reply.data)] == []
