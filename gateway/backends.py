"""The configured connections, what each can do, and which of them a caller may see."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from enum import StrEnum

import httpx

from adapters.contract import Adapter, Limits, Vendor
from adapters.model import DocumentKind
from adapters.wire import WireRequest, url_under
from gateway.ids import InvalidId, Ref, decode, encode
from gateway.list_sizes import MOST_KEYS, no_more_than
from gateway.problems import Problem, ProblemCode, ProblemError
from gateway.upstream.health import Health
from gateway.upstream.limits import Limiter

__all__ = ["Backend", "Backends", "Capability", "capabilities_of"]


class Capability(StrEnum):
    """What a backend can do."""

    READ_CUSTOMERS = "READ_CUSTOMERS"
    READ_CORRESPONDENCE = "READ_CORRESPONDENCE"
    WRITE_CORRESPONDENCE = "WRITE_CORRESPONDENCE"
    READ_LETTERS = "READ_LETTERS"
    WRITE_LETTERS = "WRITE_LETTERS"
    READ_TEMPLATES = "READ_TEMPLATES"
    WRITE_TEMPLATES = "WRITE_TEMPLATES"
    AGGREGATE_TEMPLATES = "AGGREGATE_TEMPLATES"
    READ_MESSAGES = "READ_MESSAGES"
    WRITE_MESSAGES = "WRITE_MESSAGES"
    EMAIL_DOCUMENT = "EMAIL_DOCUMENT"
    DELIVER_DOCUMENT = "DELIVER_DOCUMENT"
    POST_DOCUMENT = "POST_DOCUMENT"
    SET_DOCUMENT_STATUS = "SET_DOCUMENT_STATUS"
    EMAIL_STATEMENT = "EMAIL_STATEMENT"
    DOCUMENT_PDF = "DOCUMENT_PDF"
    DOCUMENT_PREVIEW = "DOCUMENT_PREVIEW"


_PARTS: Mapping[str, Capability] = {
    "customers": Capability.READ_CUSTOMERS,
    "correspondence": Capability.READ_CORRESPONDENCE,
    "write_correspondence": Capability.WRITE_CORRESPONDENCE,
    "letters": Capability.READ_LETTERS,
    "write_letters": Capability.WRITE_LETTERS,
    "templates": Capability.READ_TEMPLATES,
    "write_templates": Capability.WRITE_TEMPLATES,
    "aggregate": Capability.AGGREGATE_TEMPLATES,
    "messages": Capability.READ_MESSAGES,
    "write_messages": Capability.WRITE_MESSAGES,
    "email_document": Capability.EMAIL_DOCUMENT,
    "deliver_document": Capability.DELIVER_DOCUMENT,
    "post_document": Capability.POST_DOCUMENT,
    "set_document_status": Capability.SET_DOCUMENT_STATUS,
    "email_statements": Capability.EMAIL_STATEMENT,
    "pdf": Capability.DOCUMENT_PDF,
    "preview": Capability.DOCUMENT_PREVIEW,
}
"""The part of an adapter that each capability is."""


def capabilities_of(adapter: Adapter) -> tuple[Capability, ...]:
    """What an adapter offers, in the enumeration's order."""
    offered = adapter.offers()
    return tuple(capability for part, capability in _PARTS.items() if part in offered)


@dataclass(frozen=True, kw_only=True, eq=False)
class Backend:
    """One configured connection. What ``ahead`` gives reaches the vendor for a write inside that is to come."""

    key: str
    vendor: Vendor
    adapter: Adapter
    capabilities: tuple[Capability, ...]
    base_url: str
    limits: Limits
    timeout: float
    health: Health
    limiter: Limiter
    shares_codes_with: tuple[str, ...] = ()
    ahead: Callable[[], AbstractContextManager[Callable[[], None] | None]] = nullcontext

    @property
    def id(self) -> str:
        """Its global id."""
        return encode("Backend", self.key, self.key)

    def url(self, request: WireRequest) -> httpx.URL:
        """Where a request goes, without its credential."""
        base = httpx.URL(self.base_url.rstrip("/") + "/")
        return url_under(base, request.path, request.query, trailing_slash=request.trailing_slash)

    def document_kinds(self) -> tuple[DocumentKind, ...]:
        """The kinds of document it holds."""
        parts = {DocumentKind.CORRESPONDENCE: self.adapter.correspondence, DocumentKind.LETTER: self.adapter.letters}
        return tuple(kind for kind, part in parts.items() if part is not None)


class Backends:
    """A set of backends, in configured order: all of them, or those that a principal may see."""

    def __init__(self, backends: Iterable[Backend]) -> None:
        self._by_key = {backend.key: backend for backend in backends}

    def __iter__(self) -> Iterator[Backend]:
        return iter(self._by_key.values())

    def __len__(self) -> int:
        return len(self._by_key)

    def get(self, key: str) -> Backend | None:
        """The backend of this key, if it is there."""
        return self._by_key.get(key)

    def visible(self, keys: frozenset[str] | None) -> "Backends":
        """Those of these keys; None for all."""
        if keys is None:
            return self
        return Backends(backend for backend in self if backend.key in keys)

    def named(self, key: str, argument: str = "backend") -> Backend:
        """The backend that the caller named. Raises INVALID_INPUT when there is none for this caller."""
        backend = self._by_key.get(key)
        if backend is None:
            raise ProblemError(
                Problem(code=ProblemCode.INVALID_INPUT, message=f"There is no backend {key!r}.", path=(argument,))
            )
        return backend

    def chosen(self, keys: list[str] | None) -> tuple[Backend, ...]:
        """The backends that a list is narrowed to, each once, in configured order; all for None.

        Raises INVALID_INPUT when one is not there for this caller, and for more than anybody has.
        """
        if keys is None:
            return tuple(self)
        no_more_than(keys, MOST_KEYS, "backends", of="keys")
        wanted = {key: self.named(key, "backends") for key in keys}
        if len(wanted) == 1:
            return tuple(wanted.values())
        return tuple(backend for backend in self if backend.key in wanted)

    def locate(self, value: str, *types: str) -> Ref | None:
        """What an id stands for when it is of one of these types, at a backend of this set, and possible at its vendor.

        None otherwise: a foreign id, a malformed one and one of an invisible backend look the same.
        """
        try:
            ref = decode(value)
        except InvalidId:
            return None
        backend = self._by_key.get(ref.backend)
        if ref.type not in types or backend is None or not backend.vendor.accepts(ref.type, ref.native_id):
            return None
        return ref

    def require(self, value: str, *types: str, argument: str) -> Ref:
        """Like `locate`, for an input: raises NOT_FOUND naming the argument."""
        ref = self.locate(value, *types)
        if ref is None:
            expected = " or ".join(types)
            message = f"No {expected} has this id here."
            raise ProblemError(Problem(code=ProblemCode.NOT_FOUND, message=message, path=(argument,)))
        return ref
