"""Generated documents, for different principals and with faults: both executors answer the same."""

import asyncio
import os
from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from adapters.errors import AdapterError
from gateway.context import Principal
from gateway.documents.prepared import DocumentRefusedError
from gateway.engine.fallback import Reason
from gateway.principals import EVERYTHING, Scope
from tests.engine.comparing import Both
from tests.engine.documents import Asked, asked
from tests.engine.virtual_time import VirtualTime
from tests.engine.world import FAULTS, KEYED, PRINCIPALS, VERBS, World
from tests.gateway.asking import ledgers

EXAMPLES: Final = int(os.environ.get("ENGINE_EXAMPLES", "2000"))
"""Documents in all; `make soak` asks for more."""

PARTS: Final = 8
"""The examples are spread over so many tests, which run side by side."""

MAY_FALL_BACK: Final = frozenset((Reason.CONDITION,))
"""A null given for a condition is an error that only graphql-core places."""


class Asker:
    """Worlds that are kept, in an event loop that is kept: making them costs more than asking them."""

    def __init__(self) -> None:
        self.runner = asyncio.Runner(loop_factory=VirtualTime)
        self.worlds = self.runner.run(self._worlds())
        self.reasons: Counter[str] = Counter()

    async def _worlds(self) -> dict[bool, Both]:
        return {odd: Both(World(odd=odd)) for odd in (False, True)}

    def close(self) -> None:
        """Lets go of everything."""
        self.runner.run(ledgers.close())
        self.runner.close()


@pytest.fixture(scope="module")
def asker() -> Iterator[Asker]:
    """What asks both executors."""
    one = Asker()
    yield one
    one.close()


@pytest.fixture(autouse=True)
def _ledgers_closed() -> None:
    """The module's ledgers stay open for all of its tests."""


principals = st.sampled_from([*PRINCIPALS.values()]).flatmap(
    lambda one: st.sampled_from(
        [one, Principal(id=one.id, backends=one.backends, scopes=EVERYTHING - {Scope.RAW}),
         Principal(id=one.id, backends=one.backends, scopes=frozenset((Scope.WRITE,)))]
    )
)  # fmt: skip

faults = st.lists(
    st.tuples(
        st.sampled_from("abc"),
        st.sampled_from(VERBS),
        st.sampled_from([*FAULTS]),
        st.sampled_from([None, "0", "1", "C-1", "m1", "t1", "l1"]),
    ),
    max_size=3,
)


@pytest.mark.parametrize("part", range(PARTS))
def test_both_answer_the_same(part: int, asker: Asker) -> None:
    @settings(
        max_examples=EXAMPLES // PARTS,
        deadline=None,
        database=None,
        suppress_health_check=[*HealthCheck],
        report_multiple_bugs=False,
    )
    @given(request=asked(), principal=principals, broken=faults, odd=st.integers(0, 3), slow=st.booleans())
    def compare(request: Asked, principal: Principal, broken: list[Any], odd: int, slow: bool) -> None:
        both = asker.worlds[odd == 0]
        both.world.mend()
        both.world.take(1 if slow else 0)
        for backend, verb, fault, key in broken:
            error = FAULTS[fault]
            keyed = key if verb in KEYED and isinstance(error, AdapterError) else None
            both.world.break_(backend, verb, error, keyed)
        quiet = not broken and odd != 0
        try:
            answer = asker.runner.run(
                both.agree(request.text, request.variables, principal, frugal=quiet, reasons=tuple(MAY_FALL_BACK))
            )
        except DocumentRefusedError as refusal:
            event(f"refused: {refusal.errors[0].message[:40]}")
        else:
            event(f"errors: {bool(answer.errors)}, data: {answer.data is not None}")

    compare()
