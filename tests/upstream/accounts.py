"""An account at a vendor, and the name that it has in Redis."""

from typing import Any

from adapters.shapes import SecretStr, Shape
from gateway.upstream.accounts import account_of
from gateway.upstream.limits_shared import name_of

__all__ = ["Credentials", "account", "digest"]


class Credentials(Shape, frozen=True, kw_only=True):
    user: str = "me"
    password: SecretStr = SecretStr("t0psecret")


def digest(**changed: Any) -> bytes:
    usual: dict[str, Any] = {"backend": "uk", "base_url": "https://a.example.com", "credentials": Credentials()}
    return account_of(**{"purpose": "limits", "pepper": b"pepper"} | usual | changed)


def account(**changed: Any) -> str:
    return name_of(changed.get("backend", "uk"), digest(**changed))
