"""What the emulator is filled with: the sample company."""

import io
from collections import Counter
from datetime import date, timedelta
from typing import Any

from pypdf import PdfReader

from adapters.sandbox_company import COMPANY_TODAY, company_customers
from tests.vendors.smallinvoice.emulator import Api, opened


async def clients(api: Api) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await api.ask("client/list/sort/number/sorttype/asc"))["items"]
    return found


async def letters(api: Api) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await api.ask("letter/list"))["items"]
    return found


async def test_every_customer_is_a_client_under_its_shared_code(company: Api) -> None:
    seen = [
        (str(c["number"]), c["name"], c["email"], c["street"], c["streetno"], c["code"], c["city"], c["country"])
        for c in await clients(company)
    ]
    assert seen == [
        (c.code, c.name, next(iter(c.emails), ""), c.street, c.house, c.postcode, c.city, c.country)
        for c in company_customers()
    ]


async def test_no_id_is_a_client_number(company: Api) -> None:
    found = await clients(company)
    assert {c["id"] for c in found} & {c["number"] for c in found} == set()
    assert len({c["id"] for c in found}) == 240


async def test_each_client_has_one_address_and_some_a_contact(company: Api) -> None:
    found = await clients(company)
    assert Counter(len(c["addresses"]) for c in found) == {1: 240}
    assert all(c["main_address_id"] == c["addresses"][0]["id"] for c in found)
    assert all(c["main_contact_id"] == next((x["id"] for x in c["contacts"]), 0) for c in found)
    assert 60 < sum(len(c["contacts"]) for c in found) < 120


async def test_letters_are_four_a_client_over_two_years_in_both_states(company: Api) -> None:
    found = await letters(company)
    days = [date.fromisoformat(letter["date"]) for letter in found]
    counts = Counter(letter["client_id"] for letter in found)
    assert len(found) == 960
    assert (min(days) >= COMPANY_TODAY - timedelta(days=730), max(days) <= COMPANY_TODAY) == (True, True)
    assert max(days) - min(days) > timedelta(days=700)
    assert {letter["status"] for letter in found} == {1, 7}
    assert {letter["pages"] for letter in found} == {1, 2}
    assert (max(counts.values()), len(counts) > 200) == (8, True)


async def test_each_letter_points_to_its_clients_address_and_contact(company: Api) -> None:
    by_id = {c["id"]: c for c in await clients(company)}
    since = {int(customer.code): customer.since.isoformat() for customer in company_customers()}
    found = await letters(company)
    assert {letter["client_contact_id"] for letter in found} > {0}
    for letter in found:
        client = by_id[letter["client_id"]]
        assert letter["client_address_id"] == client["main_address_id"]
        assert letter["client_contact_id"] in {0, client["main_contact_id"]}
        assert letter["date"] >= since[client["number"]]


async def test_ids_follow_the_order_of_writing_and_not_quite_the_dates(company: Api) -> None:
    by_id = sorted(await letters(company), key=lambda letter: letter["id"])
    days = [date.fromisoformat(letter["date"]) for letter in by_id]
    assert days != sorted(days)
    assert max(max(days[: n + 1]) - day for n, day in enumerate(days)) <= timedelta(days=5)


async def test_following_pages_visits_each_letter_once(company: Api) -> None:
    whole = [letter["id"] for letter in await letters(company)]
    pages = (await company.ask("letter/list/limit/100"))["pages"]
    parts = [(await company.ask(f"letter/list/limit/100/page/{page}"))["items"] for page in range(1, pages + 1)]
    assert [letter["id"] for part in parts for letter in part] == whole


async def test_a_letter_of_two_pages_shows_both(company: Api) -> None:
    letter_id = (await company.ask("letter/list/limit/1/filter/pages:2"))["items"][0]["id"]
    pdf = PdfReader(io.BytesIO((await company.send(f"letter/pdf/id/{letter_id}")).content))
    one, two = [(await company.send(f"letter/preview/id/{letter_id}/page/{page}/size/1240")).content for page in (1, 2)]
    assert (len(pdf.pages), one == two) == (2, False)
    assert await company.code(f"letter/preview/id/{letter_id}/page/3") == 90006


async def test_the_company_is_the_same_each_time(company: Api) -> None:
    async with opened(seed="company") as again:
        assert (await clients(again), await letters(again)) == (await clients(company), await letters(company))
