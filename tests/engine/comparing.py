"""Asks both executors the same, and tells how their answers differ."""

import asyncio
from collections import Counter, defaultdict
from typing import Any

import orjson
from structlog.testing import capture_logs

from gateway.context import LOCAL, Principal, RequestContext
from gateway.documents.preparing import Documents
from gateway.engine.executor import CompiledExecutor
from gateway.schema.costs import field_costs
from gateway.schema.execution import SchemaExecutor
from gateway.settings_limits import LimitSettings
from tests.engine.virtual_time import VirtualTime
from tests.engine.world import World

__all__ = ["Both", "Told"]

Place = tuple[str | int, ...]


class Told:
    """What an executor was told to note: the plans, and the reasons for which there was none."""

    def __init__(self) -> None:
        self.known: list[bool] = []
        self.reasons: list[str] = []

    def planned(self, *, known: bool) -> None:
        """An operation was executed by a plan."""
        self.known.append(known)

    def fell_back(self, reason: str) -> None:
        """An operation was not."""
        self.reasons.append(reason)


class Answer:
    """An answer as JSON, without what differs from one time to the next."""

    def __init__(self, result: Any) -> None:
        self.data: Any = orjson.loads(orjson.dumps(result.data))
        self.errors = [orjson.loads(orjson.dumps(error.formatted)) for error in result.errors or ()]
        for error in self.errors:
            error["extensions"].pop("incident", None)

    def visible(self) -> "tuple[Counter[bytes], dict[Place, int]]":
        """The errors whose places are still there; and how many lie in each place that was lost."""
        there: Counter[bytes] = Counter()
        lost: dict[Place, int] = defaultdict(int)
        for error in self.errors:
            path = tuple(error.get("path") or ())
            depth = _depth(self.data, path)
            if depth == len(path):
                there[orjson.dumps(error, option=orjson.OPT_SORT_KEYS)] += 1
            else:
                lost[path[:depth]] += 1
        return there, dict(lost)


def _depth(data: Any, path: Place) -> int:
    """How far a path leads before there is nothing."""
    for depth, at in enumerate(path):
        if data is None:
            return depth
        data = data[at]
    return len(path)


ROOM = LimitSettings(
    tokens=100_000,
    depth=100,
    root_fields=1_000,
    fields=20_000,
    aliases=10_000,
    directives=10_000,
    comparisons=1_000_000,
    cost=1_000_000,
)
"""No document is refused for its size here: it is their execution that is compared."""

MOST_RECORDS = 200


class Both:
    """Both executors over one world."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.told = Told()
        schema = world.gateway.schema
        self.documents = Documents(schema.core, field_costs(schema.core), ROOM.of_documents, most_records=MOST_RECORDS)
        self.compiled = CompiledExecutor(schema, self.told, suggesting=True)
        self.interpreter = SchemaExecutor(schema)

    async def answers(
        self, text: str, variables: dict[str, Any] | None, principal: Principal, name: str | None = None
    ) -> tuple[Answer, Answer]:
        """The compiled answer, and graphql-core's. Raises DocumentRefusedError for what is no valid document."""
        operation = self.documents.prepared(text).operation(name)
        given = None if variables is None else dict(variables)
        self.world.calls()
        time = asyncio.get_running_loop().time
        begun = time()
        mine = Answer(await self.compiled.execute(operation, given, self._context(principal)))
        self.mine_took = time() - begun
        self.mine_calls = await self._calls()
        begun = time()
        theirs = Answer(await self.interpreter.execute(operation, given, self._context(principal)))
        self.their_took = time() - begun
        self.their_calls = await self._calls()
        return mine, theirs

    async def _calls(self) -> list[tuple[str, str, tuple[str, ...]]]:
        """What was asked, also by what went on when the answer was there: a field may have failed meanwhile."""
        while others := asyncio.all_tasks() - {asyncio.current_task()}:
            await asyncio.wait(others)
        return self.world.calls()

    async def agree(
        self,
        text: str,
        variables: dict[str, Any] | None = None,
        principal: Principal | None = None,
        *,
        name: str | None = None,
        frugal: bool = True,
        reasons: tuple[str, ...] = (),
    ) -> Answer:
        """Asserts that both answer the same; by a plan, unless for these reasons; ``frugal``: with no more calls.

        And in `VirtualTime`, where only calls take time, with no more of them one after another.
        """
        self.told.reasons.clear()
        with capture_logs():  # printing a traceback takes longer than all else
            mine, theirs = await self.answers(text, variables, principal or LOCAL, name)
        assert set(self.told.reasons) <= set(reasons), self.told.reasons
        assert mine.data == theirs.data
        assert mine.visible()[0] == theirs.visible()[0]
        assert mine.visible()[1].keys() == theirs.visible()[1].keys()
        if frugal:
            assert len(self.mine_calls) <= len(self.their_calls), (self.mine_calls, self.their_calls)
            if isinstance(asyncio.get_running_loop(), VirtualTime):
                assert self.mine_took <= self.their_took, (self.mine_calls, self.their_calls)
        return mine

    def _context(self, principal: Principal) -> RequestContext:
        return self.world.gateway.context(principal)
