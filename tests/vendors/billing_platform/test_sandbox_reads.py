"""The emulator's reads: every filter against a plain model of its rule, paging, expansions, contacts, PDFs."""

from collections.abc import AsyncIterator, Callable, Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest

from adapters.sandbox_company import company_customers
from adapters.sandboxing import Sandbox
from tests.vendors.billing_platform.emulator import NOW, built, client, error_code, pdf_text, refusal

Letter = dict[str, Any]


@pytest.fixture(scope="module")
def company() -> Iterator[Sandbox]:
    sandbox = built()
    yield sandbox
    sandbox.close()


@pytest.fixture
async def api(company: Sandbox) -> AsyncIterator[httpx.AsyncClient]:
    async with client(company) as api:
        yield api


async def listed(api: httpx.AsyncClient, path: str) -> list[dict[str, Any]]:
    records: list[dict[str, Any]] = (await api.get(path)).json()
    return records


def is_delivered(letter: Letter) -> bool:
    return bool(set(letter["status"]) & {"Emailed", "Downloaded", "Printed", "Delivered"})


CORRESPONDENCE_RULES: list[tuple[str, Callable[[Letter], bool]]] = [
    ("correspondenceType=Final Notice", lambda letter: letter["correspondenceType"] == "Final Notice"),
    ("correspondenceType=final notice", lambda _: False),
    ("delivered=true", is_delivered),
    ("undelivered=true", lambda letter: not is_delivered(letter)),
    ("delivered=true&undelivered=true", lambda _: False),
    ("minDate=2026-06-24", lambda letter: letter["correspondenceDate"] >= "2026-06-24"),
    ("maxDate=2019-06-30", lambda letter: letter["correspondenceDate"] <= "2019-06-30"),
    ("minDate=2026-06-24&maxDate=2026-06-24", lambda letter: letter["correspondenceDate"] == "2026-06-24"),
    ("minDate=2026-06-25&maxDate=2026-06-24", lambda _: False),
    ("idAfter=21000", lambda letter: int(letter["id"]) > 21000),
    ("idAfter=0&delivered", is_delivered),
    (
        "correspondenceType=Welcome&undelivered=1&minDate=2024-01-01",
        lambda letter: (
            letter["correspondenceType"] == "Welcome"
            and not is_delivered(letter)
            and letter["correspondenceDate"] >= "2024-01-01"
        ),
    ),
]


@pytest.mark.parametrize(("query", "rule"), CORRESPONDENCE_RULES)
async def test_a_filtered_list_is_the_whole_list_filtered(
    api: httpx.AsyncClient, query: str, rule: Callable[[Letter], bool]
) -> None:
    everything = await listed(api, "/correspondence/")
    assert [letter for letter in everything if rule(letter)] == await listed(api, "/correspondence/?" + query)


@pytest.mark.parametrize(("query", "rule"), CORRESPONDENCE_RULES)
async def test_a_customers_list_takes_the_same_filters(
    api: httpx.AsyncClient, query: str, rule: Callable[[Letter], bool]
) -> None:
    everything = await listed(api, "/correspondence/")
    expected = [letter for letter in everything if letter["customerID"] == "503" and rule(letter)]
    assert expected == await listed(api, "/customers/503/correspondence/?" + query)


@pytest.mark.parametrize("value", ["?delivered", "?delivered=", "?delivered=1", "?delivered=true"])
async def test_a_flag_is_set_by_true_one_or_nothing(api: httpx.AsyncClient, value: str) -> None:
    everything = await listed(api, "/correspondence/")
    assert [letter for letter in everything if is_delivered(letter)] == await listed(api, "/correspondence/" + value)


