"""One request's loads: as few adapter calls as there are backends, and nothing asked twice.

Keys hold the backend. Loaders live as long as a request, which has one principal, and look backends up among those that
this principal may see; so nothing loaded for one is ever another's.
"""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Protocol

from msgspec import UNSET, Struct

from adapters.contract import AggregateRequest, ListRequest
from adapters.errors import UnsupportedByVendor
from adapters.freshness import is_reading_fresh
from adapters.model import Page
from gateway.backends import Backend
from gateway.own_pages import OwnPageKey, own_list_of, own_page_of, positions_of, rounds_of
from gateway.problems import ProblemError
from gateway.record_types import type_name
from gateway.safe_loader import SafeLoader, together

if TYPE_CHECKING:
    from gateway.context import RequestContext

__all__ = ["CodeKey", "Loader", "Loaders", "PageKey", "RecordKey", "SafeLoader", "each"]


ALWAYS = frozenset(("backend", "native_id"))
"""The attributes that a record has however little was wanted of it."""


class RecordKey(Struct, frozen=True):
    """One record by native id, with the attributes wanted."""

    type: str
    backend: str
    native_id: str
    wanted: frozenset[str]


class CodeKey(Struct, frozen=True):
    """One customer by code."""

    backend: str
    code: str
    wanted: frozenset[str]


class PageKey(Struct, frozen=True, cache_hash=True):
    """A part of a backend's list, of one customer's where ``customer_id`` is given; ``part`` is the adapter's."""

    part: str
    backend: str
    customer_id: str | None
    request: ListRequest


class Loader(Protocol):
    """What a field may be loaded by."""

    def apart(self, key: Any, /) -> Hashable:
        """What is loaded apart: what is below one such part need not wait for another."""

    def load(self, key: Any, /) -> Awaitable[Any]:
        """The value of a key."""

    def load_many(self, keys: Sequence[Any], /) -> Awaitable[list[Any]]:
        """The values of these keys in their order, with an error in the place of each that failed."""


async def each(loader: Any, keys: Sequence[Any]) -> list[Any]:
    """What a loader that knows no better loads for many keys: each by itself, all at once."""
    if len(keys) == 1:
        return [await _answer(loader.load(keys[0]))]
    return await asyncio.gather(*map(loader.load, keys), return_exceptions=True)


def _backend_of(key: Any) -> Hashable:
    backend: str = key.backend
    return backend


class _Either:
    """A customer by its code, or a record by its native id."""

    def __init__(self, by_code: SafeLoader, by_key: SafeLoader) -> None:
        self._by_code = by_code
        self._by_key = by_key

    apart = staticmethod(_backend_of)

    def load(self, key: "CodeKey | RecordKey") -> Awaitable[Any]:
        """The record of either kind of key."""
        return self._by_code.load(key) if isinstance(key, CodeKey) else self._by_key.load(key)

    def load_many(self, keys: "Sequence[CodeKey | RecordKey]") -> Awaitable[list[Any]]:
        """The customers in the keys' order."""
        return each(self, keys)


class _RawLoader:
    """The vendor's own form of a record, read in a call of its own where the record came without."""

    apart = staticmethod(_backend_of)

    def __init__(self, record: SafeLoader) -> None:
        self._record = record

    async def load_many(self, records: Sequence[Any]) -> list[Any]:
        """Those of these records in their order."""
        unset = [record for record in records if record.raw is UNSET]
        wanted = frozenset(("raw",))
        keys = [RecordKey(type_name(record), record.backend, record.native_id, wanted) for record in unset]
        whole = iter(await self._record.load_many(keys) if keys else ())
        return [_raw(next(whole) if record.raw is UNSET else record) for record in records]

    async def load(self, record: Any) -> Any:
        """That of a record; None where it is gone meanwhile."""
        if record.raw is UNSET:
            key = RecordKey(type_name(record), record.backend, record.native_id, frozenset(("raw",)))
            record = await self._record.load(key)
        return _raw(record)


def _raw(record: Any) -> Any:
    """A record's own form, or why there is no such record."""
    if record is None or isinstance(record, Exception):
        return record
    return None if record.raw is UNSET else record.raw


class _NodeLoader:
    """Whatever has a key: a record by its own, a dispatch by its ledger id, a backend as it is; a refusal is raised."""

    apart = staticmethod(together)

    def __init__(self, loaders: "Loaders") -> None:
        self._loaders = loaders

    def load_many(self, keys: Sequence[Any]) -> Awaitable[list[Any]]:
        """The nodes in the keys' order."""
        return each(self, keys)

    async def load(self, key: "RecordKey | CodeKey | str | Backend | ProblemError | None") -> Any:
        """The node, or None."""
        if isinstance(key, RecordKey | CodeKey):
            return await self._loaders.customer.load(key)
        if isinstance(key, ProblemError):
            raise key
        return await self._loaders.dispatch.load(key) if isinstance(key, str) else key


