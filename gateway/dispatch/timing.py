"""How long a claim is good for, and how soon a dead process is noticed."""

from datetime import timedelta

from msgspec import Struct

__all__ = ["USUAL", "Timing"]


class Timing(Struct, frozen=True, kw_only=True):
    """The dispatch ledger's times, the same in all processes that share it.

    A claim is good for all that its call may take (`lease`), and ``lease_margin`` for writing it and its outcome down.
    ``sweep_every`` is how often a process says that it is alive and looks after the others; one that has not said so
    for ``dead_after`` is taken for dead. Being wrong costs nothing: it may go on, and the ledger's claims keep what it
    sends apart from what its adopters send.
    """

    lease_margin: timedelta = timedelta(seconds=30)
    sweep_every: timedelta = timedelta(seconds=5)
    dead_after: timedelta = timedelta(seconds=20)

    def lease(self, seconds: float, *, reads: int = 0) -> timedelta:
        """How long a claim is good for at a backend that gives a call so many ``seconds``, with so many reads before.

        A write may wait that long for its turn, and has all that time again from then. A lease that ended before would
        make UNKNOWN what is still to be sent; evidence could then say of it that it was not.
        """
        return timedelta(seconds=(reads + 2) * seconds) + self.lease_margin


USUAL = Timing()
