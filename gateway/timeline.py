"""Customers and their counterparts, and what was sent to them as one timeline."""

import asyncio
from collections.abc import Awaitable, Sequence
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct

from adapters.errors import AdapterError
from adapters.model import Customer
from gateway.ids import Ref
from gateway.list_reading import read_connection
from gateway.lists import Connection, ConnectionKey, Stream
from gateway.loaders import CodeKey, RecordKey, each
from gateway.problems import Problem, failed
from gateway.safe_loader import together

if TYPE_CHECKING:
    from gateway.context import RequestContext

__all__ = ["CounterpartKey", "CounterpartLoader", "TimelineKey", "TimelineLoader", "customer_streams"]

DOCUMENT_PARTS = ("correspondence", "letters")
"""The parts of an adapter that hold documents."""


class CounterpartKey(Struct, frozen=True):
    """The same customer elsewhere: at the backends that share codes with ``backend``."""

    backend: str
    code: str
    wanted: frozenset[str]


class CounterpartLoader:
    """Finds counterparts by code, never by name, and only where the settings say that codes are shared."""

    apart = staticmethod(together)

    def __init__(self, context: "RequestContext") -> None:
        self._context = context

    def load_many(self, keys: Sequence[CounterpartKey]) -> Awaitable[list[Any]]:
        """The counterparts for each key."""
        return each(self, keys)

    async def load(self, key: CounterpartKey) -> list[Customer | AdapterError]:
        """The counterparts in configured order; where a backend could not be asked, its error in its place."""
        own = self._context.backends.get(key.backend)
        sharing = () if own is None else own.shares_codes_with
        others = [backend for backend in self._context.backends if backend.key in sharing]
        answers = await asyncio.gather(
            *(self._context.loaders.code.load(CodeKey(other.key, key.code, key.wanted)) for other in others),
            return_exceptions=True,
        )
        found: list[Customer | AdapterError] = []
        for answer in answers:
            if isinstance(answer, BaseException) and not isinstance(answer, AdapterError):
                raise answer
            if answer is not None:
                found.append(answer)
        return found


class TimelineKey(Struct, frozen=True):
    """The documents of these customers at these backends, counterparts included when asked.

    ``connection`` says the rest; its streams are those to read where no customers are named (None).
    """

    customers: tuple[Ref, ...] | None
    with_counterparts: bool
    backends: frozenset[str]
    connection: ConnectionKey


class TimelineLoader:
    """Makes one list of what several backends sent to several customers."""

    apart = staticmethod(together)

    def __init__(self, context: "RequestContext") -> None:
        self._context = context

    def load_many(self, keys: Sequence[TimelineKey]) -> Awaitable[list[Any]]:
        """The timelines in the keys' order."""
        return each(self, keys)

    async def load(self, key: TimelineKey) -> Connection:
        """The connection. Customers that could not be looked up are among its problems."""
        if key.customers is None:
            return await read_connection(key.connection, self._context)
        refs = list(key.customers)
        problems: list[Problem] = []
        if key.with_counterparts:
            more, problems = await self._counterparts(refs)
            refs += more
        there = [ref for ref in dict.fromkeys(refs) if ref.backend in key.backends]
        streams = [stream for ref in there for stream in customer_streams(self._context, ref, DOCUMENT_PARTS)]
        connection = msgspec.structs.replace(
            key.connection,
            streams=tuple(streams),
            asked=_asked(key),
            incomplete=bool(problems),
            problems=tuple(problems),
        )
        return await read_connection(connection, self._context)

    async def _counterparts(self, refs: Sequence[Ref]) -> tuple[list[Ref], list[Problem]]:
        loaders = self._context.loaders
        wanted = frozenset(("code",))
        own: list[Any] = await asyncio.gather(
            *(loaders.record.load(RecordKey("Customer", ref.backend, ref.native_id, wanted)) for ref in refs),
            return_exceptions=True,
        )
        problems = [failed(answer, ref.backend) for ref, answer in zip(refs, own, strict=True) if _failed(answer)]
        keys = [
            CounterpartKey(record.backend, record.code, wanted)
            for record in own
            if isinstance(record, Customer) and record.code is not None
        ]
        found = [one for many in await asyncio.gather(*map(loaders.counterparts.load, keys)) for one in many]
        problems += [failed(one) for one in found if isinstance(one, AdapterError)]
        return [Ref("Customer", one.backend, one.native_id) for one in found if isinstance(one, Customer)], problems


def _asked(key: TimelineKey) -> tuple[str, ...]:
    """What a cursor of this timeline is good for, whatever could be looked up."""
    customers = (f"{ref.backend}/{ref.native_id}" for ref in key.customers or ())
    return (f"counterparts={key.with_counterparts}", *sorted(key.backends), "of", *sorted(customers))


def _failed(answer: Any) -> bool:
    if isinstance(answer, BaseException) and not isinstance(answer, AdapterError):
        raise answer
    return isinstance(answer, AdapterError)


def customer_streams(context: "RequestContext", ref: Ref, parts: Sequence[str]) -> tuple[Stream, ...]:
    """One customer's lists, of those of these parts that its backend has."""
    backend = context.backends.get(ref.backend)
    return tuple(
        Stream(f"{ref.backend}/{part}/{ref.native_id}", ref.backend, part, ref.native_id)
        for part in parts
        if backend is not None and getattr(backend.adapter, part) is not None
    )
