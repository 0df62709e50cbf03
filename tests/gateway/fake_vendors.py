"""Small vendors of no wire, for what is generic over vendors."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any

import httpx
from msgspec import Meta

from adapters.contract import Adapter, Connection, Credentials, Limits, Outcome, Outcomes, PreparedCall, Vendor
from adapters.contract import VendorSettings as BaseSettings
from adapters.shapes import Check, SecretStr

__all__ = ["VENDORS", "adapter_of", "vendor_named"]


def _has_no_space(token: SecretStr) -> None:
    text = token.get_secret_value()
    if " " in text:
        raise ValueError(f"a token has no space, and {text} has")


class TokenCredentials(Credentials, frozen=True, kw_only=True):
    token: Annotated[SecretStr, Check(_has_no_space)]


class UserCredentials(Credentials, frozen=True, kw_only=True):
    username: SecretStr
    password: SecretStr
    realm: SecretStr | None = None


class CappedSettings(BaseSettings, frozen=True, kw_only=True):
    page_cap: Annotated[int, Meta(ge=1)] | None = None
    whole: bool = False


async def _perform(_: PreparedCall) -> tuple[Outcome, ...]:
    raise NotImplementedError


async def _check() -> tuple[str, ...]:
    return ()


def adapter_of(**parts: Any) -> Adapter:
    """An adapter that offers these parts."""
    return Adapter(**{"perform": _perform, "check": _check, **parts})


def _connect(_: Connection) -> Adapter:
    return adapter_of()


def _authenticate(inner: httpx.AsyncBaseTransport, **_: Any) -> httpx.AsyncBaseTransport:
    return inner


def vendor_named(name: str, **members: Any) -> Vendor:
    """A vendor that does nothing."""
    plain = Vendor(
        name=name,
        title=name.title(),
        base_url=f"https://{name}.example.com/api",
        credentials=TokenCredentials,
        limits=Limits(page_size=100, concurrency=4, statement_batch=35),
        outcomes=Outcomes(undone_statuses=frozenset({404})),
        native_ids={"Customer": re.compile(r"\d+")},
        reads=frozenset({"customer.get", "customer.list"}),
        authenticate=_authenticate,
        connect=_connect,
        sandbox_module="tests.gateway.fake_vendors",
    )
    return replace(plain, **members)


VENDORS: Mapping[str, Vendor] = {
    "acme": vendor_named("acme", settings=CappedSettings),
    "globex": vendor_named("globex", credentials=UserCredentials, base_url=None),
}
