"""The query service as a route: what it takes, what it refuses, and how."""

from typing import Any

import pytest

from tests.vendors.sage_intacct.emulator import CUSTOMER, EMAIL_TEMPLATE, MESSAGE, TEMPLATE, Api, error_of, opened

REFUSED: tuple[Any, ...] = (400, "invalidRequest", None, [])


def unknown(*fields: str) -> tuple[Any, ...]:
    return 400, "invalidRequest", "REST-1064", [(f"/{field}", "REST-1043") for field in fields]


async def test_rows_are_flat_under_their_dotted_names(api: Api) -> None:
    fields = ["key", "customer.name", "customer.customerMessage.id", "emailTemplate.templateType", "href"]
    row = (await api.rows(TEMPLATE, fields, {"$eq": {"key": "1"}}))[0]
    assert fields == list(row)
    assert ("1", f"/objects/{TEMPLATE}/1") == (row["key"], row["href"])


async def test_links_and_users_behind_a_reference_are_reached(api: Api) -> None:
    fields = ["customerMessage.href", "audit.createdByUser.id", "audit.createdByUser.href", "entity.name"]
    row = (await api.rows(CUSTOMER, fields, {"$eq": {"key": "21"}}))[0]
    assert {
        "customerMessage.href": f"/objects/{MESSAGE}/1",
        "audit.createdByUser.id": "Admin",
        "audit.createdByUser.href": "/objects/company-config/user/1",
        "entity.name": "Northgate Supplies Switzerland",
    } == row


async def test_a_page_says_what_comes_before_and_after(api: Api) -> None:
    body = {"object": CUSTOMER, "fields": ["id"], "orderBy": [{"id": "asc"}], "start": 101, "size": 50}
    answer = (await api.query(body)).json()
    assert [answer["ia::result"][0]["id"], answer["ia::result"][-1]["id"]] == ["10101", "10150"]
    assert answer["ia::meta"] == {"totalCount": 240, "start": 101, "pageSize": 50, "next": 151, "previous": 51}


async def test_a_page_has_a_hundred_rows_unless_told(api: Api) -> None:
    answer = (await api.query({"object": CUSTOMER, "fields": ["id"]})).json()
    assert (len(answer["ia::result"]), answer["ia::meta"]["pageSize"]) == (100, 100)


async def test_amounts_compare_as_numbers_given_as_string_or_number(api: Api) -> None:
    found = [
        await api.rows(CUSTOMER, ["count:key"], {"$gt": {"totalDue": value}})
        for value in ("900", 900, 900.0, "0900.00")
    ]
    rows = await api.rows(CUSTOMER, ["totalDue"])
    assert [[{"count:key": sum(float(row["totalDue"] or 0) > 900 for row in rows)}]] * 4 == found


async def test_keys_order_as_numbers(api: Api) -> None:
    keys = [int(row["key"]) for row in await api.rows(TEMPLATE, ["key"], orderBy=[{"id": "desc"}])]
    assert sorted(keys, reverse=True) == keys


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ([{"$eq": {"id": "payment reminder"}}], 1),
        ([{"$eq": {"id": "Payment Reminder"}}], 0),
        ([{"$startsWith": {"id": "Payment"}}], 1),
        ([{"$notContains": {"id": "e"}}], 2),
        ([{"$in": {"id": ["Welcome", "welcome"]}}], 1),
        ([{"$ne": {"status": "active"}}], 1),
        ([{"$gte": {"id": "a"}}], 1),
    ],
)
async def test_comparisons_are_case_sensitive_unless_told(api: Api, filters: list[Any], expected: int) -> None:
    assert [{"count:key": expected}] == await api.rows(MESSAGE, ["count:key"], *filters)


async def test_case_is_ignored_in_every_text_operator_when_told(api: Api) -> None:
    texts = [
        {"$eq": {"id": "PAYMENT REMINDER"}},
        {"$in": {"id": ["PAYMENT REMINDER"]}},
        {"$contains": {"id": "MENT R"}},
    ]
    parameters = {"caseSensitiveComparison": False, "includePrivate": True, "includeHierarchyFields": True}
    expected = [{"id": "payment reminder"}]
    assert expected == await api.rows(MESSAGE, ["id"], *texts, filterParameters=parameters)


async def test_null_is_found_by_eq_and_left_out_by_everything_else(api: Api) -> None:
    counts = [
        (await api.rows(CUSTOMER, ["count:key"], condition))[0]["count:key"]
        for condition in (
            {"$eq": {"customerMessage.id": None}},
            {"$ne": {"customerMessage.id": None}},
            {"$ne": {"customerMessage.id": "no such"}},
            {"$notIn": {"customerMessage.id": ["no such"]}},
            {"$notStartsWith": {"customerMessage.id": "no such"}},
        )
    ]
    assert counts == [48, 192, 192, 192, 192]


