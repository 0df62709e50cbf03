"""The sections of the settings that say who may ask."""

import re
from typing import Annotated, Final, Literal

from msgspec import Meta, field

from adapters.shapes import Check, Shape, members_of
from gateway.settings_reading import Reader, is_loopback

__all__ = ["ASYMMETRIC", "AuthSettings", "JwtSettings", "check_auth"]

ASYMMETRIC: Final = frozenset(
    ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
)
"""With a symmetric algorithm whoever can check a token can make one; with `none`, anybody."""

_ADDRESS: Final = r"^https?://[^\s/?#@]+(/[^\s?#]*)?(\?[^\s#]*)?\Z"
_CLAIM: Final = r"^\S{1,200}\Z"


def _are_asymmetric(algorithms: list[str]) -> None:
    if not ASYMMETRIC.issuperset(algorithms):
        raise ValueError("not asymmetric")


def _is_not_read_along_the_way(url: str) -> None:
    host = re.match(r"^http://(\[[^\]]*\]|[^/:?]+)", url)
    if host is not None and not is_loopback(host[1]):
        raise ValueError("not encrypted")


class AuthSettings(Shape, frozen=True, kw_only=True):
    """Who may ask, and how much.

    Wrong credentials are counted by address: 30 a minute are more than a misconfigured client needs to be noticed.
    """

    mode: Annotated[
        Literal["none", "api_key", "jwt"], Meta(description='"none", "api_key" or "jwt"', examples=["api_key"])
    ] = "none"
    requests_per_minute: (
        Annotated[int, Meta(ge=1, le=1_000_000, description="a whole number from 1 to 1000000", examples=[3000])] | None
    ) = None
    failures_per_minute: Annotated[
        int, Meta(ge=1, le=100_000, description="a whole number from 1 to 100000", examples=[30])
    ] = 30


class JwtSettings(Shape, frozen=True, kw_only=True):
    """The issuer whose tokens are taken, and where they say what their bearer may do."""

    issuer: (
        Annotated[
            str,
            Meta(
                pattern=r"^\S{1,500}\Z",
                description="what stands in the tokens' iss claim",
                examples=["https://login.example.com/"],
            ),
        ]
        | None
    ) = None
    audience: (
        Annotated[
            str,
            Meta(
                pattern=r"^\S{1,500}\Z",
                description="what stands in the aud claim of tokens for this gateway",
                examples=["postroom"],
            ),
        ]
        | None
    ) = None
    jwks_url: (
        Annotated[
            str,
            Meta(
                pattern=_ADDRESS,
                description="an address that begins with https:// (http:// to this machine alone)",
                examples=["https://login.example.com/.well-known/jwks.json"],
            ),
            Check(_is_not_read_along_the_way),
        ]
        | None
    ) = None
    algorithms: Annotated[
        list[str],
        Meta(
            min_length=1,
            description=f"a list of asymmetric algorithms: {', '.join(sorted(ASYMMETRIC))}",
            examples=[["RS256", "ES256"]],
        ),
        Check(_are_asymmetric),
    ] = field(default_factory=lambda: ["RS256", "ES256"])
    scopes_claim: Annotated[str, Meta(pattern=_CLAIM, description="a claim's name", examples=["scp"])] = "scope"
    scopes_prefix: Annotated[
        str,
        Meta(
            pattern=r"^\S{0,100}\Z",
            description="what stands before the scopes' names in the claim",
            examples=["postroom:"],
        ),
    ] = ""
    backends_claim: Annotated[str, Meta(pattern=_CLAIM, description="a claim's name", examples=["backends"])] = (
        "backends"
    )
    all_backends: Annotated[bool, Meta(description="true or false", examples=[True])] = False


_NEEDED: Final = ("issuer", "audience", "jwks_url")


def check_auth(reader: Reader, auth: AuthSettings | None, jwt: JwtSettings | None) -> None:
    """Notes what a mode needs and is not there."""
    if auth is None or jwt is None or auth.mode != "jwt":
        return
    for name in _NEEDED:
        if getattr(jwt, name) is None:
            place = reader.place("jwt", name)
            example = members_of(JwtSettings)[name].example
            reader.problem(place, f'is missing, and auth.mode is "jwt"; write for example {place.such_as(example)}')
