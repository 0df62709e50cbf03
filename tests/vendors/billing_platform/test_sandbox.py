"""The emulator's ways in: tokens, paths, methods, settings, databases, real sockets, and what it is filled with."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from adapters.billing_platform.sandbox import READ_ONLY_TOKEN
from adapters.sandbox_company import COMPANY_TODAY, company_customers
from adapters.sandbox_server import SandboxServer
from adapters.sandboxing import Sandbox
from tests.vendors.billing_platform.emulator import built, client, error_code, refusal

UNAUTHORIZED = {"error": "Unauthorized", "error_code": 401001, "hint": "A valid API token is needed"}
TYPES = {"Welcome", "Failed Payment", "Overdue Account", "Suspension Warning", "Final Notice", "Copy Invoices"}


@pytest.fixture(scope="module")
def company() -> Iterator[Sandbox]:
    sandbox = built()
    yield sandbox
    sandbox.close()


async def all_letters(sandbox: Sandbox) -> list[dict[str, Any]]:
    async with client(sandbox) as api:
        letters: list[dict[str, Any]] = (await api.get("/correspondence/")).json()
    return letters


# Tokens


@pytest.mark.parametrize("path", ["/customers/", "/correspondence/20001", "/nothing"])
@pytest.mark.parametrize("header", [None, "Bearer wrong", "Basic sandbox-token", "sandbox-token", "Bearer"])
async def test_a_request_without_a_valid_token_is_unauthorized(company: Sandbox, path: str, header: str | None) -> None:
    async with client(company, token=None) as api:
        answer = await api.get(path, headers={} if header is None else {"Authorization": header})
    assert (answer.status_code, answer.json()) == (401, UNAUTHORIZED)
    assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/customers/501/correspondence/"),
        ("PATCH", "/correspondence/20001"),
        ("DELETE", "/correspondence/20001"),
        ("POST", "/correspondence/20001?action=email"),
    ],
)
async def test_the_read_only_token_cannot_write(company: Sandbox, method: str, path: str) -> None:
    async with client(company, READ_ONLY_TOKEN) as api:
        answer = await api.request(method, path, json={})
    assert error_code(answer) == (403, 403001)
    assert company.state.effects == Counter(emails=0, letters=0, records=0)


async def test_the_read_only_token_reads(company: Sandbox) -> None:
    async with client(company, READ_ONLY_TOKEN) as api:
        assert (await api.get("/customers/501")).status_code == 200


# Paths and methods


@pytest.mark.parametrize(
    "path",
    [
        "/customers",
        "/correspondence",
        "/customerContacts",
        "/customers/501/correspondence",
        "/customers/501/customerContacts",
    ],
)
async def test_a_collection_answers_with_and_without_the_trailing_slash(company: Sandbox, path: str) -> None:
    async with client(company) as api:
        bare, slashed = await api.get(path), await api.get(path + "/")
    assert (200, bare.content) == (bare.status_code, slashed.content)
    assert slashed.headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    "path",
    [
        "/customers/9",
        "/customers/501/",
        "/customers/9/correspondence",
        "/customers/9/customerContacts",
        "/customerContacts/9",
        "/correspondence/9",
        "/correspondence/020001",
        "/correspondence/-1",
        "/correspondence/999999999999999999999999",
        "/correspondence/C001",
        "/correspondence/%E2%91%A0",
        "/nothing",
    ],
)
async def test_what_does_not_exist_is_404001(company: Sandbox, path: str) -> None:
    async with client(company) as api:
        answer = await api.get(path)
    assert error_code(answer) == (404, 404001)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", "/correspondence/20001"),
        ("POST", "/correspondence/"),
        ("POST", "/customers"),
        ("DELETE", "/customers/501"),
    ],
)
async def test_a_method_that_a_path_has_not_is_405001(company: Sandbox, method: str, path: str) -> None:
    async with client(company) as api:
        answer = await api.request(method, path)
    assert error_code(answer) == (405, 405001)
    assert "GET" in answer.headers["allow"]


@pytest.mark.parametrize(
    "path",
    [
        "/customers",
        "/customers/501",
        "/customers/501/correspondence",
        "/customers/501/customerContacts",
        "/customerContacts",
        "/customerContacts/301",
        "/correspondence",
        "/correspondence/20001",
    ],
)
@pytest.mark.parametrize("lenient", [False, True])
async def test_a_parameter_that_an_endpoint_has_not_is_refused_by_name(path: str, lenient: bool) -> None:
    sandbox = built(lenient=lenient)
    async with client(sandbox) as api:
        answer = await api.get(path, params={"limit": 5})
    sandbox.close()
    assert refusal(answer) == (400, 400001, "limit:")


async def test_head_answers_as_get_does(company: Sandbox) -> None:
    async with client(company) as api:
        head, get = await api.head("/customers/501"), await api.get("/customers/501")
    assert (head.status_code, head.headers) == (get.status_code, get.headers)


# Settings and databases


@pytest.mark.parametrize("settings", [{"page_cap": 0}, {"page_cap": "5"}, {"page_cap": True}, {"pagecap": 5}])
def test_a_bad_setting_is_refused_when_building(settings: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="page_cap"):
        built(settings=settings)


async def test_a_file_database_survives_a_restart(tmp_path: Path) -> None:
    file = str(tmp_path / "billing.sqlite")
    before = built(database=file)
    async with client(before) as api:
        await api.delete("/correspondence/20001")
        await api.post("/correspondence/20003?action=deliver")
    expected = await all_letters(before)
    before.close()
    after = built(database=file)
    assert await all_letters(after) == expected
    after.close()


async def test_two_emulators_share_nothing() -> None:
    one, other = built(), built()
    async with client(one) as api:
        await api.delete("/correspondence/20001")
    async with client(other) as api:
        assert (await api.get("/correspondence/20001")).status_code == 200
    assert (one.state.effects["records"], other.state.effects["records"]) == (1, 0)
    one.close()
    other.close()


def test_the_emulator_answers_on_a_real_socket_and_keeps_its_journal() -> None:
    sandbox = built()
    headers = {"Authorization": "Bearer " + sandbox.access.credentials["token"]}
    with SandboxServer({"billing": sandbox}) as server:
        url = server.base_url("billing")
        email = httpx.post(f"{url}/correspondence/20001?action=email", headers=headers)
        pdf = httpx.get(f"{url}/correspondence/20001", headers=headers | {"Accept": "application/pdf"})
        journal = httpx.get(server.url("billing") + "/__sandbox/journal").json()
    assert (email.json()["success"], pdf.content[:5]) == (True, b"%PDF-")
    assert journal["effects"] == {"emails": 1, "letters": 0, "records": 0}
    assert [(entry["method"], entry["query"], entry["status"]) for entry in journal["entries"]] == [
        ("POST", "action=email", 200),
        ("GET", "", 200),
    ]


# The sample company


async def test_every_customer_of_the_sample_company_is_there_under_its_shared_code(company: Sandbox) -> None:
    async with client(company) as api:
        customers = (await api.get("/customers/")).json()
    expected = [(customer.code, customer.name, ",".join(customer.emails)) for customer in company_customers()]
    assert expected == [(c["accountNumber"], c["name"], c["email"]) for c in customers]


async def test_each_customer_has_up_to_twelve_letters_some_1200_in_all(company: Sandbox) -> None:
    letters = await all_letters(company)
    counts = Counter(letter["customerID"] for letter in letters)
    assert 1100 <= len(letters) <= 1300
    assert max(counts.values()) == 12
    assert 0 < 240 - len(counts) < 10
    assert {letter["correspondenceType"] for letter in letters} == TYPES


async def test_every_mix_of_statuses_is_there(company: Sandbox) -> None:
    mixes = {tuple(letter["status"]) for letter in await all_letters(company)}
    assert len(mixes) == 1 + 2**4
    assert all(mix == () or mix[0] == "Ready" for mix in mixes)


async def test_some_two_percent_are_not_ready_and_none_of_the_first_twenty_customers(company: Sandbox) -> None:
    letters = await all_letters(company)
    waiting = [letter for letter in letters if not letter["status"]]
    assert 0.015 <= len(waiting) / len(letters) <= 0.025
    assert min(int(letter["customerID"]) for letter in waiting) > 520
    assert {str(n) for n in range(501, 521)} <= {letter["customerID"] for letter in letters}


async def test_nothing_is_dated_after_the_companys_last_day(company: Sandbox) -> None:
    dates = [letter["correspondenceDate"] for letter in await all_letters(company)]
    assert max(dates) == COMPANY_TODAY.isoformat()


async def test_each_customers_numbers_run_from_c001(company: Sandbox) -> None:
    numbers: dict[str, list[str]] = {}
    for letter in await all_letters(company):
        numbers.setdefault(letter["customerID"], []).append(letter["correspondenceNumber"])
    assert all(sorted(found) == [f"C{n:03d}" for n in range(1, len(found) + 1)] for found in numbers.values())


async def test_the_sample_company_is_the_same_every_time(company: Sandbox) -> None:
    other = built()
    assert await all_letters(other) == await all_letters(company)
    other.close()
