"""Tokens, entities, idempotency, gateway errors, and the emulator as a whole."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from adapters.sage_intacct.sandbox import build_sandbox
from adapters.sandbox_server import SandboxServer
from adapters.sandboxing import SandboxOptions
from tests.vendors.sage_intacct.emulator import CUSTOMER, EMAIL_TEMPLATE, MESSAGE, TEMPLATE, Api, error_of, opened

PRIVATE = {"private_entities": ["E200"]}


def gateway_error(answer: httpx.Response) -> tuple[int, str]:
    """The status and number of an error in the gateway's form."""
    body = answer.json()
    assert body.keys() == {"ia::error", "ia::meta"}
    assert body["ia::error"]["details"].keys() == {"requestId"}
    return answer.status_code, body["ia::error"]["errorId"]


async def test_a_token_comes_with_all_that_clients_read(api: Api) -> None:
    answer = await api.token()
    body = answer.json()
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    assert {"token_type", "access_token", "refresh_token", "expires_in"} == body.keys()
    assert (body["token_type"], body["expires_in"], len(body["access_token"].split("."))) == ("Bearer", 43200, 3)


async def test_a_json_grant_is_taken_too(api: Api) -> None:
    grant = {"grant_type": "client_credentials", **api.sandbox.access.credentials}
    assert (await api.http.post("/oauth2/token", json=grant)).status_code == 200


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ({"grant_type": "password"}, (400, "GW-0032")),
        ({"grant_type": ""}, (400, "GW-0032")),
        ({"client_id": ""}, (400, "GW-0037")),
        ({"client_secret": ""}, (400, "GW-0015")),
        ({"client_secret": "wrong"}, (401, "GW-0011")),
        ({"client_id": "wrong"}, (401, "GW-0011")),
        ({"username": ""}, (400, "GW-0036")),
        ({"username": "postroom"}, (400, "GW-0032")),
        ({"username": "postroom@"}, (400, "GW-0032")),
        ({"username": "postroom@north@gate"}, (400, "GW-0032")),
        ({"username": "someone@northgate"}, (401, "GW-0011")),
        ({"username": "postroom@elsewhere"}, (401, "GW-0011")),
        ({"grant_type": "refresh_token"}, (400, "GW-0015")),
        ({"grant_type": "refresh_token", "refresh_token": "wrong"}, (401, "GW-0031")),
    ],
)
async def test_a_grant_out_of_order_is_refused(api: Api, form: dict[str, str], expected: tuple[int, str]) -> None:
    assert expected == gateway_error(await api.token(**form))


@pytest.mark.parametrize(
    ("content", "content_type", "number"),
    [
        (b"", "application/x-www-form-urlencoded", "GW-0035"),
        (b"<grant/>", "application/xml", "GW-0014"),
        (b"{", "application/json", "GW-0032"),
        (b'{"grant_type": 5}', "application/json", "GW-0032"),
        (b"client_id=a&client_id=b", "application/x-www-form-urlencoded", "GW-0038"),
        (b"username=a&username=b", "application/x-www-form-urlencoded", "GW-0039"),
    ],
)
async def test_a_token_payload_out_of_order_is_refused(
    api: Api, content: bytes, content_type: str, number: str
) -> None:
    answer = await api.http.post("/oauth2/token", content=content, headers={"Content-Type": content_type})
    assert (400, number) == gateway_error(answer)


async def test_the_token_endpoint_takes_no_query_parameters(api: Api) -> None:
    assert gateway_error(await api.http.post("/oauth2/token?grant_type=x", data={"a": "b"})) == (400, "GW-0033")


async def test_a_refresh_token_works_once(api: Api) -> None:
    refresh = (await api.token()).json()["refresh_token"]
    form = {"grant_type": "refresh_token", "refresh_token": refresh}
    first, second = await api.token(**form), await api.token(**form)
    api.http.headers["Authorization"] = f"Bearer {first.json()['access_token']}"
    assert (first.status_code, gateway_error(second)) == (200, (401, "GW-0031"))
    assert (await api.send("GET", MESSAGE)).status_code == 200


async def test_authorising_again_ends_the_older_refresh_token_and_leaves_the_access_token(api: Api) -> None:
    refresh = (await api.token()).json()["refresh_token"]
    await api.token()
    renewal = await api.token(grant_type="refresh_token", refresh_token=refresh)
    assert gateway_error(renewal) == (401, "GW-0031")
    assert (await api.send("GET", MESSAGE)).status_code == 200


