"""One request's loads: as few adapter calls as there are backends, and nothing asked twice.

Keys hold the backend. Loaders live as long as a request, which has one principal, and look backends up among those that
this principal may see; so nothing loaded for one is ever another's.
"""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final

from msgspec import UNSET, Struct

from adapters.contract import AggregateRequest, ListRequest
from adapters.errors import UnsupportedByVendor
from adapters.freshness import is_reading_fresh
from adapters.model import Page
from adapters.own_rows import OwnRows
from gateway.backends import Backend
from gateway.loading import (
    CodeKey,
    EitherLoader,
    Loader,
    NodeLoader,
    NodesLoader,
    RawLoader,
    RecordKey,
    answered,
    backend_of,
    each,
)
from gateway.made_once import made_once
from gateway.own_pages import OwnPageKey, own_list_of, own_page_of, positions_of, rounds_of
from gateway.record_types import type_name
from gateway.safe_loader import SafeLoader

if TYPE_CHECKING:
    from gateway.context import RequestContext
    from gateway.dispatch.loading import DispatchItemLoader, DispatchListLoader
    from gateway.list_reading import ConnectionLoader
    from gateway.timeline import CounterpartLoader, TimelineLoader

__all__ = ["CodeKey", "Loader", "Loaders", "PageKey", "RecordKey", "SafeLoader", "each"]


ALWAYS = frozenset(("backend", "native_id"))
"""The attributes that a record has however little was wanted of it."""


class PageKey(Struct, frozen=True, cache_hash=True):
    """A part of a backend's list, of one customer's where ``customer_id`` is given; ``part`` is the adapter's."""

    part: str
    backend: str
    customer_id: str | None
    request: ListRequest


