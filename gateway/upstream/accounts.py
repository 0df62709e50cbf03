"""Whose data a backend answers, and whose limits it has: a name of its account that tells nobody the credential."""

import hashlib
import json

import msgspec

from adapters.shapes import SecretStr, Shape

__all__ = ["account_of"]

_SCRYPT_COST = 1 << 14
"""With blocks of 1 KiB: 16 MiB and some 40 milliseconds for each guess."""


def account_of(
    purpose: str,
    backend: str,
    base_url: str,
    credentials: Shape,
    settings: Shape | None = None,
    *,
    pepper: bytes = b"",
) -> bytes:
    """A digest of a backend's account for one purpose: the same in every process that is configured alike.

    The credential decides what the vendor shows and allows. ``settings`` are given where some of them choose what is
    shown. It goes to where others may read it, and so it is costly to make, and with a ``pepper`` keyed: nobody who
    sees it finds a short password by trying.
    """
    members = {
        name: value.get_secret_value() if isinstance(value, SecretStr) else str(value)
        for name, value in credentials.named().items()
    }
    told = json.dumps([members, None if settings is None else msgspec.to_builtins(settings)], sort_keys=True)
    salt = json.dumps([f"postroom.{purpose}", backend, base_url]).encode() + b"\0" + pepper
    return hashlib.scrypt(told.encode(), salt=salt, n=_SCRYPT_COST, r=8, p=1, dklen=32)
