import re
from typing import Any

import httpx
import pytest

from adapters.sandboxing import Fault
from tests.vendors.kashflow.emulator import Api, log_in, opened, refusal, unauthenticated

PASSWORD = {"UserName": "sandbox-user", "Password": "sandbox-password"}
WORD = "sandboxword"


async def step_1(api: Api) -> dict[str, Any]:
    body: dict[str, Any] = (await api.client.post("/sessiontoken", json=PASSWORD)).json()
    return body


def answered(first: dict[str, Any], word: str = WORD) -> dict[str, Any]:
    """The body of step 2: the first answer whole, its letters filled in."""
    letters = [
        {"Position": letter["Position"], "Value": word[letter["Position"] - 1]} for letter in first["MemorableWordList"]
    ]
    return {**first, "MemorableWordList": letters}


async def step_2(api: Api, body: object) -> httpx.Response:
    return await api.client.put("/sessiontoken", json=body)


async def test_step_1_asks_for_three_different_positions_of_the_word(api: Api) -> None:
    positions = [letter["Position"] for letter in (await step_1(api))["MemorableWordList"]]
    assert 3 == len(set(positions) & set(range(1, len(WORD) + 1))) == len(positions)


async def test_step_2_takes_the_whole_first_answer_back(api: Api) -> None:
    assert (await step_2(api, answered(await step_1(api)))).status_code == 200


async def test_step_2_takes_letters_in_any_case_and_order(api: Api) -> None:
    body = answered(await step_1(api), WORD.upper())
    body["MemorableWordList"].reverse()
    assert (await step_2(api, body)).status_code == 200


async def test_session_token_is_a_version_4_uuid_in_upper_case(api: Api) -> None:
    token = api.client.headers["Authorization"].removeprefix("KfToken ")
    assert re.fullmatch(r"[0-9A-F]{8}-[0-9A-F]{4}-4[0-9A-F]{3}-[89AB][0-9A-F]{3}-[0-9A-F]{12}", token)


@pytest.mark.parametrize("word", ["notthewords", "sandboxwor"[::-1] + "x"])
async def test_wrong_letters_are_bad_credentials(api: Api, word: str) -> None:
    assert refusal(await step_2(api, answered(await step_1(api), word))) == (400, "InvalidCredentials")


async def test_two_of_three_letters_are_bad_credentials(api: Api) -> None:
    body = answered(await step_1(api))
    del body["MemorableWordList"][0]
    assert refusal(await step_2(api, body)) == (400, "InvalidCredentials")


async def test_temporary_token_is_good_for_one_login(api: Api) -> None:
    body = answered(await step_1(api))
    assert (await step_2(api, body)).status_code == 200
    assert refusal(await step_2(api, body)) == (400, "InvalidCredentials")


async def test_temporary_token_is_spent_by_a_failed_attempt(api: Api) -> None:
    first = await step_1(api)
    await step_2(api, answered(first, "notthewords"))
    assert refusal(await step_2(api, answered(first))) == (400, "InvalidCredentials")


@pytest.mark.parametrize(("seconds", "status"), [(300, 200), (301, 400)])
async def test_temporary_token_lives_five_minutes(api: Api, seconds: int, status: int) -> None:
    body = answered(await step_1(api))
    api.clock.pass_by(seconds=seconds)
    assert status == (await step_2(api, body)).status_code


@pytest.mark.parametrize("login", [{**PASSWORD, "Password": "x"}, {**PASSWORD, "UserName": "x"}])
async def test_wrong_name_or_password_is_bad_credentials(api: Api, login: dict[str, str]) -> None:
    assert refusal(await api.client.post("/sessiontoken", json=login)) == (400, "InvalidCredentials")


@pytest.mark.parametrize(
    "login", [{"UserName": "sandbox-user"}, {**PASSWORD, "Extra": 1}, [], {**PASSWORD, "UserName": 1}]
)
async def test_malformed_login_is_invalid(api: Api, login: object) -> None:
    assert refusal(await api.client.post("/sessiontoken", json=login)) == (400, "InvalidRequest")


async def test_five_failures_lock_the_account_sessions_included(api: Api) -> None:
    for _ in range(4):
        await api.client.post("/sessiontoken", json={**PASSWORD, "Password": "x"})
    assert (await api.client.get("/customers")).status_code == 200
    first = await step_1(api)
    assert refusal(await step_2(api, answered(first, "notthewords"))) == (400, "InvalidCredentials")
    locked = (401, {"Error": "AccountLocked", "Message": "User account is locked, please contact administrator."})
    for answer in (
        await api.client.post("/sessiontoken", json=PASSWORD),
        await step_2(api, answered(first)),
        await api.client.get("/customers"),
    ):
        assert locked == (answer.status_code, answer.json())


