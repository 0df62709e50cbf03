"""The emulator's ways in: token, path, verbs, forms, codes, settings, databases, real sockets."""

import json
from collections import Counter
from pathlib import Path

import httpx
import msgspec
import pytest

from adapters.sandbox_server import SandboxServer
from tests.vendors.smallinvoice.emulator import JSON_TYPE, TOKEN, Api, built, opened, refusal

LETTER_2 = "id/2"
FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data; boundary=edge"
UNCHANGED = "Letter to Jane Doe"


async def title(api: Api) -> str:
    found: str = (await api.ask("letter/get/id/2"))["item"]["title"]
    return found


async def edit(api: Api, content_type: str, body: bytes) -> httpx.Response:
    return await api.http.post(f"/letter/edit/id/2/token/{TOKEN}", content=body, headers={"Content-Type": content_type})


def part(name: str, content: bytes) -> bytes:
    return b'--edge\r\nContent-Disposition: form-data; name="' + name.encode() + b'"\r\n\r\n' + content + b"\r\n"


# The token


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/letter/list",
        "/letter/list/token",
        "/letter/list/token//",
        "/letter/list/token/wrong",
        f"/letter/list/token/{TOKEN}x",
        f"/letter/list/token/{TOKEN}/token/wrong",
        f"/letter/list?token={TOKEN}",
        f"/letter/list/TOKEN/{TOKEN}",
        "/letter/list/token/%C3%BC",
        "/nothing/at/all",
    ],
)
async def test_a_request_without_the_token_is_refused_before_anything_else(api: Api, path: str) -> None:
    answer = await api.http.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (200, JSON_TYPE)
    assert answer.json() == {"error": True, "errorcode": 99400, "errormessage": "Your token is invalid or expired"}


async def test_the_token_does_nothing_outside_the_path(api: Api) -> None:
    answer = await api.http.get("/letter/list", headers={"Authorization": f"Bearer {TOKEN}"})
    assert refusal(answer.json()) == 99400


# The path


@pytest.mark.parametrize(
    "path",
    [
        f"letter/get/{LETTER_2}/token/{TOKEN}",
        f"letter/get/{LETTER_2}/token/{TOKEN}/",
        f"letter/get/token/{TOKEN}/{LETTER_2}",
        f"letter/get/id/77/{LETTER_2}/token/wrong/token/{TOKEN}",
        f"letter/get/{LETTER_2}/token/{TOKEN}/odd",
        f"letter/g%65t/%69d/%32/token/{TOKEN.replace('-', '%2D')}",
    ],
)
async def test_pairs_come_in_any_order_and_encoding(api: Api, path: str) -> None:
    assert (await api.http.get(f"/{path}")).json()["item"]["id"] == 2


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
async def test_any_verb_deletes(api: Api, method: str) -> None:
    assert (await api.http.request(method, f"/letter/delete/{LETTER_2}/token/{TOKEN}")).json() == {"error": False}
    assert await api.code("letter/get/id/2") == 15016


@pytest.mark.parametrize(
    "id",
    [
        "3",
        "-2",
        "02",
        "2.0",
        "%202",
        "2%00",
        "%EF%BC%92",
        "x",
        "1%2F..%2F2",
        "2%2F..%2F2",
        "2%3Fx=2",
        "%2E%2E",
        "9" * 400,
    ],
)
@pytest.mark.parametrize("action", ["get", "pdf", "preview", "edit", "delete", "email", "post", "status"])
async def test_an_id_that_is_not_a_records_own_is_unknown(api: Api, action: str, id: str) -> None:
    answer = await api.http.get(f"/letter/{action}/token/{TOKEN}/id/{id}")
    assert (answer.headers["content-type"], refusal(answer.json())) == (JSON_TYPE, 15016)


@pytest.mark.parametrize("action", ["get", "pdf", "preview", "edit", "delete", "email", "post", "status"])
async def test_an_action_on_a_record_needs_its_id(api: Api, action: str) -> None:
    assert await api.code(f"letter/{action}") == 90001