def bare_error(answer: httpx.Response) -> tuple[int, str, str, str, str]:
    error = answer.json()["error"]
    assert answer.json().keys() == {"error"}
    return answer.status_code, error["code"], error["errorId"], error["message"], error["additionalInfo"]["messageId"]


INVALID = (401, "tokenInvalid", "REST-2102", "Token is not valid", "IA.TOKEN_IS_INVALID")


async def test_a_token_lives_twelve_hours(api: Api) -> None:
    api.clock.move(seconds=43_199)
    alive = (await api.send("GET", MESSAGE)).status_code
    api.clock.move(seconds=1)
    assert (alive, bare_error(await api.send("GET", MESSAGE))) == (200, INVALID)


async def test_a_revoked_or_expired_session_is_told_bare(api: Api) -> None:
    client = {name: api.sandbox.access.credentials[name] for name in ("client_id", "client_secret")}
    token = api.http.headers["Authorization"].removeprefix("Bearer ")
    revoked = await api.http.post("/oauth2/revoke", data={**client, "token": token})
    after_revocation = bare_error(await api.send("GET", MESSAGE))
    await api.sign_in()
    api.sandbox.state.expire_sessions()
    assert (
        revoked.status_code,
        after_revocation,
        bare_error(await api.query({"object": MESSAGE, "fields": ["key"]})),
    ) == (200, INVALID, INVALID)


async def test_revoking_needs_the_client_and_a_token(api: Api) -> None:
    client = {name: api.sandbox.access.credentials[name] for name in ("client_id", "client_secret")}
    answers = [await api.http.post("/oauth2/revoke", data=form) for form in (client, {**client, "client_secret": "x"})]
    unknown = await api.http.post("/oauth2/revoke", data={**client, "token": "unknown"})
    assert [gateway_error(answer) for answer in answers] == [(400, "GW-0015"), (401, "GW-0011")]
    assert unknown.status_code == 200


async def test_a_bad_token_is_400_where_so_set() -> None:
    async with opened(settings={"bad_token_as_400": True}) as api:
        api.http.headers["Authorization"] = "Bearer wrong"
        answer = await api.send("GET", MESSAGE)
    assert bare_error(answer) == (400, "tokenInvalid", "REST-2102", "The token is not valid", "IA.TOKEN_IS_INVALID")


@pytest.mark.parametrize("authorization", ["", "Basic abc", "Bearer", "Bearer "])
async def test_without_a_bearer_token_the_gateway_refuses(api: Api, authorization: str) -> None:
    api.http.headers["Authorization"] = authorization
    assert gateway_error(await api.send("GET", MESSAGE)) == (401, "GW-0034")


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("/ia/api/v1/objects/accounts-receivable/nothing", "Malformed URL"),
        ("/ia/api/v1/objects/accounts-receivable/customer/", "Malformed URL"),
        ("/ia/api/v1/objects/accounts-receivable/customer/1%2F2", "Malformed URL"),
        ("/ia/api/v1/services/core/composite", "Malformed URL"),
        ("/ia/api/v0/objects/accounts-receivable/customer", "Version is not supported."),
    ],
)
async def test_an_unknown_path_is_told_to_who_is_signed_in(api: Api, path: str, message: str) -> None:
    url = f"http://127.0.0.1{path}"
    answer = await api.http.get(url)
    assert error_of(answer) == (400, "invalidRequest", None, [])
    assert message == answer.json()["ia::result"]["ia::error"]["message"]
    del api.http.headers["Authorization"]
    assert gateway_error(await api.http.get(url)) == (401, "GW-0034")


async def test_another_content_type_is_refused_by_the_gateway(api: Api) -> None:
    answer = await api.http.post(f"/objects/{MESSAGE}", content=b"<m/>", headers={"Content-Type": "application/xml"})
    assert gateway_error(answer) == (400, "GW-0014")


async def count(api: Api, name: str, **headers: str) -> Any:
    body = {"object": name, "fields": ["count:key"]}
    return (await api.query(body, **headers)).json()["ia::result"][0]["count:key"]


