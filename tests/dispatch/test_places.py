"""Cursors of the ledger tell nothing, and are taken back by the list that made them alone."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.dispatch.places import LedgerPlaces
from gateway.problems import ProblemError

NUMBERS = st.integers(0, 2**63 - 1)
NAMES = st.text()
PLACES = LedgerPlaces(b"k" * 32)


@given(NAMES, NUMBERS)
def test_a_cursor_stands_for_the_place_that_it_was_made_of(name: str, number: int) -> None:
    cursor = PLACES.cursor(name, number)
    assert (PLACES.place(name, cursor), cursor) == (number, PLACES.cursor(name, number))


def test_without_a_cursor_there_is_no_place() -> None:
    assert PLACES.place("a", None) is None


@given(NAMES, NUMBERS, st.integers(0, 24 * 8 - 1))
def test_a_cursor_with_any_bit_changed_is_refused(name: str, number: int, bit: int) -> None:
    sealed = bytearray(base64.urlsafe_b64decode(PLACES.cursor(name, number)))
    sealed[bit // 8] ^= 1 << bit % 8
    with pytest.raises(ProblemError):
        PLACES.place(name, base64.urlsafe_b64encode(sealed).decode())


@given(NAMES, NAMES, NUMBERS)
def test_a_cursor_of_another_list_or_key_is_refused(name: str, other: str, number: int) -> None:
    with pytest.raises(ProblemError):
        PLACES.place(name + other + "x", PLACES.cursor(name, number))
    with pytest.raises(ProblemError):
        LedgerPlaces(b"j" * 32).place(name, PLACES.cursor(name, number))


@given(st.text() | st.binary().map(lambda some: base64.urlsafe_b64encode(some).decode()))
def test_whatever_else_comes_is_refused(cursor: str) -> None:
    with pytest.raises(ProblemError):
        PLACES.place("a", cursor)


@given(NAMES, st.lists(NUMBERS, min_size=2, max_size=9, unique=True))
def test_no_two_places_are_masked_alike(name: str, numbers: list[int]) -> None:
    masked = [base64.urlsafe_b64decode(PLACES.cursor(name, number))[16:] for number in numbers]
    masks = {int.from_bytes(one, "big") ^ number for one, number in zip(masked, numbers, strict=True)}
    assert len(masks) == len(numbers)