async def test_a_login_forgives_earlier_failures(api: Api) -> None:
    for _ in range(4):
        await api.client.post("/sessiontoken", json={**PASSWORD, "Password": "x"})
    await log_in(api.client, api.sandbox)
    await api.client.post("/sessiontoken", json={**PASSWORD, "Password": "x"})
    assert (await api.client.post("/sessiontoken", json=PASSWORD)).status_code == 201


async def test_unknown_names_lock_nobody_out(api: Api) -> None:
    for _ in range(6):
        await api.client.post("/sessiontoken", json={**PASSWORD, "UserName": "x"})
    assert (await api.client.post("/sessiontoken", json=PASSWORD)).status_code == 201


async def test_each_use_keeps_the_session_for_another_hour(api: Api) -> None:
    for _ in range(3):
        api.clock.pass_by(minutes=60)
        assert (await api.client.get("/emailtemplates")).status_code == 200


async def test_unused_session_ends_after_an_hour_like_an_unknown_one(api: Api) -> None:
    api.clock.pass_by(minutes=60, seconds=1)
    assert refusal(await api.client.get("/customers")) == (401, "InvalidSessionToken")
    api.clock.pass_by(minutes=-30)
    assert refusal(await api.client.get("/customers")) == (401, "InvalidSessionToken")


async def test_idle_time_is_a_setting() -> None:
    async with opened(settings={"idle_minutes": 1}) as api:
        api.clock.pass_by(seconds=61)
        assert refusal(await api.client.get("/customers")) == (401, "InvalidSessionToken")


async def test_log_out_ends_the_session_of_the_header(api: Api) -> None:
    answer = await api.client.delete("/sessiontoken")
    assert (answer.status_code, answer.json()) == (200, {})
    assert refusal(await api.client.delete("/sessiontoken")) == (401, "InvalidSessionToken")


async def test_log_out_ends_the_session_of_the_path(api: Api) -> None:
    token = api.client.headers["Authorization"].removeprefix("KfToken ")
    async with unauthenticated(api.sandbox) as stranger:
        answer = await stranger.delete(f"/sessiontoken/{token}")
        assert (answer.status_code, answer.json()) == (200, {})
        assert refusal(await stranger.delete(f"/sessiontoken/{token}")) == (401, "InvalidSessionToken")
    assert refusal(await api.client.get("/customers")) == (401, "InvalidSessionToken")


@pytest.mark.parametrize("scheme", ["Bearer {}", "{}", "KfToken{}", "KfToken  {}", ""])
async def test_header_of_another_form_is_no_session(api: Api, scheme: str) -> None:
    token = api.client.headers["Authorization"].removeprefix("KfToken ")
    answer = await api.client.get("/customers", headers={"Authorization": scheme.format(token)})
    assert refusal(answer) == (401, "InvalidSessionToken")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/customers"),
        ("POST", "/customers"),
        ("GET", "/customers/10001"),
        ("PUT", "/customers/10001"),
        ("DELETE", "/customers/10001"),
        ("GET", "/customers/10001/notes"),
        ("POST", "/customers/10001/notes"),
        ("GET", "/customers/10001/notes/1"),
        ("PUT", "/customers/10001/notes/1"),
        ("DELETE", "/customers/10001/notes/1"),
        ("POST", "/customerstatements/bulk/email"),
        ("GET", "/reports/emaillog"),
        ("GET", "/emailtemplates"),
        ("GET", "/emailtemplates/1"),
        ("GET", "/emailtemplates/defaultStatementTemplate"),
        ("DELETE", "/sessiontoken"),
    ],
)
async def test_nothing_but_the_login_works_without_a_session(api: Api, method: str, path: str) -> None:
    async with unauthenticated(api.sandbox) as stranger:
        assert refusal(await stranger.request(method, path, json=["10001"])) == (401, "InvalidSessionToken")
    assert api.effects == {"emails": 0, "letters": 0, "records": 0}


async def test_expire_session_fault_ends_the_session_before_the_request(api: Api) -> None:
    api.sandbox.state.faults.append(Fault(kind="expire_session", route="GET /v2/customers*"))
    assert refusal(await api.client.get("/customers")) == (401, "InvalidSessionToken")


async def test_lenient_takes_step_1_as_a_form(api: Api, lenient: Api) -> None:
    assert (await lenient.client.post("/sessiontoken", data=PASSWORD)).status_code == 201
    assert refusal(await api.client.post("/sessiontoken", data=PASSWORD)) == (415, "UnsupportedMediaType")


async def test_lenient_takes_names_in_any_case(api: Api, lenient: Api) -> None:
    login = {name.lower(): value for name, value in PASSWORD.items()}
    assert (await lenient.client.post("/sessiontoken?oldapp=1", json=login)).status_code == 201
    assert refusal(await api.client.post("/sessiontoken", json=login)) == (400, "InvalidRequest")


async def test_old_app_is_a_parameter_of_step_1(api: Api) -> None:
    assert (await api.client.post("/sessiontoken?oldApp=true", json=PASSWORD)).status_code == 201
