"""The issuer's keys are fetched once, again when they may have changed, and kept while the issuer is down."""

import asyncio
from typing import Any

import httpx
import pytest
from pytest_httpserver import HTTPServer

from gateway.auth.issuer_keys import ISSUER_PACE, MOST_BYTES, IssuerKeys
from gateway.auth.refusals import InvalidCredentialError, UndecidedError
from gateway.upstream.engine import EngineTransport
from tests.auth.issuing import Issuer


async def test_many_tokens_fetch_the_keys_once() -> None:
    issuer = Issuer()
    tokens = issuer.tokens()
    await asyncio.gather(*(tokens.verify(issuer.token(jti=str(n))) for n in range(20)))
    assert issuer.fetched == 1


async def test_a_new_key_is_fetched_when_its_first_token_comes() -> None:
    issuer = Issuer()
    tokens = issuer.tokens()
    await tokens.verify(issuer.token())
    issuer.rotate("second")
    issuer.passed = ISSUER_PACE.floor
    assert (await tokens.verify(issuer.token(kid="second"))).id == "jwt:ann"
    assert issuer.fetched == 2


async def test_unknown_keys_fetch_no_more_often_than_the_floor() -> None:
    issuer = Issuer()
    tokens = issuer.tokens()
    for n in range(30):
        with pytest.raises(InvalidCredentialError, match="does not have"):
            await tokens.verify(issuer.token(kid="first", headers={"kid": f"made-up-{n}"}))
    assert issuer.fetched == 1


async def test_a_withdrawn_key_is_refused_after_the_keys_lifetime() -> None:
    issuer = Issuer()
    keys = issuer.keys()
    await keys.key("first", "ES256")
    issuer.rotate("second")
    issuer.passed = ISSUER_PACE.every
    with pytest.raises(InvalidCredentialError, match="does not have"):
        await keys.key("first", "ES256")


@pytest.mark.parametrize(
    "answer",
    [
        httpx.ConnectError("down"),
        httpx.Response(500),
        httpx.Response(302, headers={"Location": "https://elsewhere.example.com/jwks"}),
        httpx.Response(200, content=b"<html>"),
        httpx.Response(200, content=b'{"keys": 3}'),
        httpx.Response(200, content=b"[" * 100_000),
        httpx.Response(200, json={"keys": []}),
        httpx.Response(200, json={"keys": [{"kty": "oct", "k": "c2VjcmV0", "kid": "first"}]}),
        httpx.Response(200, content=b" " * (MOST_BYTES + 1)),
    ],
    ids=str,
)
async def test_known_keys_stay_good_while_the_issuer_is_down_or_talks_nonsense(answer: Any) -> None:
    issuer = Issuer()
    tokens = issuer.tokens()
    await tokens.verify(issuer.token())
    issuer.answer, issuer.passed = answer, ISSUER_PACE.every
    assert (await tokens.verify(issuer.token(jti="later"))).id == "jwt:ann"
    with pytest.raises(UndecidedError):
        await tokens.verify(issuer.token(headers={"kid": "new"}))
    assert issuer.fetched == 2


async def test_keys_that_could_not_be_read_again_for_a_day_are_forgotten() -> None:
    issuer = Issuer()
    keys = issuer.keys()
    await keys.key("first", "ES256")
    issuer.answer, issuer.passed = httpx.ConnectError("down"), ISSUER_PACE.stale + 1
    with pytest.raises(UndecidedError):
        await keys.key("first", "ES256")


async def test_an_issuer_that_was_never_reached_leaves_it_undecided() -> None:
    issuer = Issuer()
    issuer.answer = httpx.ConnectError("down")
    with pytest.raises(UndecidedError):
        await issuer.tokens().verify(issuer.token())


async def test_a_token_that_names_no_key_is_of_the_only_one() -> None:
    issuer = Issuer()
    assert (await issuer.tokens().verify(issuer.token(kid=None))).id == "jwt:ann"
    issuer.published.append(issuer.published[0] | {"kid": "second"})
    with pytest.raises(InvalidCredentialError, match="does not have"):
        await issuer.tokens().verify(issuer.token(kid=None))


@pytest.mark.parametrize("member", [{"use": "enc"}, {"kty": "oct", "k": "c2VjcmV0"}])
async def test_keys_for_something_else_are_passed_over(member: dict[str, Any]) -> None:
    issuer = Issuer()
    good = issuer.published[0] | {"kid": "good"}
    issuer.published = [issuer.published[0] | member, good]
    with pytest.raises(InvalidCredentialError, match="does not have"):
        await issuer.tokens().verify(issuer.token())


async def test_keys_are_fetched_over_a_real_socket(httpserver: HTTPServer) -> None:
    issuer = Issuer()
    httpserver.expect_request("/jwks").respond_with_json({"keys": issuer.published})
    keys = IssuerKeys(httpserver.url_for("/jwks"), EngineTransport())
    assert (await keys.key("first", "ES256")).algorithm_name == "ES256"
    await keys.aclose()
