"""Asks a gateway over fake backends, as its schema answers."""

import datetime
import functools
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from unittest import mock

from adapters.shapes import SecretStr
from gateway.app import Gateway
from gateway.backends import Backends
from gateway.context import LOCAL, Principal, RequestContext
from gateway.ids import encode
from gateway.schema.build import build_schema
from gateway.settings import FileSettings, ListLimits, ServerSettings, Settings
from tests.dispatching import LazyDatabase, sending_over
from tests.gateway.fakes import Fake
from tests.gateway.records import NOW

MAX_PAGE = 100
_schema = functools.cache(build_schema)


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime.datetime:
        return self.now

    def forward(self, **span: float) -> None:
        """Moves it on."""
        self.now += datetime.timedelta(**span)


class Ledgers:
    """The ledgers of the test that runs, so that they can be closed at its end."""

    def __init__(self) -> None:
        self.opened: list[LazyDatabase] = []
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    def folder(self) -> Path:
        """Where their files are."""
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory()
        return Path(self._folder.name)

    async def close(self) -> None:
        """Closes and removes them."""
        for database in self.opened:
            await database.close()
        self.opened.clear()
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None


ledgers = Ledgers()


def gateway_over(*fakes: Fake, clock: Clock | None = None, changed: Mapping[str, Any] | None = None) -> Gateway:
    """A gateway over these backends, in this order; ``changed`` are sections of its settings."""
    settings = Settings(
        server=ServerSettings(public_url="http://127.0.0.1:1"),
        lists=ListLimits(max_page=MAX_PAGE),
        files=FileSettings(key=SecretStr("k" * 32)),
        **(changed or {}),
    )
    with mock.patch("gateway.app.build_schema", _schema):
        backends = Backends(one.backend for one in fakes)
        clock = clock or Clock()
        database = LazyDatabase(ledgers.folder())
        ledgers.opened.append(database)
        return Gateway(settings, backends, sending_over(database, backends, clock), clock)


class Answer:
    """What came back: ``data``, and ``errors`` as the caller sees them."""

    def __init__(self, result: Any) -> None:
        self.data: Any = result.data
        self.errors: list[dict[str, Any]] = [error.formatted for error in result.errors or ()]

    def codes(self) -> list[str]:
        """The errors' codes."""
        return [error["extensions"]["code"] for error in self.errors]


async def answer(
    gateway: Gateway,
    query: str,
    *,
    principal: Principal = LOCAL,
    context: RequestContext | None = None,
    **variables: Any,
) -> Answer:
    """The answer to one operation, whatever it holds."""
    context = context or gateway.context(principal)
    return Answer(await gateway.operations.execute(query, variables, context))


async def data(gateway: Gateway, query: str, *, principal: Principal = LOCAL, **variables: Any) -> Any:
    """The data of an operation that must go well."""
    answered = await answer(gateway, query, principal=principal, **variables)
    assert answered.errors == []
    return answered.data


def gid(type_name: str, backend: str, native_id: str) -> str:
    """A global id."""
    return encode(type_name, backend, native_id)