class Loaders:
    """The loaders of one request, by the names that fields declare; each is made when it is first needed."""

    def __init__(self, context: "RequestContext") -> None:
        self._begin(context)

    def _begin(self, context: "RequestContext") -> None:
        self._context = context
        self._own_pages: dict[tuple[str, str, ListRequest], SafeLoader] = {}
        self._listed: list[tuple[Sequence[Any], frozenset[str]]] = []
        self._known: dict[tuple[str, str, str], tuple[Any, frozenset[str]]] = {}

    @made_once
    def record(self) -> SafeLoader:
        """A record by native id."""
        return SafeLoader(self._records, self._context.reads, "record", backend_of)

    @made_once
    def code(self) -> SafeLoader:
        """A customer by code."""
        return SafeLoader(self._codes, self._context.reads, "code", backend_of)

    @made_once
    def page(self) -> SafeLoader:
        """A part of a list."""
        return SafeLoader(self._pages, self._context.reads, "page", backend_of)

    @made_once
    def aggregate(self) -> SafeLoader:
        """What a vendor computes."""
        return SafeLoader(self._aggregates, self._context.reads, "aggregate", itemgetter(0))

    @made_once
    def raw(self) -> RawLoader:
        """The vendor's own form of a record."""
        return RawLoader(self.record)

    @made_once
    def customer(self) -> EitherLoader:
        """A customer by its code, or a record by its native id."""
        return EitherLoader(self)

    @made_once
    def node(self) -> NodeLoader:
        """Whatever has a key."""
        return NodeLoader(self)

    @made_once
    def nodes(self) -> NodesLoader:
        """Several of those."""
        return NodesLoader(self.node)

    @made_once
    def connection(self) -> "ConnectionLoader":
        """A connection, over one list or several."""
        from gateway.list_reading import ConnectionLoader  # noqa: PLC0415 - it loads through these, as all below do

        return ConnectionLoader(self._context)

    @made_once
    def counterparts(self) -> "CounterpartLoader":
        """The same customer at other backends."""
        from gateway.timeline import CounterpartLoader  # noqa: PLC0415

        return CounterpartLoader(self._context)

    @made_once
    def timeline(self) -> "TimelineLoader":
        """What several backends sent, as one list."""
        from gateway.timeline import TimelineLoader  # noqa: PLC0415

        return TimelineLoader(self._context)

    @made_once
    def dispatch(self) -> SafeLoader:
        """A dispatch by its ledger id."""
        from gateway.dispatch.loading import dispatches_of  # noqa: PLC0415

        return SafeLoader(dispatches_of(self._context), self._context.reads, "dispatch")

    @made_once
    def dispatches(self) -> "DispatchListLoader":
        """What was sent."""
        from gateway.dispatch.loading import DispatchListLoader  # noqa: PLC0415

        return DispatchListLoader(self._context)

    @made_once
    def dispatch_items(self) -> "DispatchItemLoader":
        """What was sent to one customer, or of one document."""
        from gateway.dispatch.loading import DispatchItemLoader  # noqa: PLC0415

        return DispatchItemLoader(self._context)

    def let_go(self) -> None:
        """Lets go of the loaders, which refer to this as it does to them; whoever waits for what they read gets it."""
        for loader in (*self.__dict__.values(), *self._own_pages.values()):
            if type(loader) is SafeLoader:
                loader.let_go()
        context = self._context
        self.__dict__.clear()
        self._begin(context)

    async def _records(self, keys: Sequence[RecordKey]) -> list[Any]:
        if self._listed:
            self._remember()
        if len(keys) == 1 and not self._known:
            (key,) = keys
            read = self._read_records(key.type, key.backend, key.wanted, (key.native_id,))
            return [(await self.record.noted(keys, 1, read))[key.native_id]]
        wanted: dict[tuple[str, str, str], frozenset[str]] = defaultdict(frozenset)
        listed = {key: self._known[_identity(key)][0] for key in keys if self._knows(key)} if self._known else {}
        for key in keys:
            if key not in listed:
                wanted[_identity(key)] |= key.wanted
        groups: dict[tuple[str, str, frozenset[str]], list[str]] = defaultdict(list)
        for (of_type, backend, native_id), attributes in wanted.items():
            groups[of_type, backend, attributes].append(native_id)
        answers = await _gather(
            {
                group: self.record.noted(_at(keys, group[1]), len(ids), self._read_records(*group, ids))
                for group, ids in groups.items()
            }
        )
        return [
            listed[key]
            if key in listed
            else _of_key(answers[key.type, key.backend, wanted[_identity(key)]], key.native_id)
            for key in keys
        ]

    def _knows(self, key: RecordKey) -> bool:
        """Whether a list of this request has brought this record with all that is wanted of it, and that will do."""
        known = self._known.get(_identity(key))
        return known is not None and key.wanted <= known[1] and not is_reading_fresh()

    def _remember(self) -> None:
        """Takes up what lists have brought since: few requests ask for a record that a list of theirs has brought."""
        for records, wanted in self._listed:
            for record in records:
                have = frozenset(name for name in wanted | ALWAYS if getattr(record, name, UNSET) is not UNSET)
                self._known[type_name(record), record.backend, record.native_id] = (record, have)
        self._listed.clear()

    async def _read_records(
        self, of_type: str, backend_key: str, wanted: frozenset[str], native_ids: Sequence[str]
    ) -> Mapping[str, Any]:
        backend = self._context.backends.get(backend_key)
        read = None if backend is None else _reader(backend, of_type)
        if backend is None or read is None:
            return dict.fromkeys(native_ids)
        possible = [native_id for native_id in native_ids if backend.vendor.accepts(of_type, native_id)]
        answers = await read(possible, wanted) if possible else {}
        return {native_id: answers[native_id] if native_id in possible else None for native_id in native_ids}

    async def _codes(self, keys: Sequence[CodeKey]) -> list[Any]:
        groups: dict[tuple[str, frozenset[str]], list[str]] = defaultdict(list)
        for key in keys:
            groups[key.backend, key.wanted].append(key.code)
        answers = await _gather(
            {
                group: self.code.noted(_at(keys, group[0]), len(codes), self._read_codes(*group, codes))
                for group, codes in groups.items()
            }
        )
        return [_of_key(answers[key.backend, key.wanted], key.code) for key in keys]

    async def _read_codes(self, backend_key: str, wanted: frozenset[str], codes: Sequence[str]) -> Mapping[str, Any]:
        backend = self._context.backends.get(backend_key)
        if backend is None or backend.adapter.customers is None:
            return dict.fromkeys(codes)
        return await backend.adapter.customers.by_code(list(dict.fromkeys(codes)), wanted)

    async def _pages(self, keys: Sequence[PageKey]) -> list[Any]:
        groups: dict[tuple[str, str, ListRequest], list[OwnPageKey]] = defaultdict(list)
        reads: dict[Hashable, Awaitable[Any]] = {}
        for key in keys:
            if key.customer_id is None:
                reads[key] = self.page.noted((key,), 1, self._read_page(key))
            else:
                groups[own_list_of(key)].append(own_page_of(key))
        for group, places in groups.items():
            reads[group] = self.page.noted(_at(keys, group[1]), len(places), self._own_of(group, places))
        answers = await _gather(reads)
        for key in keys:
            page = answers[key] if key.customer_id is None else None
            if isinstance(page, Page):
                self._listed.append((page.records, key.request.wanted))
        return [
            answers[key] if key.customer_id is None else _of_key(answers[own_list_of(key)], own_page_of(key))
            for key in keys
        ]

    async def _read_page(self, key: PageKey) -> Any:
        return await getattr(self._backend(key.backend).adapter, key.part).page(key.request)

    def own_pages(self, part: str, backend: str, request: ListRequest) -> SafeLoader:
        """What reads the customers' own lists of a part: by native id from the beginning, or by it and a position.

        A customer's page may be one in `OwnRows`, which stand in the place of each that is.
        """
        which = (part, backend, request)
        known = self._own_pages.get(which)
        if known is None:
            known = SafeLoader(lambda keys: self._read_own_pages(which, keys), self._context.reads, "page")
            self._own_pages[which] = known
        return known

    async def _own_of(self, which: tuple[str, str, ListRequest], keys: Sequence[OwnPageKey]) -> Mapping[Any, Any]:
        answers: list[Any] = await self.own_pages(*which).load_many(keys)
        return {
            key: _of_key(answer, key) if isinstance(answer, OwnRows) else answer
            for key, answer in zip(keys, answers, strict=True)
        }

    async def _read_own_pages(self, which: tuple[str, str, ListRequest], keys: Sequence[OwnPageKey]) -> list[Any]:
        """One read of all, or where a customer's list is asked for from several places, one for each of them."""
        part, backend, request = which
        read = getattr(self._backend(backend).adapter, part).of_customers
        own = self.own_pages(*which)
        if set(map(type, keys)) == {str}:  # all from their beginnings, and no key is there twice
            answer = await answered(own.noted(keys, len(keys), read(keys, request, {})))
            return [answer] * len(keys) if isinstance(answer, OwnRows) else _of_keys(answer, keys)
        rounds = rounds_of(keys)
        answers = await _gather(
            {
                number: own.noted(turn.values(), len(turn), read(list(turn), request, positions_of(turn)))
                for number, turn in enumerate(rounds)
            }
        )
        pages = {
            key: _of_key(answers[number], customer_id)
            for number, turn in enumerate(rounds)
            for customer_id, key in turn.items()
        }
        return [pages[key] for key in keys]

    async def _aggregates(self, keys: Sequence[tuple[str, AggregateRequest]]) -> list[Any]:
        answers = await _gather({key: self.aggregate.noted((key,), 1, self._aggregate(*key)) for key in keys})
        return [answers[key] for key in keys]

    async def _aggregate(self, backend_key: str, request: AggregateRequest) -> Any:
        aggregate = self._backend(backend_key).adapter.aggregate
        if aggregate is None:
            raise UnsupportedByVendor("This backend cannot aggregate.", backend=backend_key)
        return await aggregate(request)

    def _backend(self, key: str) -> Backend:
        backend = self._context.backends.get(key)
        if backend is None:
            raise LookupError(key)
        return backend


