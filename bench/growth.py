"""How what an operation costs grows with its fields, with the backends that it asks, and with the clients at once."""

import math
from collections.abc import Callable, Mapping, Sequence

import msgspec
from msgspec import Struct

from bench.contenders import Running
from bench.measuring import Standin, compare, measure
from bench.workloads import LETTER_TENANTS, MANY, WORKLOADS, Question, Workload, listed_letters

__all__ = ["CURVES", "Curve", "Point", "exponent", "measured"]

LEAVES = 4
"""Of each letter that is asked for."""

LINEAR = 1.1
"""The largest exponent that is still called linear: a tenth is what a busy machine makes of the same work."""


class Point(Struct, frozen=True):
    """``size`` of what grows, and the milliseconds of processor time that all of it cost once."""

    size: int
    milliseconds: float


class Curve(Struct, frozen=True):
    """What grows, and a workload for each size.

    ``of_all`` says that each of ``size`` clients costs one request, ``by_hand`` that the hand-written handler can be
    asked it too.
    """

    title: str
    workload: Callable[[int], Workload]
    sizes: Sequence[int]
    of_all: bool = False
    by_hand: bool = False


def _of_fields(size: int) -> Workload:
    letters = size // LEAVES
    document = f"""query Fields($backend: String!) {{
  letters(first: {letters}, backends: [$backend]) {{ nodes {{ nativeId date title state }} }}
}}"""
    return _workload("Fields", document, lambda _: listed_letters(MANY, letters))


def _of_backends(size: int) -> Workload:
    asked = LETTER_TENANTS[:size]
    fields = "".join(
        f"\n  at{number}: letters(first: 50, backends: [$b{number}]) {{ nodes {{ nativeId date title state }} }}"
        for number in range(size)
    )
    document = f"query Backends({', '.join(f'$b{number}: String!' for number in range(size))}) {{{fields}\n}}"
    variables = {f"b{number}": key for number, key in enumerate(asked)}
    data = {f"at{number}": listed_letters(key, 50)[0].data["letters"] for number, key in enumerate(asked)}
    return _workload("Backends", document, lambda _: [Question(variables, data)])


def _of_clients(size: int) -> Workload:
    one = WORKLOADS["W1"]

    def apart(client: int) -> list[Question]:  # a customer of its own: two who ask for one at once share the call
        return [one.questions(client)[client // one.connections]]

    return msgspec.structs.replace(one, connections=size, questions=apart)


def _workload(name: str, document: str, questions: Callable[[int], list[Question]]) -> Workload:
    return Workload(name=name, title=name, document=document, questions=questions, connections=1, calls=0)


CURVES: Mapping[str, Curve] = {
    "fields": Curve("fields in the answer", _of_fields, (12, 100, 1_000, 10_000)),
    "backends": Curve("backends asked by one operation", _of_backends, (1, 2, 4, 8)),
    "clients": Curve("clients at once, one customer each", _of_clients, (1, 8, 64, 512), of_all=True, by_hand=True),
}


def measured(
    curve: Curve, contenders: Sequence[Running], standin: Standin, *, seconds: float, rounds: int
) -> list[list[Point]]:
    """The curve's points of each contender, each the least of some rounds: what else the machine does can only add.

    A round is of all sizes and all contenders, so that a busy minute is not one size's alone.
    """
    workloads = {size: curve.workload(size) for size in curve.sizes}
    for workload in workloads.values():
        for one in contenders:
            compare(one, workload)
    costs: list[dict[int, list[float]]] = [{size: [] for size in curve.sizes} for _ in contenders]
    for _ in range(rounds):
        for size, workload in workloads.items():
            for one, found in zip(contenders, costs, strict=True):
                found[size].append(measure(one, workload, standin, seconds=seconds).cpu)
    return [[Point(size, min(seen) * (size if curve.of_all else 1)) for size, seen in found.items()] for found in costs]


def exponent(points: Sequence[Point]) -> float:
    """The power of the size that the cost grows with over the last step, where what is constant counts least.

    1 is linear, 0 does not grow at all.
    """
    before, last = points[-2:]
    return math.log(last.milliseconds / before.milliseconds) / math.log(last.size / before.size)
