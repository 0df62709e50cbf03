"""An account at a vendor, by the name that it has in Redis."""

from typing import Any

from gateway.upstream.limits_shared import name_of

__all__ = ["account"]


def account(**changed: Any) -> str:
    usual = {"key": "uk", "base_url": "https://a.example.com", "secrets": ("t0psecret",), "pepper": b"pepper"}
    return name_of(**(usual | changed))
