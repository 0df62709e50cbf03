"""Which reads must be the vendor's answer of now: what decides about a send, or whether a backend works.

It is said once, around what is read, however deep below the calls are made; each call then tells it to our caches and
to those on the way (`adapters.wire.CallInfo`).
"""

import contextlib
import contextvars
from collections.abc import Callable, Iterator
from typing import Final

__all__ = ["is_reading_fresh", "reading_fresh"]

_fresh: contextvars.ContextVar[bool] = contextvars.ContextVar("reading_fresh", default=False)


@contextlib.contextmanager
def reading_fresh(*, fresh: bool = True) -> Iterator[None]:
    """Whatever is read inside, also by tasks begun inside, is the vendor's answer of now.

    With ``fresh=False`` it need not be, whoever is outside: for what is read for several.
    """
    token = _fresh.set(fresh)
    try:
        yield
    finally:
        _fresh.reset(token)


is_reading_fresh: Final[Callable[[], bool]] = _fresh.get
"""Whether no earlier answer will do."""