async def test_a_path_that_is_not_utf8_is_refused(api: Api) -> None:
    assert refusal((await api.http.get(f"/letter/get/id/%FF/token/{TOKEN}")).json()) == 90003


@pytest.mark.parametrize("path", ["letter/lists", "letters/list", "client/pdf", "Letter/list", "letter%2Flist/x"])
async def test_an_unknown_endpoint_or_action_is_refused(api: Api, path: str) -> None:
    assert await api.code(path) == 90002


@pytest.mark.parametrize(
    "path",
    [
        "letter/list/id/2",
        "letter/get/id/2/page/1",
        "letter/preview/id/2/width/9",
        "letter/add/id/2",
        "client/list/client_id/16",
    ],
)
async def test_a_pair_that_the_action_does_not_document_is_refused(api: Api, path: str) -> None:
    assert await api.code(path) == 90001


async def test_a_query_is_refused(api: Api) -> None:
    answer = await api.http.get(f"/letter/get/{LETTER_2}/token/{TOKEN}?x=2")
    assert refusal(answer.json()) == 90001


# The body


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        (FORM, b"data=%7B%22title%22%3A%22Z%C3%BCrich+%26+more%22%7D"),
        (FORM + "; charset=utf-8", 'data={"title":"Zürich %26 more"}'.encode()),
        (FORM, b'data=%7B%7D&data={"title": "Z\\u00fcrich %26 more"}'),
        (MULTIPART, part("data", '{"title": "Zürich & more"}'.encode()) + b"--edge--\r\n"),
        (MULTIPART.replace("edge", '"edge"'), part("data", b'{\n "title":\r\n "Z\\u00fcrich & more"}') + b"--edge--"),
    ],
)
async def test_data_is_read_from_both_kinds_of_form(api: Api, content_type: str, body: bytes) -> None:
    assert (await edit(api, content_type, body)).json() == {"error": False}
    assert await title(api) == "Zürich & more"


@pytest.mark.parametrize(
    ("content_type", "body", "code"),
    [
        ("application/json", b'{"title": "x"}', 90003),
        ("text/plain", b'data={"title": "x"}', 90003),
        ("", b'data={"title": "x"}', 90003),
        (FORM, b'data={"title": "x"', 90003),
        (FORM, b"data=", 90003),
        (FORM, b'data=["title"]', 90003),
        (FORM, b"data=null", 90003),
        (FORM, b'data={"title": "%FF"}', 90003),
        (FORM, b'data={"title": "\\ud800"}', 90003),
        (FORM, b'{"title": "x"}', 90001),
        (FORM, b'data={"title": "x"}&title=y', 90001),
        (FORM, b"data={}", 90001),
        (FORM, b"", 90001),
        (MULTIPART, part("data", b'{"title": "x"}'), 90003),
        (MULTIPART, b"nothing of the kind", 90003),
        ("multipart/form-data", part("data", b'{"title": "x"}') + b"--edge--\r\n", 90003),
        (MULTIPART, part("title", b"x") + b"--edge--\r\n", 90001),
        (MULTIPART, b"--edge--\r\n", 90001),
    ],
)
async def test_a_body_without_a_json_object_in_data_is_refused(
    api: Api, content_type: str, body: bytes, code: int
) -> None:
    assert refusal((await edit(api, content_type, body)).json()) == code
    assert await title(api) == UNCHANGED


@pytest.mark.parametrize(
    "path", ["letter/list", "letter/get/id/2", "letter/pdf/id/2", "letter/preview/id/2", "letter/delete/id/2"]
)
async def test_an_action_without_a_body_refuses_one(api: Api, path: str) -> None:
    assert await api.code(path, {"title": "x"}) == 90001


async def test_an_action_without_a_body_takes_the_empty_form_that_a_client_posts(api: Api) -> None:
    answer = await api.http.post(
        f"/letter/list/token/{TOKEN}", content=b"--edge--\r\n", headers={"Content-Type": MULTIPART}
    )
    assert answer.json()["count"] == 1


