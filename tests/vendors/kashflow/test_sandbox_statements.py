from datetime import date
from typing import Any

import pytest

from adapters.kashflow.sandbox_statements import three_months_before
from adapters.sandbox_company import company_customers
from tests.vendors.kashflow.emulator import Api, opened, refusal

MARKED = "Marked to send"
NO_CODE, NO_ADDRESS = "Invalid customer code", "Invalid customer email address"
NOTHING = {"emails": 0, "letters": 0, "records": 0}
FIRST = "accounts@{}.example"


def row(code: str, message: str) -> dict[str, object]:
    return {"CustomerCode": code, "Sent": message == MARKED, "Message": message}


async def sent_detail(api: Api, query: str) -> dict[str, Any]:
    """What the outbox says of one statement."""
    assert (await api.send(["10001"], query)).status_code == 200
    return api.sandbox.state.outbox[-1].detail


async def test_each_code_has_its_row_in_order_and_one_does_not_hold_up_another(api: Api) -> None:
    codes = ["10003", "NOPE", "10016", "10020", "", "10001"]
    answer = await api.send(codes)
    messages = [MARKED, NO_CODE, NO_ADDRESS, NO_ADDRESS, NO_CODE, MARKED]
    expected = [row(code, message) for code, message in zip(codes, messages, strict=True)]
    assert (200, expected) == (answer.status_code, answer.json())
    assert [mailing.record for mailing in api.sandbox.state.outbox] == ["10003", "10001"]


async def test_every_customer_is_marked_or_not_by_its_address(api: Api) -> None:
    customers = company_customers()
    for start in range(0, len(customers), 35):
        batch = customers[start : start + 35]
        expected = [row(c.code, MARKED if c.emails and not c.email_is_broken else NO_ADDRESS) for c in batch]
        assert expected == (await api.send([c.code for c in batch])).json()


async def test_a_code_given_twice_is_sent_twice(api: Api) -> None:
    assert [row("10001", MARKED)] * 2 == (await api.send(["10001", "10001"])).json()
    assert api.effects == {"emails": 2, "letters": 0, "records": 2}


async def test_archived_customers_are_sent_to(api: Api) -> None:
    await api.client.put("/customers/10001", json={"IsArchived": True})
    assert [row("10001", MARKED)] == (await api.send(["10001"])).json()


async def test_thirty_five_is_the_most(api: Api) -> None:
    codes = [customer.code for customer in company_customers()]
    assert refusal(await api.send(codes[:36])) == (400, "TooManyCustomers")
    assert api.effects == NOTHING
    assert len((await api.send(codes[:35])).json()) == 35


@pytest.mark.parametrize("body", [[], {}, "10001", [10001], ["10001", None], [["10001"]]])
async def test_a_body_other_than_a_list_of_codes_is_refused(api: Api, body: object) -> None:
    assert refusal(await api.send(body)) == (400, "InvalidRequest")
    assert api.effects == NOTHING


@pytest.mark.parametrize(
    "query",
    [
        "startdate=20260101", "enddate=20260101", "startdate=20260102&enddate=20260101", "startdate=&enddate=",
        "startdate=2026-01-01&enddate=2026-02-01", "startdate=20260230&enddate=20260301",
        "startdate=202601&enddate=20260301", "startdate=2026W011&enddate=20260301", "excludepaidinvoices=true",
        "excludepaidinvoices=2", "excludeOpeningBalance=x", "startDate=20260101&enddate=20260101", "filterBy=all",
        "startdate=20260101&startdate=20260101&enddate=20260201", "filterby=all&startdate=bad&enddate=20260301",
    ],
)  # fmt: skip
async def test_malformed_parameters_are_refused_and_nothing_is_sent(api: Api, query: str) -> None:
    assert refusal(await api.send(["10001"], f"?{query}")) == (400, "InvalidRequest")
    assert api.effects == NOTHING
    assert api.sandbox.state.outbox == []


async def test_unknown_parameters_are_passed_over_when_lenient(lenient: Api) -> None:
    answer = await lenient.send(["10001"], "?startDate=20260101&endDate=20260201&filterBy=All&x=1")
    assert [row("10001", MARKED)] == answer.json()


@pytest.mark.parametrize(
    ("query", "period"),
    [
        ("", ("20260401", "20260701")),
        ("?startdate=20260101&enddate=20260131", ("20260101", "20260131")),
        ("?startdate=20260101&enddate=20260101", ("20260101", "20260101")),
        ("?filterby=all", (None, None)),
        ("?filterby=All&startdate=20260101&enddate=20260131", (None, None)),
        ("?filterby=unpaid&startdate=20260101&enddate=20260131", ("20260101", "20260131")),
    ],
)
async def test_statement_covers_the_dates_or_three_months_or_all(
    api: Api, query: str, period: tuple[str | None, str | None]
) -> None:
    detail = await sent_detail(api, query)
    assert period == (detail["startdate"], detail["enddate"])


