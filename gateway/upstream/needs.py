"""Why a vendor is called: for which fields of the query, by which loader, for how many keys; noted if somebody asks."""

import contextlib
import contextvars
from collections.abc import Awaitable, Callable, Iterable, Iterator
from typing import Final, TypeVar

from msgspec import Struct

__all__ = ["Need", "current_field", "current_need", "for_field", "for_keys", "needed_by"]

T = TypeVar("T")


class Need(Struct, frozen=True, kw_only=True):
    """``fields`` are the query's, by their response keys and without list indices: ``customers.nodes.letters``.

    ``keys`` is how many keys the loader asked for together; a vendor may take several calls for them.
    """

    loader: str | None = None
    fields: tuple[str, ...] = ()
    keys: int | None = None


_field: contextvars.ContextVar[str | None] = contextvars.ContextVar("field", default=None)
_need: contextvars.ContextVar[Need | None] = contextvars.ContextVar("need", default=None)


current_field: Final[Callable[[], str | None]] = _field.get
"""The field that is being resolved, where that is noted."""


def current_need() -> Need | None:
    """Why a call is made here: for a loader's keys, or else for a field."""
    need, field = _need.get(), _field.get()
    return Need(fields=(field,)) if need is None and field is not None else need


@contextlib.contextmanager
def for_field(field: str) -> Iterator[None]:
    """Whatever is asked inside is asked for this field."""
    token = _field.set(field)
    try:
        yield
    finally:
        _field.reset(token)


async def needed_by(field: str, work: Callable[[], Awaitable[T]]) -> T:
    """What the work gives, which is done for this field."""
    with for_field(field):
        return await work()


async def for_keys(loader: str, fields: Iterable[str], keys: int, work: Awaitable[T]) -> T:
    """What the work gives, which a loader does for so many keys that these fields need."""
    token = _need.set(Need(loader=loader, fields=tuple(dict.fromkeys(fields)), keys=keys))
    try:
        return await work
    finally:
        _need.reset(token)
