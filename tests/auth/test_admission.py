"""From the settings to who is let in."""

from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from starlette.requests import HTTPConnection

from adapters.shapes import SecretStr
from gateway.admission import authenticating
from gateway.auth.key_table import KeyTable
from gateway.connecting import utc_now
from gateway.dispatch.database import Database
from gateway.principals import LOCAL, Principal, Scope
from gateway.server.authenticating import UnauthenticatedError
from gateway.server.requests_reading import RequestRefusedError
from gateway.settings import AuthSettings, JwtSettings, LedgerSettings, RedisSettings, Settings
from tests.auth.issuing import AUDIENCE, ISSUER, Issuer
from tests.auth.table import made
from tests.redis_server import RedisServer


def asking(*headers: str) -> HTTPConnection:
    named: Any = [(b"authorization", header.encode()) for header in headers]
    return HTTPConnection({"type": "http", "headers": named, "client": ("127.0.0.1", 1)})


def by_keys(url: str, **members: Any) -> Settings:
    auth = AuthSettings(mode="api_key", **members)
    return Settings(auth=auth, ledger=LedgerSettings(url=SecretStr(url)))


async def test_nobody_is_asked_unless_it_is_said() -> None:
    async with authenticating(Settings(), utc_now) as known:
        assert await known.principal_of(asking()) == LOCAL


async def test_keys_are_read_out_of_the_ledgers_database(ledger_url: str) -> None:
    database, new = Database(ledger_url), made("ann")
    await KeyTable(database).add(new.key)
    async with authenticating(by_keys(ledger_url), utc_now) as known:
        by_header = await known.principal_of(asking(f"Bearer {new.text}"))
        by_init = await known.principal_of(asking("Bearer wrong"), f"bearer  {new.text}")
    await database.close()
    assert (by_header.id, by_init) == ("key:ann", by_header)


async def test_tokens_are_checked_by_the_settings(httpserver: HTTPServer) -> None:
    issuer = Issuer()
    httpserver.expect_request("/jwks").respond_with_json({"keys": issuer.published})
    jwt = JwtSettings(
        issuer=ISSUER, audience=AUDIENCE, jwks_url=httpserver.url_for("/jwks"), scopes_prefix="p:", backends_claim="of"
    )
    settings = Settings(auth=AuthSettings(mode="jwt"), jwt=jwt)
    async with authenticating(settings, utc_now) as known:
        found = await known.principal_of(asking(f"Bearer {issuer.token(scope='p:read send', of=['a'])}"))
        with pytest.raises(UnauthenticatedError, match="another audience"):
            await known.principal_of(asking(f"Bearer {issuer.token(aud='x')}"))
    assert (found.scopes, found.backends) == (frozenset((Scope.READ,)), frozenset("a"))


async def test_a_good_token_is_taken_whatever_else_came_from_its_address(httpserver: HTTPServer) -> None:
    issuer = Issuer()
    httpserver.expect_request("/jwks").respond_with_json({"keys": issuer.published})
    jwt = JwtSettings(issuer=ISSUER, audience=AUDIENCE, jwks_url=httpserver.url_for("/jwks"))
    settings = Settings(auth=AuthSettings(mode="jwt", failures_per_minute=2), jwt=jwt)
    async with authenticating(settings, utc_now) as known:
        statuses = []
        for n in range(5):
            with pytest.raises(RequestRefusedError) as caught:
                await known.principal_of(asking(f"Bearer {issuer.token(aud=str(n))}"))
            statuses.append(caught.value.status)
        found = await known.principal_of(asking(f"Bearer {issuer.token()}"))
    assert (statuses, found.id) == ([401, 401, 429, 429, 429], "jwt:ann")


@pytest.mark.parametrize(
    ("headers", "error"),
    [((), None), (("Basic YTpi",), None), (("Bearer",), None), (("Bearer a", "Bearer b"), "invalid_request")],
)
async def test_what_is_no_bearer_credential_is_asked_for_one(
    headers: tuple[str, ...], error: str | None, sqlite_url: str
) -> None:
    async with authenticating(by_keys(sqlite_url), utc_now) as known:
        with pytest.raises(UnauthenticatedError) as caught:
            await known.principal_of(asking(*headers))
    assert (caught.value.status, caught.value.error) == (401, error)


async def test_processes_count_a_callers_operations_together_through_redis(
    redis_server: RedisServer, sqlite_url: str
) -> None:
    settings = Settings(
        auth=AuthSettings(mode="api_key", requests_per_minute=3),
        ledger=LedgerSettings(url=SecretStr(sqlite_url)),
        redis=RedisSettings(url=SecretStr(redis_server.url)),
    )
    ann, bob = Principal(id="key:ann"), Principal(id="key:bob")
    async with authenticating(settings, utc_now) as one, authenticating(settings, utc_now) as other:
        for process in (one, other, one):
            await process.admit(ann)
        with pytest.raises(RequestRefusedError) as caught:
            await other.admit(ann)
        await other.admit(bob)
    assert (caught.value.status, caught.value.headers) == (429, {"Retry-After": "20"})


async def test_a_database_that_is_away_before_any_key_was_read_leaves_it_undecided(tmp_path: Any) -> None:
    async with authenticating(by_keys(f"sqlite:///{tmp_path}/none.sqlite3"), utc_now) as known:
        with pytest.raises(RequestRefusedError) as caught:
            await known.principal_of(asking(f"Bearer {made().text}"))
    assert (caught.value.status, caught.value.headers) == (503, {"Retry-After": "5"})