@pytest.mark.parametrize(
    ("today", "start"),
    [
        (date(2026, 5, 31), "20260228"),
        (date(2026, 7, 31), "20260430"),
        (date(2026, 3, 31), "20251231"),
        (date(2026, 1, 15), "20251015"),
    ],
)
def test_three_months_before_is_the_same_day_or_that_months_last(today: date, start: str) -> None:
    assert f"{three_months_before(today):%Y%m%d}" == start


@pytest.mark.parametrize("name", ["excludepaidinvoices", "excludeOpeningBalance"])
@pytest.mark.parametrize(("query", "expected"), [("", False), ("?{}=0", False), ("?{}=1", True)])
async def test_exclusions_are_off_unless_1(api: Api, name: str, query: str, expected: bool) -> None:
    assert expected == (await sent_detail(api, query.format(name)))[name]


async def test_a_success_is_one_mail_one_note_and_a_log_row_for_each_address(api: Api) -> None:
    everyone = company_customers()
    shared = next(c for c in everyone if len(c.emails) == 2 and c.index % 2 and not c.email_is_broken)
    before = await api.get(f"/customers/{shared.code}/notes")
    await api.send([shared.code])
    assert api.effects == {"emails": 1, "letters": 0, "records": 1}
    mailing = api.sandbox.state.outbox[0]
    assert (shared.emails, shared.code) == (mailing.recipients, mailing.record)
    (note,) = (await api.get(f"/customers/{shared.code}/notes"))[len(before) :]
    assert (note["Date"], note["LastModifiedBy"]) == ("2026-07-01 09:00:00", "Sandbox User")
    logged = (await api.get("/reports/emaillog", fromDate="2026-07-01"))["Data"]
    assert sorted(shared.emails) == sorted(entry["RecipientEmailId"] for entry in logged)


async def test_only_contacts_who_receive_emails_get_it_beside_the_primary(api: Api) -> None:
    contacts = [
        {"Email": "first@x.example"},
        {"Email": "main@x.example", "IsPrimary": True},
        {"Email": "also@x.example", "ReceiveEmails": True},
        {"Email": "broken", "ReceiveEmails": True},
        {"Email": "main@x.example", "ReceiveEmails": True},
    ]
    await api.client.put("/customers/10001", json={"Contacts": contacts})
    await api.send(["10001"])
    assert api.sandbox.state.outbox[0].recipients == ("main@x.example", "also@x.example")


async def test_without_a_primary_the_first_contact_decides(api: Api) -> None:
    contacts = [{"Email": "first@x.example"}, {"Email": "second@x.example"}]
    await api.client.put("/customers/10001", json={"Contacts": contacts})
    await api.client.put("/customers/10002", json={"Contacts": [{"Email": ""}, {"Email": "second@x.example"}]})
    await api.client.put("/customers/10003", json={"Contacts": []})
    answer = await api.send(["10001", "10002", "10003"])
    assert [found["Message"] for found in answer.json()] == [MARKED, NO_ADDRESS, NO_ADDRESS]
    assert api.sandbox.state.outbox[0].recipients == ("first@x.example",)


@pytest.mark.parametrize(
    "address", ["a", "a@b", "@b.example", "a@b.example, c@d.example", "a b@c.example", "a@.example"]
)
async def test_broken_addresses_are_not_sent_to(api: Api, address: str) -> None:
    await api.client.put("/customers/10001", json={"Contacts": [{"IsPrimary": True, "Email": address}]})
    assert [row("10001", NO_ADDRESS)] == (await api.send(["10001"])).json()
    assert api.effects["records"] == 1


async def test_statement_goes_out_with_the_customers_own_template(api: Api) -> None:
    await api.client.put("/customers/10001", json={"EmailTemplateNumber": 3})
    await api.client.put("/customers/10002", json={"EmailTemplateNumber": 99})
    owed = (await api.get("/customers/10001"))["OutstandingBalance"]
    await api.send(["10001", "10002"])
    expected = [f"Overdue: {owed:.2f} on account 10001", "Statement of account 10002"]
    assert expected == [mailing.subject for mailing in api.sandbox.state.outbox]


async def test_customer_codes_can_come_padded() -> None:
    async with opened(settings={"padded_codes": True}) as api:
        answer = await api.send(["10001", "NOPE"])
    assert [found["CustomerCode"] for found in answer.json()] == ["10001     ", "NOPE      "]


async def test_marked_mail_is_queued_until_its_time_then_sent_or_failed() -> None:
    failing = company_customers()[1].emails[0]
    settings = {"email_delay_seconds": 90, "failing_recipients": [failing]}
    async with opened(settings=settings) as api:
        assert [row("10001", MARKED), row("10002", MARKED)] == (await api.send(["10001", "10002"])).json()

        async def log() -> list[tuple[str, str, str | None]]:
            found = await api.get("/reports/emaillog", fromDate="20260701", sortby="RecipientEmailId", order="Desc")
            return [(entry["Status"], entry["SentTimestamp"], entry["ErrorMessage"]) for entry in found["Data"]]

        never = "1900-01-01 12:00:00"
        assert [("Queued", never, None), ("Queued", never, None)] == await log()
        api.clock.pass_by(seconds=90)
        refused = "The recipient's mail server refused the message"
        assert {("Sent", "2026-07-01 09:01:30", None), ("Failed", never, refused)} == set(await log())
        assert api.effects == {"emails": 1, "letters": 0, "records": 2}