async def test_an_entity_sees_its_own_customers_and_those_of_none(api: Api) -> None:
    header = {"X_IA_API_Param_Entity": "E100"}
    rows = await api.rows(CUSTOMER, ["key"], {"$eq": {"entity.id": "E200"}})
    foreign = f"{CUSTOMER}/{rows[0]['key']}"
    assert [
        await count(api, CUSTOMER),
        await count(api, CUSTOMER, **header),
        await count(api, CUSTOMER, X_IA_API_ParamEntity="E100"),
    ] == [240, 210, 240]
    templates = await api.rows(TEMPLATE, ["key"], {"$ne": {"customer.entity.id": "E200"}})
    unowned = await api.rows(TEMPLATE, ["key"], {"$eq": {"customer.entity.id": None}})
    assert len(templates) + len(unowned) == await count(api, TEMPLATE, **header)
    assert [
        (await api.send("GET", foreign)).status_code,
        (await api.send("GET", foreign, **header)).status_code,
    ] == [200, 404]


async def test_the_entity_of_the_user_name_holds_until_the_header_names_another(api: Api) -> None:
    await api.sign_in(username=f"{api.sandbox.access.credentials['username']}|E100")
    assert [await count(api, CUSTOMER), await count(api, CUSTOMER, X_IA_API_Param_Entity="E200")] == [210, 210]
    own = {"object": CUSTOMER, "fields": ["entity.id", "count:key"], "filters": [{"$ne": {"entity.id": None}}]}
    answers = [await api.query(own), await api.query(own, X_IA_API_Param_Entity="E200")]
    assert [answer.json()["ia::result"][0]["entity.id"] for answer in answers] == ["E100", "E200"]


async def test_an_unknown_entity_is_refused(api: Api) -> None:
    header = await api.send("GET", MESSAGE, X_IA_API_Param_Entity="E999")
    username = await api.token(username=f"{api.sandbox.access.credentials['username']}|E999")
    assert [error_of(header), error_of(username)] == [(400, "invalidRequest", None, [])] * 2


async def test_private_entities_are_left_out_at_the_top_unless_included() -> None:
    async with opened(settings=PRIVATE) as api:
        listed = (await api.send("GET", CUSTOMER)).json()["ia::meta"]["totalCount"]
        included = await api.rows(
            CUSTOMER, ["key"], {"$eq": {"entity.id": "E200"}}, filterParameters={"includePrivate": True}
        )
        by_key = await api.send("GET", f"{CUSTOMER}/{included[0]['key']}")
        assert [
            listed,
            await count(api, CUSTOMER),
            await count(api, CUSTOMER, X_IA_API_Param_Entity="E200"),
        ] == [210, 210, 210]
        assert (len(included), by_key.status_code) == (30, 200)


@pytest.mark.parametrize(
    "settings",
    [{"page_cap": 5}, {"private_entities": ["E999"]}, {"example_scene": "other"}],
)
def test_an_unknown_setting_is_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="settings"):
        build_sandbox(SandboxOptions(settings=settings))


NEW = {"id": "Once", "message": "Only once."}


async def test_the_same_key_and_request_get_the_kept_answer_and_do_nothing(api: Api) -> None:
    first = await api.send("POST", MESSAGE, NEW, Idempotency_Key="k1")
    api.clock.move(hours=47)
    await api.sign_in()
    second = await api.send("POST", MESSAGE, NEW, Idempotency_Key="k1")
    assert (201, first.json()) == (second.status_code, second.json())
    assert (
        second.headers["idempotency-key"],
        second.headers["x-ia-idempotency-cached-date"],
    ) == ("k1", "2026-07-01T09:00:00Z")
    assert "x-ia-idempotency-cached-date" not in first.headers
    assert (api.sandbox.state.effects["records"], await count(api, MESSAGE)) == (1, 13)


@pytest.mark.parametrize(
    ("method", "path", "body", "headers"),
    [
        ("POST", MESSAGE, {"id": "Twice", "message": "x"}, {}),
        ("PATCH", f"{MESSAGE}/1", NEW, {}),
        ("POST", MESSAGE, NEW, {"X_IA_API_Param_Entity": "E100"}),
    ],
)
async def test_the_same_key_for_another_request_is_a_conflict(
    api: Api, method: str, path: str, body: object, headers: dict[str, str]
) -> None:
    await api.send("POST", MESSAGE, NEW, Idempotency_Key="k1")
    answer = await api.send(method, path, body, Idempotency_Key="k1", **headers)
    assert error_of(answer) == (409, "invalidRequest", None, [])
    assert api.sandbox.state.effects["records"] == 1


