"""Which tokens are taken, who they are, and what is said of the others."""

import base64
import hmac
import json
import time
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from gateway.auth.claims import Claims
from gateway.auth.refusals import InvalidCredentialError
from gateway.auth.tokens import LEEWAY
from gateway.principals import Principal, Scope
from tests.auth.issuing import Issuer

NOW = int(time.time())


def encoded(part: bytes) -> str:
    return base64.urlsafe_b64encode(part).rstrip(b"=").decode()


async def refusal(issuer: Issuer, token: str) -> str:
    with pytest.raises(InvalidCredentialError) as caught:
        await issuer.tokens().verify(token)
    return caught.value.reason


async def test_a_token_is_its_subject_with_what_it_allows_until_it_ends() -> None:
    issuer, ends = Issuer(), int(time.time()) + 300
    token = issuer.token(exp=ends, jti="t1")
    assert await issuer.tokens().verify(token) == Principal(
        id="jwt:ann",
        backends=frozenset("a"),
        scopes=frozenset((Scope.READ, Scope.SEND)),
        credential="t1",
        expires=datetime.fromtimestamp(ends, UTC) + LEEWAY,
    )


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"exp": NOW - 60}, "The token has expired."),
        ({"nbf": NOW + 86_400}, "The token is not valid yet."),
        ({"iss": "https://elsewhere.example.com/"}, "The token is of another issuer."),
        ({"aud": "another"}, "The token is for another audience."),
        ({"aud": ["another", "more"]}, "The token is for another audience."),
        *(
            ({name: None}, "The token lacks a claim: exp, nbf, iss, aud and sub are required.")
            for name in ("exp", "nbf", "iss", "aud", "sub")
        ),
        ({"sub": "a\nb"}, "The token's subject cannot be used: 1 to 255 printable characters."),
        ({"sub": "a" * 256}, "The token's subject cannot be used: 1 to 255 printable characters."),
        ({"exp": "soon"}, "The token is no JSON Web Token."),
        ({"exp": float("inf")}, "The token is no JSON Web Token."),
    ],
)
async def test_a_token_with_wrong_claims_is_refused(claims: dict[str, Any], reason: str) -> None:
    issuer = Issuer()
    assert await refusal(issuer, issuer.token(**claims)) == reason


async def test_clocks_may_be_apart_by_the_leeway() -> None:
    issuer = Issuer()
    within = int(LEEWAY.total_seconds()) - 10
    token = issuer.token(exp=int(time.time()) - within, nbf=int(time.time()) - 600)
    assert (await issuer.tokens().verify(token)).id == "jwt:ann"


async def test_a_token_that_ends_after_all_days_is_taken() -> None:
    issuer = Issuer()
    assert (await issuer.tokens().verify(issuer.token(exp=10**15))).id == "jwt:ann"


async def test_one_of_several_audiences_is_enough() -> None:
    issuer = Issuer()
    assert (await issuer.tokens().verify(issuer.token(aud=["another", "postroom"]))).id == "jwt:ann"


async def test_another_keys_signature_under_a_known_id_is_refused() -> None:
    issuer = Issuer()
    other = ec.generate_private_key(ec.SECP256R1())
    assert await refusal(issuer, issuer.token(key=other)) == "The token's signature is wrong."


async def test_a_token_of_no_algorithm_is_refused() -> None:
    issuer = Issuer()
    head, payload, _ = issuer.token().split(".")
    none = encoded(json.dumps({"alg": "none", "kid": "first"}).encode())
    assert head != none
    for signature in ("", "AAAA"):
        reason = await refusal(issuer, f"{none}.{payload}.{signature}")
        assert reason == "The token's algorithm is not among those that are taken here."


async def test_the_public_key_is_no_secret_to_sign_with() -> None:
    """The confusion of algorithms: HS256 with the published key as its secret (RFC 8725, section 2.1)."""
    issuer = Issuer()
    published = issuer.private["first"].public_key()
    public = published.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    head = encoded(json.dumps({"alg": "HS256", "kid": "first"}).encode())
    signed = f"{head}.{issuer.token().split('.')[1]}"
    reason = await refusal(issuer, f"{signed}.{encoded(hmac.digest(public, signed.encode(), 'sha256'))}")
    assert reason == "The token's algorithm is not among those that are taken here."