async def test_email_log_row_has_the_documented_fields(api: Api) -> None:
    await api.send(["10001"])
    (entry,) = (await api.get("/reports/emaillog", fromDate="20260701"))["Data"]
    expected = {
        "Status": "Sent",
        "Subject": "Statement of account 10001",
        "FromName": "Northgate Supplies",
        "FromEmailId": "accounts@northgate-supplies.example",
        "CreatedTimestamp": "2026-07-01 09:00:00",
        "SentTimestamp": "2026-07-01 09:00:00",
        "RecipientEmailId": company_customers()[0].emails[0],
        "RecipientType": "To",
        "UsesCustomSmtp": False,
        "ErrorMessage": None,
    }
    assert expected == entry


async def everything_logged(api: Api, **parameters: object) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    page = 1
    while (
        len(found)
        < (answer := await api.get("/reports/emaillog", page=page, perpage=100, **parameters))["MetaData"][
            "TotalRecords"
        ]
    ):
        found += answer["Data"]
        page += 1
    return found


async def test_email_log_is_newest_first_ten_a_page_a_hundred_at_most(api: Api) -> None:
    logged = await everything_logged(api)
    stamps = [entry["CreatedTimestamp"] for entry in logged]
    assert sorted(stamps, reverse=True) == stamps
    assert logged[10:20] == (await api.get("/reports/emaillog", page=2))["Data"]
    assert {"Sent", "Failed"} == {entry["Status"] for entry in logged}
    assert refusal(await api.client.get("/reports/emaillog?perpage=101")) == (400, "InvalidRequest")


async def test_email_log_has_mails_of_one_moment_in_the_order_they_were_sent(api: Api) -> None:
    codes = ["10001", "10003", "10002"]
    await api.send(codes)
    for order, expected in (("asc", codes), ("desc", codes[::-1])):
        found = await api.get("/reports/emaillog", fromDate="20260701", order=order)
        assert [entry["Subject"].rpartition(" ")[2] for entry in found["Data"]] == expected


@pytest.mark.parametrize("field", ["CreatedTimestamp", "Status", "Subject", "RecipientEmailId"])
async def test_email_log_sorts_by_name_in_both_orders(api: Api, field: str) -> None:
    for order in ("asc", "desc"):
        values = [entry[field] for entry in await everything_logged(api, sortby=field, order=order)]
        assert sorted(values, reverse=order == "desc") == values


async def test_email_log_filters(api: Api) -> None:
    logged = await everything_logged(api)
    address, subject, day = (logged[5][name] for name in ("RecipientEmailId", "Subject", "CreatedTimestamp"))
    for parameters, name, value in (
        ({"email": address.upper()}, "RecipientEmailId", address),
        ({"subject": subject.lower()}, "Subject", subject),
        ({"fromDate": day, "toDate": day}, "CreatedTimestamp", day),
    ):
        expected = [entry for entry in logged if entry[name] == value]
        assert expected == await everything_logged(api, **parameters)
    late = [entry for entry in logged if entry["CreatedTimestamp"] >= "2026-01-01"]
    assert late == await everything_logged(api, fromDate="2026-01-01", toDate="20260630")


@pytest.mark.parametrize("query", ["sortby=0", "fromDate=x", "fromdate=20260101", "skipperpagevalidation=true"])
async def test_email_log_refuses_what_is_not_documented(api: Api, query: str) -> None:
    assert refusal(await api.client.get(f"/reports/emaillog?{query}")) == (400, "InvalidRequest")


async def test_history_has_a_note_for_each_statement_in_the_log(api: Api) -> None:
    code = next(c.code for c in company_customers() if len(c.emails) == 1 and (int(c.code) - 10001 + 41001) % 3 == 0)
    (email,) = next(c.emails for c in company_customers() if c.code == code)
    logged = [entry["CreatedTimestamp"] for entry in await everything_logged(api, email=email, order="asc")]
    assert len(logged) == 4
    assert logged == [note["Date"] for note in await api.get(f"/customers/{code}/notes")]


async def test_templates_are_read_by_number(api: Api) -> None:
    templates = await api.get("/emailtemplates")
    assert [template["Number"] for template in templates] == [1, 2, 3]
    assert templates[2] == await api.get("/emailtemplates/3")
    assert templates[1] == await api.get("/emailtemplates/defaultStatementTemplate")
    for number in ("4", "x", "01"):
        assert refusal(await api.client.get(f"/emailtemplates/{number}")) == (404, "EmailTemplateNotFound")
