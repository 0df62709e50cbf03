"""A gateway that asks for keys, over real HTTP: who is let in, to what, and for how long."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from structlog.testing import capture_logs

from gateway.app import Gateway
from gateway.auth.api_keys import new_key
from gateway.auth.key_table import KeyTable
from gateway.auth.known_keys import KEYS_PACE, KnownKeys
from gateway.auth.rates import LocalRates
from gateway.commands.failure import CommandFailure
from gateway.commands.query import ask
from gateway.connecting import utc_now
from gateway.dispatch.database import Database
from gateway.principals import Scope
from gateway.server.authenticating import BearerAuthenticator
from tests.gateway.asking import gateway_over
from tests.gateway.asking import gid as global_id
from tests.gateway.fakes import Source, fake
from tests.gateway.records import customer, letter
from tests.gateway.serving import routes_of, serving
from tests.patience import PATIENCE

LINK = "query($id: ID!) { node(id: $id) { ... on Letter { pdf { url } } } }"


@dataclass
class Door:
    """A served gateway, and what decides who is let in."""

    gateway: Gateway
    table: KeyTable
    client: httpx.AsyncClient
    source: Source
    passed: float = 0.0

    async def key(self, name: str, *scopes: Scope, backends: frozenset[str] | None = None) -> str:
        """A new key's text."""
        made = new_key(name=name, scopes=frozenset(scopes), backends=backends, now=utc_now())
        await self.table.add(made.key)
        self.passed += KEYS_PACE.floor
        return made.text

    async def revoke(self, text: str) -> None:
        """Ends a key, and lets the time pass after which that counts."""
        await self.table.revoke(text.split("_")[1], at=utc_now())
        self.passed += KEYS_PACE.every

    async def asked(self, key: str | None, query: str = "{ backends { key } }", **variables: Any) -> httpx.Response:
        """The answer to an operation."""
        headers = {} if key is None else {"Authorization": f"Bearer {key}"}
        return await self.client.post("/graphql", json={"query": query, "variables": variables}, headers=headers)

    async def got(self, path: str, key: str | None = None) -> httpx.Response:
        """The answer to a GET."""
        return await self.client.get(path, headers={} if key is None else {"Authorization": f"Bearer {key}"})


@pytest.fixture
async def door(sqlite_url: str) -> AsyncIterator[Door]:
    """A gateway over two backends that asks for keys."""
    a = fake("a", customers=[customer("a", "1")], letters=[letter("a", "l1")], writes=True)
    source = Source(b"%PDF-1.7")
    source.step()
    a.behaviour.files["l1"] = source.stream()
    gateway = gateway_over(a, fake("b", customers=[customer("b", "1")]))
    async with contextlib.AsyncExitStack() as stack:
        database = Database(sqlite_url)
        stack.push_async_callback(database.close)
        door = Door(gateway, KeyTable(database), httpx.AsyncClient(), source)
        keys = KnownKeys(door.table, utc_now, lambda: door.passed)
        gateway.authenticator = BearerAuthenticator(keys, LocalRates(5), LocalRates(20, lambda: door.passed))
        address = await stack.enter_async_context(serving(routes_of(gateway)))
        door.client = await stack.enter_async_context(
            httpx.AsyncClient(base_url=f"http://{address}", trust_env=False, timeout=PATIENCE)
        )
        yield door


async def test_a_key_sees_its_backends_and_nobody_without_one_sees_anything(door: Door) -> None:
    ann = await door.key("ann", Scope.READ, backends=frozenset("a"))
    answers = [await door.asked(key) for key in (ann, None)]
    assert [answer.status_code for answer in answers] == [200, 401]
    assert answers[0].json() == {"data": {"backends": [{"key": "a"}]}}
    assert answers[1].headers["www-authenticate"] == 'Bearer realm="postroom"'


async def test_a_revoked_key_is_let_in_no_more(door: Door) -> None:
    ann = await door.key("ann", Scope.READ)
    before = await door.asked(ann)
    await door.revoke(ann)
    after = await door.asked(ann)
    assert (before.status_code, after.status_code) == (200, 401)
    assert after.json()["errors"][0] == {"message": "The key was revoked.", "extensions": {"code": "UNAUTHENTICATED"}}


@pytest.mark.parametrize(
    "path", ["/graphql?query={backends{key}}&access_token=", "/metrics?access_token=", "/schema.graphql?key="]
)
async def test_a_key_in_a_url_is_none(door: Door, path: str) -> None:
    ann = await door.key("ann", *Scope)
    assert (await door.got(path + ann)).status_code == 401