@pytest.mark.parametrize("value", ["false", "0"])
async def test_a_flag_is_not_set_by_false_or_zero(api: httpx.AsyncClient, value: str) -> None:
    assert await listed(api, "/correspondence/") == await listed(api, f"/correspondence/?delivered={value}")


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/correspondence?delivered=yes", "delivered:"),
        ("/correspondence?minDate=20260101", "minDate:"),
        ("/correspondence?minDate=2026-02-30", "minDate:"),
        ("/correspondence?maxDate=", "maxDate:"),
        ("/correspondence?createdSince=2026-01-01", "createdSince:"),
        ("/correspondence?createdSince=2026-01-01T00:00:00", "createdSince:"),
        ("/correspondence?createdSince=2026-01-01T25:00:00Z", "createdSince:"),
        ("/correspondence?updatedSince=0001-01-01T00:00:00%2B10:00", "updatedSince:"),
        ("/correspondence?idAfter=-1", "idAfter:"),
        ("/correspondence?idAfter=9999999999999999999", "idAfter:"),
        ("/correspondence?delivered=true&delivered=true", "delivered:"),
        ("/customers?crmreference=1", "crmreference:"),
        ("/customers?droppedSince=yesterday", "droppedSince:"),
        ("/customers/501?expandNumbers=many", "expandNumbers:"),
        ("/customers/501?accountNumber=10001", "accountNumber:"),
    ],
)
async def test_a_badly_written_parameter_is_refused_by_name(api: httpx.AsyncClient, path: str, name: str) -> None:
    assert refusal(await api.get(path)) == (400, 400001, name)


async def test_created_since_looks_at_the_record_and_includes_its_moment() -> None:
    sandbox = built()
    body = {"correspondenceType": "Welcome", "correspondenceDate": "2020-01-01"}
    async with client(sandbox) as api:
        added = (await api.post("/customers/501/correspondence/", json=body)).json()
        at_its_moment = await listed(api, "/correspondence/?createdSince=2026-07-01T09:00:00Z")
        elsewhere = await listed(api, "/correspondence/?createdSince=2026-07-01T11:00:00%2B02:00")
        later = await listed(api, "/correspondence/?createdSince=2026-07-01T09:00:00.001Z")
    sandbox.close()
    assert ([added], [added], []) == (at_its_moment, elsewhere, later)


async def test_updated_since_finds_what_was_changed() -> None:
    sandbox = built(clock=lambda: NOW + timedelta(days=1))
    async with client(sandbox) as api:
        changed = (await api.post("/correspondence/20001?action=deliver")).json()
        found = await listed(api, "/correspondence/?updatedSince=2026-07-02T00:00:00Z")
    sandbox.close()
    assert [changed] == found


@pytest.mark.parametrize(
    "path", ["/correspondence", "/customers", "/customerContacts", "/customers/503/correspondence"]
)
@pytest.mark.parametrize("cap", [1, 7])
async def test_capped_pages_visit_every_record_once_by_ascending_id(company: Sandbox, path: str, cap: int) -> None:
    async with client(company) as api:
        # Starting near the end keeps the walk short; the short lists are walked whole.
        start = 0 if path == "/customers/503/correspondence" else (await listed(api, path))[-20]["id"]
        expected = await listed(api, f"{path}?idAfter={start}")
    capped = built(settings={"page_cap": cap})
    visited: list[dict[str, Any]] = []
    async with client(capped) as api:
        while page := await listed(api, f"{path}?idAfter={visited[-1]['id'] if visited else start}"):
            assert len(page) <= cap
            visited += page
    capped.close()
    assert expected == visited
    assert [int(record["id"]) for record in visited] == sorted(int(record["id"]) for record in visited)


# Customers


def codes(rule: Callable[[int], bool]) -> list[str]:
    return [customer.code for customer in company_customers() if rule(customer.index)]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("accountNumber=10003", ["10003"]),
        ("accountNumber=1000", []),
        ("CRMReference=CRM-10003", ["10003"]),
        ("CRMReference=", []),
        ("dropped=true", codes(lambda index: index % 12 == 11)),
        ("active=true", codes(lambda index: index % 12 != 11)),
        ("active=true&dropped=true", []),
        ("accountNumber=10012&active=true", []),
        ("finalBill=true", codes(lambda index: index % 30 == 25)),
        ("excludeFinalBill=true", codes(lambda index: index % 30 != 25)),
        ("reinstatedSince=2000-01-01T00:00:00Z", codes(lambda index: index % 24 == 12)),
        ("droppedSince=2000-01-01T00:00:00Z", codes(lambda index: index % 12 == 11 or index % 24 == 12)),
        ("droppedSince=2026-07-01T00:00:00Z", []),
        ("createdSince=2026-07-01T00:00:00Z", []),
        ("idAfter=738", ["10239", "10240"]),
    ],
)
async def test_customers_are_found_by_each_filter(api: httpx.AsyncClient, query: str, expected: list[str]) -> None:
    assert expected == [customer["accountNumber"] for customer in await listed(api, "/customers?" + query)]