class _NodesLoader:
    """Several nodes; one that fails is its error in its place."""

    apart = staticmethod(together)

    def __init__(self, node: _NodeLoader) -> None:
        self._node = node

    def load_many(self, keys: Sequence[Any]) -> Awaitable[list[Any]]:
        """Several such lists."""
        return each(self, keys)

    async def load(self, keys: Sequence[Any]) -> list[Any]:
        """The nodes in the keys' order."""
        found = await asyncio.gather(*map(self._node.load, keys), return_exceptions=True)
        return list(found)


class Loaders:
    """The loaders of one request, by the names that fields declare."""

    def __init__(self, context: "RequestContext") -> None:
        from gateway.dispatch.loading import DispatchItemLoader, DispatchListLoader, dispatches_of  # noqa: PLC0415
        from gateway.list_reading import ConnectionLoader  # noqa: PLC0415 - they load through these
        from gateway.timeline import CounterpartLoader, TimelineLoader  # noqa: PLC0415

        self._context = context
        self._own_pages: dict[tuple[str, str, ListRequest], SafeLoader] = {}
        self._listed: list[tuple[Sequence[Any], frozenset[str]]] = []
        self._known: dict[tuple[str, str, str], tuple[Any, frozenset[str]]] = {}
        self.record = SafeLoader(self._records, context.reads, "record", _backend_of)
        self.code = SafeLoader(self._codes, context.reads, "code", _backend_of)
        self.page = SafeLoader(self._pages, context.reads, "page", _backend_of)
        self.aggregate = SafeLoader(self._aggregates, context.reads, "aggregate", itemgetter(0))
        self.raw = _RawLoader(self.record)
        self.customer = _Either(self.code, self.record)
        self.node = _NodeLoader(self)
        self.nodes = _NodesLoader(self.node)
        self.connection = ConnectionLoader(context)
        self.counterparts = CounterpartLoader(context)
        self.timeline = TimelineLoader(context)
        self.dispatch = SafeLoader(dispatches_of(context), context.reads, "dispatch")
        self.dispatches = DispatchListLoader(context)
        self.dispatch_items = DispatchItemLoader(context)

    def let_go(self) -> None:
        """Lets go of what was read; whoever waits for something of it still gets it."""
        for loader in (self.record, self.code, self.page, self.aggregate, self.dispatch, *self._own_pages.values()):
            loader.let_go()
        self._own_pages, self._listed, self._known = {}, [], {}

    async def _records(self, keys: Sequence[RecordKey]) -> list[Any]:
        wanted: dict[tuple[str, str, str], frozenset[str]] = defaultdict(frozenset)
        self._remember()
        listed = {key: self._known[_identity(key)][0] for key in keys if self._knows(key)}
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
        """What reads the customers' own lists of a part: by native id from the beginning, or by it and a position."""
        which = (part, backend, request)
        known = self._own_pages.get(which)
        if known is None:
            known = SafeLoader(lambda keys: self._read_own_pages(which, keys), self._context.reads, "page")
            self._own_pages[which] = known
        return known

    async def _own_of(self, which: tuple[str, str, ListRequest], keys: Sequence[OwnPageKey]) -> Mapping[Any, Any]:
        return dict(zip(keys, await self.own_pages(*which).load_many(keys), strict=True))

    async def _read_own_pages(self, which: tuple[str, str, ListRequest], keys: Sequence[OwnPageKey]) -> list[Any]:
        """One read of all, or where a customer's list is asked for from several places, one for each of them."""
        part, backend, request = which
        read = getattr(self._backend(backend).adapter, part).of_customers
        own = self.own_pages(*which)
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


def _reader(backend: Backend, of_type: str) -> Callable[..., Awaitable[Mapping[str, Any]]] | None:
    """How records of a type are read by native id at this backend, if they are."""
    adapter = backend.adapter
    parts: dict[str, Any] = {
        "Customer": adapter.customers,
        "Correspondence": adapter.correspondence,
        "Letter": adapter.letters,
        "CustomerEmailTemplate": adapter.templates,
        "EmailTemplate": adapter.templates,
        "CustomerMessage": adapter.messages,
    }
    part = parts[of_type]
    if part is None:
        return None
    read: Callable[..., Awaitable[Mapping[str, Any]]]
    read = part.email_templates if of_type == "EmailTemplate" else part.by_key
    return read


async def _gather(reads: Mapping[Any, Awaitable[Any]]) -> dict[Any, Any]:
    """All answers, failures included as values: one that fails does not disturb the others."""
    if len(reads) == 1:
        ((key, read),) = reads.items()
        return {key: await _answer(read)}
    answers = await asyncio.gather(*reads.values(), return_exceptions=True)
    for answer in answers:
        if isinstance(answer, BaseException) and not isinstance(answer, Exception):
            raise answer
    return dict(zip(reads, answers, strict=True))


async def _answer(read: Awaitable[Any]) -> Any:
    try:
        return await read
    except Exception as error:  # noqa: BLE001 - it is the answer
        return error


def _of_key(answer: Any, key: Hashable) -> Any:
    """One key's part of an answer: the failure of all is the failure of each."""
    if isinstance(answer, Exception):
        return answer
    return answer.get(key)