# Lenient


async def test_lenient_ignores_what_is_not_documented(lenient: Api) -> None:
    form = {"data": json.dumps({"title": "x", "more": 1}), "other": "y"}
    answer = await lenient.http.post(f"/letter/edit/more/1/{LETTER_2}/token/{TOKEN}?q=1", data=form)
    assert answer.json() == {"error": False}
    assert await title(lenient) == "x"


async def test_lenient_takes_numbers_as_text(lenient: Api) -> None:
    assert await lenient.ask("letter/status/id/2", {"status": "1"}) == {"error": False}
    assert (await lenient.ask("letter/get/id/2"))["item"]["status"] == 1


async def test_lenient_still_needs_the_token_and_the_required_fields(lenient: Api) -> None:
    assert refusal((await lenient.http.get("/letter/list")).json()) == 99400
    assert await lenient.code("letter/add", {"client_id": 16}) == 90001


# Settings, databases, sockets


async def test_the_setting_error_status_is_the_status_of_errors_alone() -> None:
    async with opened(settings={"error_status": 403}) as api:
        refused, taken = await api.send("letter/get/id/3"), await api.send("letter/get/id/2")
    assert (refused.status_code, refusal(refused.json()), taken.status_code) == (403, 15016, 200)


async def test_the_setting_client_name_adds_it_to_letters() -> None:
    async with opened(settings={"client_name": True}) as api:
        got, listed = (await api.ask("letter/get/id/2"))["item"], (await api.ask("letter/list"))["items"][0]
    assert list(got)[:3] == ["id", "client_id", "client_name"]
    assert (got["client_name"], listed) == ("Jane Doe", got)


@pytest.mark.parametrize("settings", [{"client_names": True}, {"error_status": "200"}])
def test_a_setting_that_does_not_exist_or_fit_is_an_error(settings: dict[str, object]) -> None:
    with pytest.raises(msgspec.ValidationError):
        built(settings=settings)


async def test_a_file_keeps_its_state_and_is_seeded_once(tmp_path: Path) -> None:
    database = str(tmp_path / "state.sqlite3")
    async with opened(database=database) as api:
        await api.ask("letter/delete/id/2")
    async with opened(database=database, seed="company") as api:
        assert (await api.ask("letter/list"))["count"] == 0
        assert (await api.ask("client/list"))["count"] == 1


async def test_two_emulators_share_nothing() -> None:
    async with opened() as one, opened() as other:
        await one.ask("letter/delete/id/2")
        assert (await other.ask("letter/list"))["count"] == 1
        assert (one.sandbox.state.effects["records"], other.sandbox.state.effects["records"]) == (1, 0)


def test_it_serves_over_a_socket_and_keeps_the_path_as_it_came() -> None:
    sandbox = built()
    with SandboxServer({"vendor": sandbox}) as server:
        url = server.base_url("vendor")
        answer = httpx.get(f"{url}/letter/get/id/1%2F..%2F2/token/{sandbox.access.credentials['token']}")
        found = httpx.get(f"{url}/letter/get/id/2/token/{sandbox.access.credentials['token']}")
        (entry, _) = httpx.get(f"{url}/__sandbox/journal").json()["entries"]
    assert (refusal(answer.json()), found.json()["item"]["id"]) == (15016, 2)
    assert entry["raw_path"] == f"/letter/get/id/1%2F..%2F2/token/{TOKEN}"
    assert sandbox.state.effects == Counter(emails=0, letters=0, records=0)


def test_it_says_what_it_assumes() -> None:
    sandbox = built()
    sandbox.close()
    assert len(set(sandbox.assumptions)) == len(sandbox.assumptions)
    for code in (99400, 15016, 90001, 90002, 90003, 90004, 90005, 90006):
        assert any(str(code) in sentence for sentence in sandbox.assumptions)
