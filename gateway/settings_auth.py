"""The sections of the settings that say who may ask."""

import re
from typing import Final, Literal

from pydantic import Field, field_validator

from gateway.settings_reading import Reader, is_loopback
from gateway.settings_section import Section

__all__ = ["ASYMMETRIC", "AuthSettings", "JwtSettings", "check_auth"]

ASYMMETRIC: Final = frozenset(
    ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
)
"""With a symmetric algorithm whoever can check a token can make one; with `none`, anybody."""

_ADDRESS: Final = r"^https?://[^\s/?#@]+(/[^\s?#]*)?(\?[^\s#]*)?$"
_CLAIM: Final = r"^\S{1,200}$"


class AuthSettings(Section):
    """Who may ask, and how much.

    Wrong credentials are counted by address: 30 a minute are more than a misconfigured client needs to be noticed.
    """

    mode: Literal["none", "api_key", "jwt"] = Field(
        default="none", description='"none", "api_key" or "jwt"', examples=["api_key"]
    )
    requests_per_minute: int | None = Field(
        default=None, ge=1, le=1_000_000, description="a whole number from 1 to 1000000", examples=[3000]
    )
    failures_per_minute: int = Field(
        default=30, ge=1, le=100_000, description="a whole number from 1 to 100000", examples=[30]
    )


class JwtSettings(Section):
    """The issuer whose tokens are taken, and where they say what their bearer may do."""

    issuer: str | None = Field(
        default=None,
        pattern=r"^\S{1,500}$",
        description="what stands in the tokens' iss claim",
        examples=["https://login.example.com/"],
    )
    audience: str | None = Field(
        default=None,
        pattern=r"^\S{1,500}$",
        description="what stands in the aud claim of tokens for this gateway",
        examples=["postroom"],
    )
    jwks_url: str | None = Field(
        default=None,
        pattern=_ADDRESS,
        description="an address that begins with https:// (http:// to this machine alone)",
        examples=["https://login.example.com/.well-known/jwks.json"],
    )
    algorithms: list[str] = Field(
        default=["RS256", "ES256"],
        min_length=1,
        description=f"a list of asymmetric algorithms: {', '.join(sorted(ASYMMETRIC))}",
        examples=[["RS256", "ES256"]],
    )
    scopes_claim: str = Field(default="scope", pattern=_CLAIM, description="a claim's name", examples=["scp"])
    scopes_prefix: str = Field(
        default="",
        pattern=r"^\S{0,100}$",
        description="what stands before the scopes' names in the claim",
        examples=["postroom:"],
    )
    backends_claim: str = Field(default="backends", pattern=_CLAIM, description="a claim's name", examples=["backends"])
    all_backends: bool = Field(default=False, description="true or false", examples=[True])

    @field_validator("algorithms")
    @classmethod
    def _are_asymmetric(cls, algorithms: list[str]) -> list[str]:
        if not ASYMMETRIC.issuperset(algorithms):
            raise ValueError("not asymmetric")
        return algorithms

    @field_validator("jwks_url")
    @classmethod
    def _is_not_read_along_the_way(cls, url: str | None) -> str | None:
        host = re.match(r"^http://(\[[^\]]*\]|[^/:?]+)", url or "")
        if host is not None and not is_loopback(host[1]):
            raise ValueError("not encrypted")
        return url


_NEEDED: Final = ("issuer", "audience", "jwks_url")


def check_auth(reader: Reader, auth: AuthSettings | None, jwt: JwtSettings | None) -> None:
    """Notes what a mode needs and is not there."""
    if auth is None or jwt is None or auth.mode != "jwt":
        return
    for name in _NEEDED:
        if getattr(jwt, name) is None:
            place = reader.place("jwt", name)
            (example,) = JwtSettings.model_fields[name].examples or ("",)
            reader.problem(place, f'is missing, and auth.mode is "jwt"; write for example {place.such_as(example)}')