def _at(keys: Iterable[Any], backend: str) -> Iterator[Any]:
    """Those of the keys that are of this backend."""
    return (key for key in keys if key.backend == backend)


def _identity(key: RecordKey) -> tuple[str, str, str]:
    return key.type, key.backend, key.native_id


_PARTS: Final = {
    "Customer": "customers",
    "Correspondence": "correspondence",
    "Letter": "letters",
    "CustomerEmailTemplate": "templates",
    "EmailTemplate": "templates",
    "CustomerMessage": "messages",
}
"""By record type, the part of an adapter that reads it."""


def _reader(backend: Backend, of_type: str) -> Callable[..., Awaitable[Mapping[str, Any]]] | None:
    """How records of a type are read by native id at this backend, if they are."""
    part: Any = getattr(backend.adapter, _PARTS[of_type])
    if part is None:
        return None
    read: Callable[..., Awaitable[Mapping[str, Any]]]
    read = part.email_templates if of_type == "EmailTemplate" else part.by_key
    return read


async def _gather(reads: Mapping[Any, Awaitable[Any]]) -> dict[Any, Any]:
    """All answers, failures included as values: one that fails does not disturb the others."""
    if len(reads) == 1:
        ((key, read),) = reads.items()
        return {key: await answered(read)}
    answers = await asyncio.gather(*reads.values(), return_exceptions=True)
    for answer in answers:
        if isinstance(answer, BaseException) and not isinstance(answer, Exception):
            raise answer
    return dict(zip(reads, answers, strict=True))


def _of_key(answer: Any, key: Hashable) -> Any:
    """One key's part of an answer: the failure of all is the failure of each."""
    if isinstance(answer, Exception):
        return answer
    return answer.get(key)


def _of_keys(answer: Any, keys: Collection[Hashable]) -> list[Any]:
    """Each key's part of an answer, likewise."""
    return [answer] * len(keys) if isinstance(answer, Exception) else list(map(answer.get, keys))
