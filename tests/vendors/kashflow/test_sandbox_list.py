from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from adapters.sandbox_company import company_customers
from tests.vendors.kashflow.emulator import HOST, Api, opened, refusal

SUMMARY = {
    "Id", "Code", "Name", "TotalPaidAmount", "OutstandingBalance", "IsSchedule", "SourceName", "DefaultNominalCode",
    "IsArchived", "VATNumber", "TradeBorderType", "IsCISReverseCharge", "ApplyWithholdingTax", "CustomerKey",
    "Contacts", "Addresses", "Currency",
}  # fmt: skip
EVERYONE = {"perpage": 500, "skipperpagevalidation": "true"}
SHARED_CODES = [customer.code for customer in company_customers()]


async def rows(api: Api, **parameters: object) -> list[dict[str, Any]]:
    """Every customer that the filters leave."""
    found: list[dict[str, Any]] = (await api.get("/customers", **EVERYONE, **parameters))["Data"]
    return found


async def test_list_has_the_whole_sample_company_by_code(api: Api) -> None:
    assert await api.codes(**EVERYONE) == SHARED_CODES


async def test_archived_customers_are_listed_only_on_request(api: Api) -> None:
    listed = await rows(api, filterarchived="true")
    assert [row["Code"] for row in listed if row["IsArchived"]] == ["ARC01", "ARC02", "ARC03"]
    assert len(listed) == 243


async def test_rows_are_summaries(api: Api) -> None:
    first, *_ = await rows(api)
    whole = await api.get(f"/customers/{first['Code']}")
    assert first.keys() == SUMMARY
    assert {name: whole[name] for name in first} == first


async def test_customers_carry_the_sample_companys_data(api: Api) -> None:
    expected = [(c.name, float(c.balance), c.currency, *c.emails) for c in company_customers()]
    found = [
        (
            row["Name"],
            row["OutstandingBalance"],
            row["Currency"]["Code"],
            *(contact["Email"] for contact in row["Contacts"] if contact["Email"]),
        )
        for row in await rows(api)
    ]
    assert expected == found


async def test_page_is_fifty_rows_unless_told_otherwise(api: Api) -> None:
    assert SHARED_CODES[:50] == await api.codes()
    assert SHARED_CODES[50:100] == await api.codes(page=2)


async def test_following_the_links_visits_every_customer_once(api: Api) -> None:
    seen = []
    url: str | None = "/customers?perpage=7&sortby=TotalPaidAmount&order=desc"
    while url is not None:
        page = (await api.client.get(url)).json()
        seen += [row["Code"] for row in page["Data"]]
        url = page["MetaData"]["NextPageUrl"]
    assert sorted(seen) == SHARED_CODES


async def test_links_are_absolute_and_keep_the_other_parameters(api: Api) -> None:
    metadata = (await api.get("/customers", page=2, perpage=10, searchtext="a&b= é", order="Desc"))["MetaData"]
    empty = {"TotalRecords": 0, "TotalAmount": 0, "InvoiceLimitReached": False, "NextPageUrl": None}
    assert empty == {name: metadata[name] for name in empty}
    link = urlsplit(metadata["FirstPageUrl"])
    assert f"{HOST}/v2/customers" == f"{link.scheme}://{link.netloc}{link.path}"
    kept = [("page", "1"), ("perpage", "10"), ("searchtext", "a&b= é"), ("order", "Desc")]
    assert kept == parse_qsl(link.query)


@pytest.mark.parametrize(
    ("page", "previous", "following"), [(1, None, 2), (2, 1, 3), (3, 2, None), (4, 3, None), (9, 3, None)]
)
async def test_links_lead_to_the_neighbours(api: Api, page: int, previous: int | None, following: int | None) -> None:
    metadata = (await api.get("/customers", page=page, perpage=100))["MetaData"]

    def link(number: int | None) -> str | None:
        return None if number is None else f"{HOST}/v2/customers?page={number}&perpage=100"

    expected = {
        "TotalRecords": 240,
        "FirstPageUrl": link(1),
        "LastPageUrl": link(3),
        "PreviousPageUrl": link(previous),
        "NextPageUrl": link(following),
        "TotalAmount": 0,
        "InvoiceLimitReached": False,
    }
    assert expected == metadata


async def test_page_past_the_last_is_empty(api: Api) -> None:
    assert await api.codes(page=6) == []


async def test_perpage_above_a_hundred_needs_skipperpagevalidation(api: Api) -> None:
    assert refusal(await api.client.get("/customers?perpage=101")) == (400, "InvalidRequest")
    assert len(await api.codes(perpage=101, skipperpagevalidation="True")) == 101