async def test_expressions_parameters_and_macros_work_together(api: Api) -> None:
    body: dict[str, Any] = {
        "filterExpression": "(1 and 2) or 3",
        "filterParameters": {"asOfDate": "2026-06-30"},
    }
    filters = [
        {"$eq": {"lastInvoiceCreatedDate": "currentMonth"}},
        {"$gt": {"totalDue": "5000"}},
        {"$eq": {"id": "10012"}},
    ]
    rows = await api.rows(CUSTOMER, ["id", "lastInvoiceCreatedDate", "totalDue"], *filters, **body)
    everyone = await api.rows(CUSTOMER, ["id", "lastInvoiceCreatedDate", "totalDue"])
    expected = [
        row
        for row in everyone
        if ((row["lastInvoiceCreatedDate"] or "").startswith("2026-06") and float(row["totalDue"] or 0) > 5000)
        or row["id"] == "10012"
    ]
    assert expected == rows
    assert len(expected) > 2


async def test_aggregates_over_a_relation_group_by_the_plain_fields(api: Api) -> None:
    rows = await api.rows(
        TEMPLATE,
        ["emailTemplate.templateType", "count:customer.id", "max:customer.totalDue", "sum:customer.creditLimit"],
        {"$in": {"emailTemplate.templateType": ["arInvoice", "contract"]}},
        orderBy=[{"count:customer.id": "desc"}],
    )
    assert [(row["emailTemplate.templateType"], row["count:customer.id"]) for row in rows] == [
        ("arInvoice", 73),
        ("contract", 67),
    ]
    assert (str, int) == (type(rows[0]["max:customer.totalDue"]), type(rows[0]["sum:customer.creditLimit"]))


async def test_an_aggregate_of_nothing_is_one_row(api: Api) -> None:
    nobody = {"$eq": {"id": "nobody"}}
    fields = ["count:id", "sum:totalDue", "min:creditLimit"]
    assert await api.rows(CUSTOMER, fields, nobody) == [{"count:id": 0, "sum:totalDue": None, "min:creditLimit": None}]
    assert await api.rows(CUSTOMER, ["status", *fields], nobody) == []


async def test_empty_optional_parts_are_tolerated(api: Api) -> None:
    body: dict[str, Any] = {"filters": [], "filterExpression": None, "filterParameters": {}, "orderBy": []}
    answer = await api.query({"object": MESSAGE, "fields": ["key"], **body})
    assert (answer.status_code, answer.json()["ia::meta"]["totalCount"]) == (200, 12)


@pytest.mark.parametrize(
    "body",
    [
        {"object": None},
        {"object": 5},
        {"object": "customer"},
        {"object": "accounts-receivable/invoice"},
        {"object": "company-config/user"},
        {"fields": None},
        {"fields": []},
        {"fields": "key"},
        {"fields": ["key", 5]},
        {"includePrivate": True},
        {"filterParameters": {"start": 1}},
        {"filterParameters": {"includePrivate": "true"}},
        {"filterParameters": {"asOfDate": "1.4.2022"}},
        {"filterParameters": {"asOfDate": "20220401"}},
        {"filterParameters": []},
        {"filterParameters": None},
        {"start": 0},
        {"start": "1"},
        {"start": True},
        {"start": None},
        {"size": 0},
        {"size": 4001},
        {"size": 1.5},
        {"filters": {}},
        {"filters": None},
        {"filterExpression": "1"},
        {"filterExpression": 1},
        {"orderBy": {"id": "asc"}},
        {"orderBy": ["id"]},
        {"orderBy": [{"id": "up"}]},
        {"orderBy": [{"id": "asc", "name": "asc"}]},
        {"orderBy": [{"href": "asc"}]},
        {"fields": ["count:key"], "orderBy": [{"id": "asc"}]},
        {"fields": ["median:creditLimit"]},
        {"fields": ["sum:name"]},
        {"fields": ["sum:key"]},
        {"fields": ["max:status"]},
        {"fields": ["min:isOnHold"]},
        {"fields": ["count:href"]},
    ],
)  # fmt: skip
async def test_a_query_out_of_order_is_refused(api: Api, body: dict[str, Any]) -> None:
    assert error_of(await api.query({"object": CUSTOMER, "fields": ["key"]} | body)) == REFUSED


