"""What counts as growth, and what does not."""

import random

import pytest

from tests.soak.growth import BOUNDS, growth_of, table

MINUTES = 10
SECONDS = range(MINUTES * 60)


def noise(size: float) -> float:
    return DICE.uniform(-size, size)


DICE = random.Random(7)  # noqa: S311 - to be the same each time


@pytest.mark.parametrize("name", BOUNDS)
def test_what_comes_and_goes_does_not_grow(name: str) -> None:
    assert not growth_of(name, [(s, 100 + noise(3 * BOUNDS[name].slack)) for s in SECONDS]).is_too_much


@pytest.mark.parametrize("name", BOUNDS)
def test_what_was_taken_while_it_warmed_up_does_not_grow(name: str) -> None:
    samples = [(s, float(min(s, 200) + 100)) for s in SECONDS]
    assert growth_of(name, samples).grown == pytest.approx(0)


@pytest.mark.parametrize("name", BOUNDS)
def test_what_rises_slowly_and_without_an_end_grows(name: str) -> None:
    a_minute = 1.2 * BOUNDS[name].a_minute + BOUNDS[name].slack / (MINUTES / 2)
    assert growth_of(
        name, [(s, 100 + noise(0.2 * BOUNDS[name].slack) + a_minute * s / 60) for s in SECONDS]
    ).is_too_much


def test_the_table_names_what_is_too_much() -> None:
    growths = [growth_of("tasks", [(s, float(s)) for s in SECONDS]), growth_of("threads", [(s, 9.0) for s in SECONDS])]
    assert [line.endswith("TOO MUCH") for line in table(growths)] == [False, True, False]