async def test_an_algorithm_that_is_not_pinned_is_refused_however_well_it_signs() -> None:
    issuer = Issuer()
    issuer.rotate("first", kind="RSA")
    reason = await refusal(issuer, issuer.token(algorithm="RS512"))
    assert reason == "The token's algorithm is not among those that are taken here."


async def test_a_key_is_used_with_its_own_algorithm_alone() -> None:
    issuer = Issuer()
    issuer.rotate("first", kind="RSA")
    issuer.published[0]["alg"] = "PS256"
    assert await refusal(issuer, issuer.token(algorithm="RS256")) == "The token's algorithm is not that of its key."


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ({"crit": ["exp"], "exp": 1}, "The token is no JSON Web Token."),
        ({"crit": []}, "The token is no JSON Web Token."),
        ({"crit": ["b64"], "b64": True}, "The token is no JSON Web Token."),
        ({"typ": "dpop+jwt"}, "The token is of another type (typ)."),
        ({"typ": "secevent+jwt"}, "The token is of another type (typ)."),
    ],
)
async def test_what_a_header_demands_is_not_passed_over(headers: dict[str, Any], reason: str) -> None:
    issuer = Issuer()
    assert await refusal(issuer, issuer.token(headers=headers)) == reason


@pytest.mark.parametrize("typ", ["at+jwt", "application/AT+JWT", "jwt"])
async def test_the_types_of_access_tokens_are_taken(typ: str) -> None:
    issuer = Issuer()
    assert (await issuer.tokens().verify(issuer.token(headers={"typ": typ}))).id == "jwt:ann"


@given(st.text(max_size=60) | st.from_regex(r"([A-Za-z0-9_-]{0,30}\.){2}[A-Za-z0-9_-]{0,30}", fullmatch=True))
async def test_whatever_is_no_token_is_refused_with_a_reason(text: str) -> None:
    assert (await refusal(Issuer(), text)).startswith("The token")


async def test_a_token_that_is_too_long_is_not_looked_at() -> None:
    issuer = Issuer()
    assert await refusal(issuer, "a" * 16_385) == "The token is longer than 16384 characters."
    assert issuer.fetched == 0


async def test_a_verified_token_is_known_at_no_cost_until_it_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    issuer = Issuer()
    tokens, ended = issuer.tokens(), issuer.token(exp=int(time.time()))
    ending = await tokens.verify(ended)
    with monkeypatch.context() as patched:
        patched.setattr("gateway.auth.tokens.jwt.decode", None)
        assert await tokens.verify(ended) == ending
    assert ending.expires is not None
    tokens._clock = lambda: ending.expires or datetime.now(UTC)
    with pytest.raises(InvalidCredentialError, match="expired"):
        await tokens.renewed(ending)
    monkeypatch.setattr("gateway.auth.tokens.jwt.decode", None)
    with pytest.raises(TypeError):  # it is looked at again
        await tokens.verify(ended)


# ── Claims ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("claims", "payload", "scopes"),
    [
        (Claims(), {"scope": "openid read  write"}, {Scope.READ, Scope.WRITE}),
        (Claims(scopes="scp"), {"scp": ["read", "raw", 3, None], "scope": "admin"}, {Scope.READ, Scope.RAW}),
        (Claims(prefix="postroom:"), {"scope": "postroom:read write admin"}, {Scope.READ}),
        (Claims(), {"scope": {"read": True}}, set()),
        (Claims(), {"scope": "READ Read"}, set()),
        (Claims(), {}, set()),
    ],
)
def test_scopes_are_read_where_the_settings_say(claims: Claims, payload: dict[str, Any], scopes: set[Scope]) -> None:
    assert claims.principal({"sub": "ann", **payload}, datetime.now(UTC)).scopes == scopes


@pytest.mark.parametrize(
    ("claims", "payload", "backends"),
    [
        (Claims(), {"backends": ["a", "b"]}, frozenset("ab")),
        (Claims(), {"backends": "a b"}, frozenset("ab")),
        (Claims(backends="tenants"), {"tenants": ["a"], "backends": ["b"]}, frozenset("a")),
        (Claims(), {}, frozenset()),
        (Claims(), {"backends": None}, frozenset()),
        (Claims(), {"backends": "*"}, frozenset("*")),
        (Claims(all_backends=True), {"backends": ["a"]}, None),
    ],
)
def test_backends_are_those_that_are_named(claims: Claims, payload: dict[str, Any], backends: Any) -> None:
    assert claims.principal({"sub": "ann", **payload}, datetime.now(UTC)).backends == backends