@pytest.mark.parametrize(
    "condition",
    [
        {"eq": {"status": "active"}},
        {"$like": {"name": "A%"}},
        {"$eq": {}},
        {"$eq": {"status": "active", "id": "1"}},
        {"$eq": "active"},
        {"$eq": {"status": "active"}, "$ne": {"id": "1"}},
        {"field": "status", "operator": "$eq", "value": "active"},
        {},
        "status",
        {"$eq": {"href": "/x"}},
        {"$eq": {"id": 10001}},
        {"$eq": {"totalDue": "lots"}},
        {"$eq": {"totalDue": "1e3"}},
        {"$eq": {"totalDue": True}},
        {"$eq": {"isOnHold": "true"}},
        {"$lt": {"isOnHold": True}},
        {"$between": {"isOnHold": [False, True]}},
        {"$gt": {"totalDue": None}},
        {"$in": {"id": []}},
        {"$in": {"id": "10001"}},
        {"$notIn": {"id": ["10001", None]}},
        {"$between": {"id": ["1"]}},
        {"$between": {"id": ["1", "2", "3"]}},
        {"$contains": {"totalDue": "9"}},
        {"$startsWith": {"lastInvoiceCreatedDate": "2026"}},
        {"$endsWith": {"key": "1"}},
        {"$contains": {"name": 5}},
        {"$eq": {"lastInvoiceCreatedDate": "nextYear"}},
        {"$eq": {"lastInvoiceCreatedDate": "2026-02-30"}},
        {"$eq": {"lastInvoiceCreatedDate": "2026-06-30T00:00:00Z"}},
        {"$eq": {"audit.createdDateTime": "2026-06-30T00:00:00"}},
        {"$has": {"name": ["x"]}},
    ],
)
async def test_a_condition_out_of_order_is_refused(api: Api, condition: object) -> None:
    body = {"object": CUSTOMER, "fields": ["key"], "filters": [condition]}
    assert error_of(await api.query(body)) == REFUSED


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({"fields": ["key", "colour", "customer.id"]}, ["colour", "customer.id"]),
        ({"fields": ["*"]}, ["*"]),
        ({"fields": ["customerMessage"]}, ["customerMessage"]),
        ({"fields": ["audit"]}, ["audit"]),
        ({"fields": ["nsp::colour"]}, ["nsp::colour"]),
        ({"fields": ["sum:colour"]}, ["colour"]),
        ({"fields": ["customerEmailTemplates.id"]}, ["customerEmailTemplates.id"]),
        ({"fields": ["contacts.default.email1"]}, ["contacts.default.email1"]),
        ({"filters": [{"$eq": {"contacts.default.email1": "a@b.example"}}]}, ["contacts.default.email1"]),
        ({"filters": [{"$eq": {"department.id": "1"}}]}, ["department.id"]),
        ({"orderBy": [{"lastPaymentMadeDate": "desc"}]}, ["lastPaymentMadeDate"]),
    ],
)
async def test_an_unknown_or_deprecated_field_is_named(api: Api, body: dict[str, Any], fields: list[str]) -> None:
    assert unknown(*fields) == error_of(await api.query({"object": CUSTOMER, "fields": ["key"]} | body))


async def test_query_errors_come_with_200_where_so_set() -> None:
    async with opened(settings={"query_errors_as_200": True}) as api:
        refused = await api.query({"object": CUSTOMER, "fields": ["colour"]})
        xml = await api.http.post("/services/core/query", content=b"<q/>", headers={"Content-Type": "text/xml"})
        write = await api.send("POST", MESSAGE, {})
    assert (200, *unknown("colour")[1:]) == error_of(refused)
    assert [xml.status_code, write.status_code] == [400, 400]


@pytest.mark.parametrize("key", ["filters", "filterParameters", "orderBy", "start", "size", "filterExpression"])
async def test_the_lenient_emulator_takes_null_for_what_may_be_left_out(key: str) -> None:
    async with opened(lenient=True) as api:
        assert (await api.query({"object": EMAIL_TEMPLATE, "fields": ["key"], key: None})).status_code == 200
        assert error_of(await api.query({"object": EMAIL_TEMPLATE, "fields": None})) == REFUSED


async def test_an_array_of_queries_and_an_empty_one_are_refused(api: Api) -> None:
    array = await api.http.post("/services/core/query", json=[{"object": MESSAGE, "fields": ["key"]}])
    empty = await api.http.post("/services/core/query")
    assert [error_of(array), error_of(empty)] == [REFUSED, (400, "invalidRequest", "REST-1028", [])]
