"""By which call to a vendor a failure was found: all that fail by one call have failed together."""

import contextvars

__all__ = ["Asked", "asked_last", "asking"]


class Asked:
    """One call to a vendor: all who failed by it failed together. ``incident`` is what its failure is called, if it is.

    Of several who shared one call each has the same.
    """

    __slots__ = ("incident",)

    def __init__(self) -> None:
        self.incident: str | None = None


_asked: contextvars.ContextVar[Asked | None] = contextvars.ContextVar("asked", default=None)


def asked_last() -> Asked | None:
    """The call that this task made last, or shared."""
    return _asked.get()


def asking(asked: Asked) -> None:
    """Says by which call a failure is, that this task finds from now on."""
    _asked.set(asked)