async def test_metrics_are_for_those_with_the_scope_admin(door: Door) -> None:
    reader, admin = await door.key("ann", Scope.READ), await door.key("ops", Scope.ADMIN)
    statuses = [(await door.got("/metrics", key)).status_code for key in (None, reader, admin)]
    assert statuses == [401, 403, 200]


async def test_probes_need_no_key_and_name_no_backend_without_one(door: Door) -> None:
    ann = await door.key("ann", Scope.READ, backends=frozenset("a"))
    told = [
        (await door.got(path, key)).json() for path, key in (("/healthz", None), ("/readyz", None), ("/readyz", ann))
    ]
    assert told == [
        {"status": "alive"},
        {"status": "ready"},
        {"status": "ready", "backends": {"a": "UNKNOWN"}},
    ]


async def test_a_link_opens_without_a_header_as_long_as_its_key_stands(door: Door) -> None:
    ann, bob = await door.key("ann", Scope.READ), await door.key("bob", Scope.READ)
    answer = await door.asked(ann, LINK, id=global_id("Letter", "a", "l1"))
    path = httpx.URL(answer.json()["data"]["node"]["pdf"]["url"]).path
    opened = await door.got(path)
    others = await door.got(path, bob)
    await door.revoke(ann)
    after = await door.got(path)
    assert (opened.status_code, opened.content) == (200, b"%PDF-1.7")
    assert (others.status_code, after.status_code) == (403, 403)


async def test_of_too_many_wrong_keys_from_an_address_no_more_is_said_but_good_ones_are_taken(door: Door) -> None:
    ann = await door.key("ann", Scope.READ)
    wrong = [(await door.asked("postroom_made_up")) for _ in range(6)]
    assert [answer.status_code for answer in wrong] == [401] * 5 + [429]
    assert 0 < int(wrong[-1].headers["retry-after"]) <= 12
    assert (await door.asked(ann)).status_code == 200


@pytest.mark.parametrize(
    ("proxies", "expected"),
    [("127.0.0.1", [401] * 6), ("127.0.0.0/8", [401] * 6), ("*", [401] * 6), ("192.0.2.9", [401] * 5 + [429])],
)
async def test_a_proxy_that_is_named_says_whose_wrong_keys_are_counted(
    door: Door, monkeypatch: pytest.MonkeyPatch, proxies: str, expected: list[int]
) -> None:
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", proxies)
    async with serving(routes_of(door.gateway)) as address:
        url, statuses = f"http://{address}/graphql", []
        for n in range(6):
            headers = {"Authorization": "Bearer postroom_made_up", "X-Forwarded-For": f"198.51.100.{n}"}
            statuses.append(
                (await door.client.post(url, json={"query": "{ __typename }"}, headers=headers)).status_code
            )
    assert statuses == expected


async def test_a_caller_that_asks_too_much_is_told_when_to_ask_again(door: Door) -> None:
    ann, bob = await door.key("ann", Scope.READ), await door.key("bob", Scope.READ)
    answers = [await door.asked(ann) for _ in range(21)]
    assert [answer.status_code for answer in answers] == [200] * 20 + [429]
    assert answers[-1].headers["retry-after"] == "3"
    assert answers[-1].json()["errors"][0]["extensions"]["code"] == "RATE_LIMITED"
    assert (await door.asked(bob)).status_code == 200


async def test_the_command_asks_with_the_key_of_the_environment(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    ann = await door.key("ann", Scope.READ, backends=frozenset("b"))
    body = {"query": "{ backends { key } }"}
    refused = await ask(door.client, "/graphql", body)
    monkeypatch.setenv("POSTROOM_KEY", f" {ann}\n")
    assert await ask(door.client, "/graphql", body) == {"data": {"backends": [{"key": "b"}]}}
    assert refused["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"


async def test_what_cannot_be_a_key_is_not_repeated(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSTROOM_KEY", "schlüssel")
    with pytest.raises(CommandFailure) as caught:
        await ask(door.client, "/graphql", {"query": "{ __typename }"})
    assert "schlüssel" not in str(caught.value)


async def test_no_key_is_in_any_line_of_the_log(door: Door) -> None:
    ann = await door.key("ann", Scope.READ)
    with capture_logs() as lines:
        await door.asked(ann)
        await door.revoke(ann)
        await door.asked(ann)
        await door.asked(f"postroom_{'0' * 12}_{ann[-43:]}")
    refused = [line["reason"] for line in lines if line["event"] == "a credential was refused"]
    assert refused == ["The key was revoked.", "The key is not known here."]
    assert ann[-43:] not in repr(lines)
