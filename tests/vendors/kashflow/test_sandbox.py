import json
from pathlib import Path

import httpx
import pytest

from adapters.sandbox_server import SandboxServer
from adapters.sandboxing import Fault
from tests.vendors.kashflow.emulator import Api, built, log_in, opened, refusal

JSON = "application/json"


@pytest.mark.parametrize(
    "accept", ["*/*", JSON, "application/xml, application/json;q=0.5", "application/*", "text/html, */*"]
)
async def test_json_is_answered_to_whoever_takes_it(api: Api, accept: str) -> None:
    answer = await api.client.get("/customers/10001", headers={"Accept": accept})
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json; charset=utf-8")


@pytest.mark.parametrize("accept", ["application/xml", "text/xml, application/xml;q=0.9", "application/json;q=0"])
async def test_xml_is_not_acceptable_and_nothing_is_done(api: Api, accept: str) -> None:
    answer = await api.client.post("/customerstatements/bulk/email", json=["10001"], headers={"Accept": accept})
    assert refusal(answer) == (406, "NotAcceptable")
    assert api.effects["emails"] == 0


@pytest.mark.parametrize("content_type", ["", "text/plain", "application/xml", "application/x-www-form-urlencoded"])
async def test_body_must_say_it_is_json(api: Api, content_type: str) -> None:
    headers = {"Content-Type": content_type}
    answer = await api.client.post("/customerstatements/bulk/email", content=b'["10001"]', headers=headers)
    assert refusal(answer) == (415, "UnsupportedMediaType")


async def test_charset_of_the_body_is_taken(api: Api) -> None:
    headers = {"Content-Type": "Application/JSON; charset=utf-8"}
    answer = await api.client.post("/customerstatements/bulk/email", content=b'["10001"]', headers=headers)
    assert answer.status_code == 200


@pytest.mark.parametrize("body", [b"", b"[", b"null", b'["10001"', b'["\xff"]', b"[" * 100_000])
async def test_body_that_is_not_json_is_refused(api: Api, body: bytes) -> None:
    answer = await api.client.post("/customerstatements/bulk/email", content=body, headers={"Content-Type": JSON})
    assert refusal(answer) == (400, "InvalidRequest")


@pytest.mark.parametrize("path", ["/", "/invoices", "/customers/", "/customers/10001/x", "/customerstatements/bulk"])
async def test_unknown_path_is_not_found(api: Api, path: str) -> None:
    assert refusal(await api.client.get(path)) == (404, "NotFound")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PATCH", "/customers/10001", {"GET", "HEAD", "PUT", "DELETE"}),
        ("GET", "/customerstatements/bulk/email", {"POST"}),
        ("GET", "/sessiontoken", {"POST", "PUT", "DELETE"}),
        ("POST", "/emailtemplates", {"GET", "HEAD"}),
    ],
)
async def test_wrong_method_is_told_the_right_ones(api: Api, method: str, path: str, allowed: set[str]) -> None:
    answer = await api.client.request(method, path)
    assert refusal(answer) == (405, "MethodNotAllowed")
    assert allowed == set(answer.headers["allow"].split(", "))


@pytest.mark.parametrize("path", ["/customers/10001", "/emailtemplates", "/customers/10001/notes"])
async def test_unknown_parameter_of_any_read_is_refused(api: Api, path: str) -> None:
    assert refusal(await api.client.get(f"{path}?x=1")) == (400, "InvalidRequest")


async def test_a_sql_timeout_can_be_injected_as_seen_in_the_field(api: Api) -> None:
    envelope = {"Message": "Execution Timeout Expired.", "Error": "-2146232060"}
    fault = Fault(kind="status", status=400, content_type=JSON, body=json.dumps(envelope), route="GET /v2/customers")
    api.sandbox.state.faults.append(fault)
    assert refusal(await api.client.get("/customers")) == (400, "-2146232060")
    assert (await api.client.get("/customers")).status_code == 200


async def test_file_survives_a_restart(tmp_path: Path) -> None:
    database = str(tmp_path / "kashflow.db")
    async with opened(database=database) as api:
        await api.client.put("/customers/10001", json={"Code": "MOVED"})
        await api.send(["10002"])
        notes = await api.get("/customers/10002/notes")
        token = api.client.headers["Authorization"]
    async with opened(database=database) as again:
        answer = await again.client.get("/customers/MOVED", headers={"Authorization": token})
        assert (answer.status_code, answer.json()["Id"]) == (200, 41001)
        assert notes == await again.get("/customers/10002/notes")
        assert (await again.get("/customers"))["MetaData"]["TotalRecords"] == 240
        assert (await again.get("/reports/emaillog"))["Data"][0]["Subject"] == "Statement of account 10002"


async def test_emulators_in_one_process_are_independent(api: Api) -> None:
    async with opened() as other:
        await other.send(["10001"])
        await other.client.delete("/customers/10002")
        stranger = {"Authorization": other.client.headers["Authorization"]}
        assert refusal(await api.client.get("/customers", headers=stranger)) == (401, "InvalidSessionToken")
    assert (await api.client.get("/customers/10002")).status_code == 200
    assert api.effects == {"emails": 0, "letters": 0, "records": 0}


def test_unknown_setting_is_refused() -> None:
    with pytest.raises(TypeError, match="page_cap"):
        built(settings={"page_cap": 3})


def test_access_has_the_base_path_and_the_credentials() -> None:
    access = built().access
    expected = {"username": "sandbox-user", "password": "sandbox-password", "memorable_word": "sandboxword"}
    assert ("/v2", expected) == (access.base_path, access.credentials)


def test_assumptions_are_sentences() -> None:
    assumptions = built().assumptions
    assert len(set(assumptions)) == len(assumptions) > 40
    assert [text for text in assumptions if not text.endswith(".") or "  " in text] == []


def test_it_works_over_a_real_socket() -> None:
    with SandboxServer({"kashflow": built()}) as server, httpx.Client(base_url=server.base_url("kashflow")) as client:
        login = {"UserName": "sandbox-user", "Password": "sandbox-password"}
        first = client.post("/sessiontoken", json=login).json()
        for letter in first["MemorableWordList"]:
            letter["Value"] = "sandboxword"[letter["Position"] - 1]
        token = client.put("/sessiontoken", json=first).json()["SessionToken"]
        client.headers["Authorization"] = f"KfToken {token}"
        page = client.get("/customers", params={"perpage": 100}).json()
        following = page["MetaData"]["NextPageUrl"]
        assert f"{server.base_url('kashflow')}/customers?page=2&perpage=100" == following
        assert client.get(following).json()["Data"][0]["Code"] == "10101"
        assert client.post("/customerstatements/bulk/email", json=["10001"]).json()[0]["Sent"]
        assert httpx.get(f"{server.url('kashflow')}/__sandbox/journal").json()["effects"] == {
            "emails": 1,
            "letters": 0,
            "records": 1,
        }


async def test_journal_has_each_request_as_it_arrived(api: Api) -> None:
    await api.send(["10001"], "?filterby=All")
    entry = api.sandbox.state.journal_since(0)[-1]
    expected = ("POST", "/v2/customerstatements/bulk/email", "filterby=All", '["10001"]', 200)
    assert expected == tuple(entry[name] for name in ("method", "raw_path", "query", "body", "status"))


async def test_log_in_twice_gives_two_sessions(api: Api) -> None:
    second = await log_in(api.client, api.sandbox)
    for authorization in (api.client.headers["Authorization"], f"KfToken {second}"):
        answer = await api.client.get("/emailtemplates", headers={"Authorization": authorization})
        assert answer.status_code == 200