@pytest.mark.parametrize(
    ("sortby", "field"),
    [
        (0, "Name"),
        (1, "Code"),
        (3, "TotalPaidAmount"),
        (4, "OutstandingBalance"),
        ("Name", "Name"),
        ("outstandingbalance", "OutstandingBalance"),
    ],
)
@pytest.mark.parametrize("order", ["Asc", "desc"])
async def test_sortby_takes_a_number_or_a_name_and_ties_go_by_code(
    api: Api, sortby: object, field: str, order: str
) -> None:
    def key(row: dict[str, Any]) -> Any:
        return row[field].lower() if isinstance(row[field], str) else row[field]

    unpaid = next(row["Code"] for row in await rows(api) if row["OutstandingBalance"] == row["TotalPaidAmount"] == 0)
    await api.client.put(f"/customers/{unpaid}", json={"Code": "99999"})
    by_code = sorted(await rows(api), key=lambda row: row["Code"])
    expected = sorted(by_code, key=key, reverse=order == "desc")
    assert [row["Code"] for row in expected] == [row["Code"] for row in await rows(api, sortby=sortby, order=order)]


async def test_namestartswith_is_a_prefix_of_the_name_in_any_case(api: Api) -> None:
    expected = [c.code for c in company_customers() if c.name.startswith("Harbour")]
    assert expected
    assert expected == await api.codes(namestartswith="hARBOUR")


async def test_filters_are_literal_text(api: Api) -> None:
    assert await api.codes(namestartswith="%") == []
    assert await api.codes(searchtext="_____") == []


@pytest.mark.parametrize(("text", "wanted"), [("10042", "code"), ("BAKERY ", "name"), ("office@", "emails")])
async def test_searchtext_looks_into_code_name_and_addresses(api: Api, text: str, wanted: str) -> None:
    expected = [c.code for c in company_customers() if text.lower() in str(getattr(c, wanted)).lower()]
    assert expected
    assert expected == await api.codes(searchtext=text, **EVERYONE)


@pytest.mark.parametrize("form", ["{:%Y%m%d}", "{:%Y-%m-%d}"])
async def test_creation_dates_are_inclusive(api: Api, form: str) -> None:
    first, last = sorted(customer.since for customer in company_customers())[60:120:59]
    expected = [c.code for c in company_customers() if first <= c.since <= last]
    dates = {"startcreationdate": form.format(first), "endcreationdate": form.format(last)}
    assert expected == await api.codes(**EVERYONE, **dates)


@pytest.mark.parametrize(
    "query",
    [
        "page=0", "page=-1", "page=x", "page=", "perpage=0", "perpage=1e1", "perpage=%D9%A1", "page=1&page=2",
        "sortby=2", "sortby=5", "sortby=Id", "order=up", "filterarchived=1", "skipperpagevalidation=yes",
        "startcreationdate=20261301", "endcreationdate=soon", "startcreationdate=", "Page=1", "limit=5",
        "page=9999999999",
    ],
)  # fmt: skip
async def test_malformed_and_unknown_parameters_are_refused(api: Api, query: str) -> None:
    assert refusal(await api.client.get(f"/customers?{query}")) == (400, "InvalidRequest")


async def test_lenient_takes_parameters_in_any_case_and_passes_over_others(lenient: Api) -> None:
    assert len(await lenient.codes(PerPage=240, limit=5)) == 240


async def test_dates_have_a_space_and_one_customer_an_offset(api: Api) -> None:
    plain, offset = await api.get("/customers/10001"), await api.get("/customers/10005")
    names = ("CreatedDate", "LastUpdatedDate")
    assert [len(plain[name]) for name in names] == [19, 19]
    assert [offset[name][19:] for name in names] == [" +05:30", " +05:30"]


async def test_never_is_the_first_day_of_1900(api: Api) -> None:
    customers = [await api.get(f"/customers/{code}") for code in SHARED_CODES[:40]]
    none = [c for c in customers if c["InvoiceCount"] == 0]
    assert none
    assert {("1900-01-01 12:00:00", "1900-01-01 12:00:00")} == {
        (c["FirstInvoiceDate"], c["LastInvoiceDate"]) for c in none
    }


async def test_totals_agree(api: Api) -> None:
    for code in SHARED_CODES[:40]:
        customer = await api.get(f"/customers/{code}")
        invoiced = customer["InvoicedNetAmount"] + customer["InvoicedVATAmount"]
        assert round(customer["TotalPaidAmount"] + customer["OutstandingBalance"], 2) == round(invoiced, 2)


async def test_missing_customer_is_not_found(api: Api) -> None:
    for path in ("/customers/NOPE", "/customers/NOPE/notes", "/customers/search"):
        assert refusal(await api.client.get(path)) == (404, "CustomerNotFound")


async def test_words_of_a_path_are_taken_in_any_case_and_codes_exactly(api: Api) -> None:
    assert (await api.client.get("/Customers/ARC01/Notes")).status_code == 200
    assert refusal(await api.client.get("/customers/arc01")) == (404, "CustomerNotFound")


async def test_seed_is_the_same_every_time(api: Api) -> None:
    async with opened() as other:
        assert await rows(api, filterarchived="true") == await rows(other, filterarchived="true")
        assert await api.get("/reports/emaillog") == await other.get("/reports/emaillog")
