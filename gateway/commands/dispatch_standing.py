"""How a dispatch stands, whether the ledger said so or a gateway did."""

from collections.abc import Mapping

from msgspec import Struct

from gateway.dispatch.records import Dispatch, DispatchAction, DispatchState, ItemState

__all__ = ["Standing", "standing_of"]

_PENDING = (ItemState.QUEUED, ItemState.SENDING)
_AMISS = (ItemState.FAILED, ItemState.UNKNOWN)


class Standing(Struct, frozen=True, kw_only=True):
    """A dispatch's ledger id, its state, its items counted by state; why it is paused, where that is known."""

    id: str
    action: DispatchAction
    state: DispatchState
    counts: Mapping[ItemState, int]
    paused: str | None = None

    @property
    def total(self) -> int:
        """All items."""
        return sum(self.counts.values())

    @property
    def pending(self) -> int:
        """Items that are still to be sent, or being sent."""
        return sum(self.counts.get(state, 0) for state in _PENDING)

    @property
    def exit_code(self) -> int:
        """0 when no item is FAILED or UNKNOWN, else 1."""
        return 1 if any(self.counts.get(state, 0) for state in _AMISS) else 0


def standing_of(dispatch: Dispatch) -> Standing:
    """How a dispatch of the ledger stands."""
    paused = dispatch.paused
    return Standing(
        id=dispatch.id,
        action=dispatch.action,
        state=dispatch.state,
        counts=dispatch.counts,
        paused=None if paused is None else f"{paused.code.value}: {paused.message}",
    )