@pytest.mark.parametrize(
    ("query", "keys"),
    [
        ("expandNumbers=true", ["numbers"]),
        ("expandServices=1&serviceActive=true", ["services"]),
        ("expandFeatures&featureActive", ["features"]),
        ("expandNumbers=false", []),
    ],
)
@pytest.mark.parametrize("path", ["/customers/501", "/customers?accountNumber=10001"])
async def test_expanding_adds_the_children_which_the_company_has_none_of(
    api: httpx.AsyncClient, path: str, query: str, keys: list[str]
) -> None:
    plain = (await listed(api, "/customers?accountNumber=10001"))[0]
    answer = (await api.get(f"{path}{'&' if '?' in path else '?'}{query}")).json()
    assert plain | {key: [] for key in keys} == (answer[0] if isinstance(answer, list) else answer)


# Contacts


async def test_a_customers_contacts_are_its_own_and_the_shared_ones_linked_to_it(api: httpx.AsyncClient) -> None:
    own = await listed(api, "/customers/502/customerContacts/")
    shared = await listed(api, "/customers/505/customerContacts/")
    assert [(contact["customerID"], contact["dealerCode"]) for contact in own] == [("502", "")]
    assert [(contact["customerID"], contact["dealerCode"]) for contact in shared] == [(None, "D01")]
    assert own[0] == (await api.get(f"/customerContacts/{own[0]['id']}")).json()


async def test_dealer_code_finds_shared_contacts(api: httpx.AsyncClient) -> None:
    assert [contact["id"] for contact in await listed(api, "/customerContacts?dealerCode=D02")] == ["302"]
    assert await listed(api, "/customerContacts?dealerCode=") == []


# PDFs


@pytest.mark.parametrize("accept", ["application/pdf", "Application/PDF; q=1", "application/pdf, application/json"])
async def test_accept_application_pdf_gets_a_letter_that_shows_the_record(api: httpx.AsyncClient, accept: str) -> None:
    letter = (await api.get("/correspondence/20001")).json()
    customer = (await api.get(f"/customers/{letter['customerID']}")).json()
    answer = await api.get("/correspondence/20001", headers={"Accept": accept})
    text = pdf_text(answer.content)
    expected = {
        letter["correspondenceType"],
        customer["name"],
        f"Reference: {customer['accountNumber']}/{letter['correspondenceNumber']}",
        f"Date: {letter['correspondenceDate']}",
    }
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/pdf")
    assert expected <= set(text.splitlines())


@pytest.mark.parametrize("accept", ["application/json", "*/*", "text/html", "application/json, application/pdf"])
async def test_every_other_accept_gets_json(api: httpx.AsyncClient, accept: str) -> None:
    answer = await api.get("/correspondence/20001", headers={"Accept": accept})
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")


async def test_every_seeded_type_has_a_letter(api: httpx.AsyncClient) -> None:
    ready = {c["correspondenceType"]: c["id"] for c in await listed(api, "/correspondence/") if c["status"]}
    for type_name, letter_id in ready.items():
        pdf = await api.get(f"/correspondence/{letter_id}", headers={"Accept": "application/pdf"})
        assert type_name == pdf_text(pdf.content).splitlines()[0]
    assert len(ready) == 6


async def test_a_letter_that_is_not_ready_has_no_pdf_but_has_its_json(api: httpx.AsyncClient) -> None:
    waiting = next(letter for letter in await listed(api, "/correspondence/") if not letter["status"])
    path = f"/correspondence/{waiting['id']}"
    assert error_code(await api.get(path, headers={"Accept": "application/pdf"})) == (404, 404107)
    assert waiting == (await api.get(path)).json()


async def test_reading_leaves_no_effect(company: Sandbox, api: httpx.AsyncClient) -> None:
    before = (await api.get("/correspondence/20002")).json()
    await api.get("/correspondence/20002", headers={"Accept": "application/pdf"})
    assert before == (await api.get("/correspondence/20002")).json()
    assert company.state.effects == {"emails": 0, "letters": 0, "records": 0}
