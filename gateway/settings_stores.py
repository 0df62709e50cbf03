"""Where the gateway keeps what it must not forget, what processes share, and answers: the settings."""

import re
from datetime import timedelta
from typing import Annotated

from msgspec import Meta

from adapters.shapes import Check, SecretStr, Shape
from gateway.dispatch.timing import Timing

__all__ = ["CacheSettings", "LedgerSettings", "RedisSettings"]


def _names_a_database(url: SecretStr) -> None:
    if not re.match(r"(sqlite:///|postgres(ql)?://).", url.get_secret_value()):
        raise ValueError("no database")


def _names_a_server(url: SecretStr) -> None:
    if not re.match(r"(rediss?://[^\s/]|unix://(\S+@)?/)\S*$", url.get_secret_value()):
        raise ValueError("no server")


class LedgerSettings(Shape, frozen=True, kw_only=True):
    """Where sends are written down: a file of this machine, or a PostgreSQL that several gateways share."""

    url: Annotated[
        SecretStr,
        Check(_names_a_database),
        Meta(
            description="sqlite:/// and a file, or postgresql:// and a database",
            examples=["sqlite:///postroom-ledger.sqlite3"],
        ),
    ] = SecretStr("sqlite:///postroom-ledger.sqlite3")
    # Times in seconds; `gateway.dispatch.timing` says what of.
    lease_margin_seconds: Annotated[
        int, Meta(ge=1, le=600, description="a whole number of seconds from 1 to 600", examples=[30])
    ] = 30
    sweep_seconds: Annotated[
        int, Meta(ge=1, le=60, description="a whole number of seconds from 1 to 60", examples=[5])
    ] = 5
    dead_after_seconds: Annotated[
        int, Meta(ge=2, le=600, description="a whole number of seconds from 2 to 600", examples=[20])
    ] = 20

    @property
    def timing(self) -> Timing:
        """The times, as what sends wants them."""
        return Timing(
            lease_margin=timedelta(seconds=self.lease_margin_seconds),
            sweep_every=timedelta(seconds=self.sweep_seconds),
            dead_after=timedelta(seconds=self.dead_after_seconds),
        )


class RedisSettings(Shape, frozen=True, kw_only=True):
    """A Redis (or Valkey) through which several processes keep a backend's limits together.

    Without it, or while it is away, each of ``expected_processes`` takes its share; None: as many as there are workers.
    """

    url: (
        Annotated[
            SecretStr,
            Check(_names_a_server),
            Meta(
                description="redis:// or rediss:// and a server, or unix:// and the path of a socket",
                examples=["redis://127.0.0.1:6379/0"],
            ),
        ]
        | None
    ) = None
    expected_processes: (
        Annotated[int, Meta(ge=1, le=1000, description="a whole number from 1 to 1000", examples=[4])] | None
    ) = None


class CacheSettings(Shape, frozen=True, kw_only=True):
    """Where answers are kept whose backend says for how long.

    64 MiB hold some 150 lists of 1,000 customers, or 30,000 single records; a process without them has twice that.
    """

    memory_mib: Annotated[
        int, Meta(ge=1, le=65_536, description="a whole number of mebibytes from 1 to 65536", examples=[64])
    ] = 64
