"""``postroom check``: whether the configuration is sound, and every backend lets us in."""

import asyncio
import logging
from collections.abc import Mapping
from pathlib import Path

from adapters import errors
from adapters.errors import AdapterError
from adapters.freshness import reading_fresh
from gateway.backends import Backend
from gateway.commands.configuration import configured
from gateway.commands.output import say
from gateway.connecting import connected_backends
from gateway.logs import configure_logs, secrets_of

__all__ = ["check"]

_ADVICE: Mapping[type[AdapterError], str] = {
    errors.BadCredentials: "Check the backend's credentials.",
    errors.Forbidden: "Give the user of these credentials the right to use the API.",
    errors.NotFound: "Check base_url: the vendor has no such address.",
    errors.RateLimited: "Wait, then check again.",
    errors.TimedOut: "Check base_url and the network, or raise timeout.",
    errors.Unavailable: "Check base_url and the network; if both are right, the vendor is down.",
    errors.MalformedAnswer: "Check base_url: what answers there is not the vendor's API.",
    errors.InvalidInput: "Check base_url and the backend's settings.",
    errors.UnsupportedByVendor: "Check the backend's settings.",
}


async def check(*, config: Path | None = None) -> int:
    """Validates the configuration and signs in to each backend.

    Args:
        config: The configuration; postroom.toml in this folder when absent.
    """
    settings = configured(config)
    configure_logs(secrets_of(settings), level=logging.ERROR)
    async with connected_backends(settings) as backends:
        reports = await asyncio.gather(*(_report(backend) for backend in backends))
    for _, lines in reports:
        say("\n".join(lines))
    return 0 if all(good for good, _ in reports) else 1


async def _report(backend: Backend) -> tuple[bool, list[str]]:
    documented_only = "" if backend.vendor.checked_live else ", documented-only: never checked against the live service"
    name = f"{backend.key} ({backend.vendor.title}{documented_only})"
    try:
        with reading_fresh():
            findings = await backend.adapter.check()
    except AdapterError as error:
        code = "" if error.vendor_code is None else f" (vendor's code {error.vendor_code})"
        return False, [f"FAILED  {name}", f"    {error.message}{code}", f"    {_advice(error)}"]
    return True, [f"ok      {name}", *(f"    {finding}" for finding in findings)]


def _advice(error: AdapterError) -> str:
    kinds = (kind for kind in type(error).__mro__ if kind in _ADVICE)
    return _ADVICE.get(next(kinds, AdapterError), "The vendor's message says what to do.")