async def test_a_key_is_kept_48_hours_and_reserved_60_days(api: Api) -> None:
    statuses = []
    for hours in (0, 48, 60 * 24 - 49, 1):
        api.clock.move(hours=hours)
        await api.sign_in()
        answer = await api.send("PATCH", f"{MESSAGE}/1", {"message": "Hello."}, Idempotency_Key="k2")
        statuses.append(answer.status_code)
    assert statuses == [200, 409, 409, 200]
    assert api.sandbox.state.effects["records"] == 2


async def test_refusals_are_kept_as_well(api: Api) -> None:
    first = await api.send("POST", MESSAGE, {}, Idempotency_Key="k3")
    second = await api.send("POST", MESSAGE, {}, Idempotency_Key="k3")
    assert (400, first.json(), "k3") == (second.status_code, second.json(), second.headers["idempotency-key"])


async def test_a_key_has_at_most_256_characters_and_is_nothing_to_a_query(api: Api) -> None:
    longest = await api.send("PATCH", f"{MESSAGE}/1", {}, Idempotency_Key="k" * 256)
    longer = await api.send("PATCH", f"{MESSAGE}/1", {}, Idempotency_Key="k" * 257)
    query = await api.query({"object": EMAIL_TEMPLATE, "fields": ["key"]}, Idempotency_Key="k" * 256)
    assert [longest.status_code, longer.status_code, query.status_code] == [200, 400, 200]
    assert "idempotency-key" not in query.headers


async def test_a_file_survives_a_restart_with_records_tokens_and_kept_answers(tmp_path: Path) -> None:
    database = str(tmp_path / "company.sqlite3")
    async with opened(database=database) as api:
        first = await api.send("POST", MESSAGE, NEW, Idempotency_Key="k1")
        token = api.http.headers["Authorization"]
    async with opened(database=database) as api:
        api.http.headers["Authorization"] = token
        replayed = await api.send("POST", MESSAGE, NEW, Idempotency_Key="k1")
        assert (13, first.json()) == (await count(api, MESSAGE), replayed.json())


async def test_two_emulators_share_nothing() -> None:
    async with opened() as one, opened() as other:
        await one.send("POST", MESSAGE, NEW)
        foreign = await other.http.get(
            f"/objects/{MESSAGE}", headers={"Authorization": one.http.headers["Authorization"]}
        )
        assert (await count(one, MESSAGE), await count(other, MESSAGE), bare_error(foreign)) == (13, 12, INVALID)


async def test_two_companies_are_seeded_alike() -> None:
    async with opened() as one, opened() as other:
        fields = ["key", "customer.id", "customer.totalDue", "emailTemplate.name", "txnDefinitionName"]
        assert await one.rows(TEMPLATE, fields) == await other.rows(TEMPLATE, fields)


def test_each_assumption_is_a_sentence_of_its_own() -> None:
    sandbox = build_sandbox(SandboxOptions())
    sandbox.close()
    assert sorted(set(sandbox.assumptions)) == sorted(sandbox.assumptions)
    assert [text for text in sandbox.assumptions if not text.endswith(".")] == []


def test_a_client_on_a_real_socket_signs_in_queries_and_writes() -> None:
    sandbox = build_sandbox(SandboxOptions())
    with SandboxServer({"intacct": sandbox}) as server, httpx.Client(base_url=server.base_url("intacct")) as client:
        grant = {"grant_type": "client_credentials", **sandbox.access.credentials}
        token = client.post("/oauth2/token", data=grant).json()["access_token"]
        client.headers["Authorization"] = f"Bearer {token}"
        query = client.post("/services/core/query", json={"object": CUSTOMER, "fields": ["id"], "size": 4000})
        created = client.post(f"/objects/{MESSAGE}", json=NEW)
        journal = client.get(server.url("intacct") + "/__sandbox/journal").json()
    assert (query.json()["ia::meta"]["totalCount"], created.status_code) == (240, 201)
    assert ["/ia/api/v1/oauth2/token", "/ia/api/v1/services/core/query", f"/ia/api/v1/objects/{MESSAGE}"] == [
        entry["raw_path"] for entry in journal["entries"]
    ]
    assert json.loads(journal["entries"][2]["body"]) == NEW
    assert journal["effects"]["records"] == 1
