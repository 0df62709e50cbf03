import itertools

import pytest

from gateway.dispatch.records import DispatchState, ItemState, state_of

Q, S, A = ItemState.QUEUED, ItemState.SENDING, ItemState.ACCEPTED
F, U, SKIPPED, CANCELLED = ItemState.FAILED, ItemState.UNKNOWN, ItemState.SKIPPED, ItemState.CANCELLED
SETS = [states for size in range(1, 8) for states in itertools.combinations(ItemState, size)]


def states_of(*states: ItemState) -> DispatchState:
    return state_of(dict.fromkeys(states, 2))


@pytest.mark.parametrize(
    ("states", "state"),
    [
        ([Q], "QUEUED"),
        ([Q, SKIPPED, CANCELLED], "QUEUED"),
        ([S], "RUNNING"),
        ([Q, S], "RUNNING"),
        ([Q, A], "RUNNING"),
        ([Q, F], "RUNNING"),
        ([Q, U], "RUNNING"),
        ([A, U, F], "UNKNOWN"),
        ([U, CANCELLED], "UNKNOWN"),
        ([F], "FAILED"),
        ([F, CANCELLED], "COMPLETED_WITH_FAILURES"),
        ([F, A], "COMPLETED_WITH_FAILURES"),
        ([F, SKIPPED], "COMPLETED_WITH_FAILURES"),
        ([A], "SUCCEEDED"),
        ([A, SKIPPED, CANCELLED], "SUCCEEDED"),
        ([SKIPPED], "SUCCEEDED"),
        ([CANCELLED], "CANCELLED"),
        ([CANCELLED, SKIPPED], "CANCELLED"),
        ([], "SUCCEEDED"),
    ],
)
def test_a_dispatch_stands_as_its_items_do(states: list[ItemState], state: str) -> None:
    assert states_of(*states) == state


@pytest.mark.parametrize("states", SETS, ids="+".join)
def test_the_gravest_comes_first_in_any_mixture(states: tuple[ItemState, ...]) -> None:
    state = states_of(*states)
    pending = Q in states or S in states
    assert (state in {DispatchState.QUEUED, DispatchState.RUNNING}) == pending
    assert (state is DispatchState.UNKNOWN) == (U in states and not pending)
    failed = {DispatchState.FAILED, DispatchState.COMPLETED_WITH_FAILURES}
    assert (state in failed) == (F in states and U not in states and not pending)
    paused = state_of(dict.fromkeys(states, 1), paused=True)
    assert paused == (DispatchState.PAUSED if pending else state)


def test_counts_of_none_count_for_nothing() -> None:
    assert state_of({ItemState.ACCEPTED: 1, ItemState.FAILED: 0, ItemState.QUEUED: 0}) is DispatchState.SUCCEEDED
