"""How costs grow is told by the last step, and asked of answers that are right."""

import contextlib

import pytest
from msgspec import structs

from bench.campaign import Report
from bench.contenders import HAND_WRITTEN, LONG_POSTROOM, Running
from bench.growth import CURVES, Point, exponent, measured
from bench.machine import Machine
from bench.measuring import Standin, compare
from bench.processes import LOAD_CORE, python, started
from bench.tables import growth_table
from bench.workloads import backends


@pytest.mark.parametrize(
    ("costs", "power"), [((1.0, 2.0, 4.0), 1.0), ((1.0, 4.0, 16.0), 2.0), ((3.0, 3.0, 3.0), 0.0)], ids=str
)
def test_a_cost_grows_with_a_power_of_its_size(costs: tuple[float, ...], power: float) -> None:
    assert exponent([Point(2**place, cost) for place, cost in enumerate(costs)]) == pytest.approx(power)


@pytest.mark.parametrize(("last", "said"), [(200.0, "linear or better"), (400.0, "more than linear")])
def test_the_table_says_what_is_more_than_linear(last: float, said: str) -> None:
    machine = Machine(processor="", cores=2, system="", python="", node=None, versions={})
    report = Report(machine=machine, growth={"fields": [Point(10, 100.0), Point(20, last)]})

    assert said in growth_table(report)


def test_the_table_shows_the_handlers_growth_below_postrooms() -> None:
    machine = Machine(processor="", cores=2, system="", python="", node=None, versions={})
    ours, by_hand = [Point(1, 1.0), Point(8, 8.0)], [Point(1, 0.5), Point(8, 8.0)]
    report = Report(machine=machine, growth={"clients": ours}, growth_by_hand={"clients": by_hand})

    rows = growth_table(report).splitlines()[2:]

    assert [row.split(" | ")[1:3] for row in rows] == [["1: 1.0 · 8: 8.0", "1.00"], ["1: 0.500 · 8: 8.0", "1.33"]]


def test_each_contender_has_a_point_for_each_size() -> None:
    small = structs.replace(CURVES["clients"], sizes=(1, 2))
    with started(LOAD_CORE, python("bench.standin")) as process, contextlib.ExitStack() as stack:
        standin = Standin.listening(process)
        contenders = [
            stack.enter_context(Running.of(one, backends(standin.port))) for one in (LONG_POSTROOM, HAND_WRITTEN)
        ]

        points = measured(small, contenders, standin, seconds=0.01, rounds=1)

    assert [[point.size for point in one] for one in points] == [[1, 2], [1, 2]]


@pytest.mark.parametrize("size", CURVES["clients"].sizes)
def test_no_two_clients_ask_for_the_same_customer(size: int) -> None:
    workload = CURVES["clients"].workload(size)
    asked = [tuple(one.variables.items()) for client in range(size) for one in workload.questions(client)]

    assert len(set(asked)) == size


def test_answers_of_all_sizes_are_right() -> None:
    with started(LOAD_CORE, python("bench.standin")) as process:
        standin = Standin.listening(process)
        with Running.of(LONG_POSTROOM, backends(standin.port)) as running:
            lengths = {
                name: [compare(running, one.workload(size)) for size in one.sizes] for name, one in CURVES.items()
            }

    assert all(lengths["fields"][place] < lengths["fields"][place + 1] for place in range(3))
    assert all(lengths["backends"][place] < lengths["backends"][place + 1] for place in range(3))
