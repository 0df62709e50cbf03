"""How a plan runs: nothing waits for what it does not need, and nothing goes on when nobody waits."""

import asyncio
import gc
import os
import weakref
from collections import defaultdict
from collections.abc import Iterator
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, event, given, settings
from structlog.testing import capture_logs

from adapters.model import CustomerEmailTemplate
from gateway.context import RequestContext
from gateway.documents.prepared import DocumentRefusedError
from gateway.upstream.needs import current_need
from tests.engine.comparing import Both
from tests.engine.documents import Asked, asked
from tests.engine.test_generated import Asker
from tests.engine.world import World
from tests.gateway.behaviour import Call
from tests.gateway.records import letter, template
from tests.gateway.server.test_leaving import Held, hang_up
from tests.gateway.serving import routes_of, serving
from tests.patience import PATIENCE

CHAIN: Final = "{ letters { nodes { customer { letters { nodes { title } } } } } }"
"""Three loads, one below the other, at each backend that has letters."""

EXPLAINED: Final = int(os.environ.get("ENGINE_EXAMPLES", "2000")) // 8


async def answered(both: Both, query: str, context: RequestContext | None = None) -> Any:
    """What the plan of a query answers."""
    operation = both.documents.prepared(query).operation(None)
    return await both.compiled.execute(operation, None, context or both.world.gateway.context())


@pytest.mark.parametrize(
    ("held", "below", "query"),
    [
        ("customers.by_key", "letters.of_customers", CHAIN),
        (
            "letters.of_customers",
            "customers.by_key",
            "{ customers { nodes { letters { nodes { customer { raw } } } } } }",
        ),
    ],
    ids=["records", "own lists"],
)
async def test_what_is_below_one_backends_part_goes_on_while_another_is_held(
    both: Both, held: str, below: str, query: str
) -> None:
    slow = both.world.fakes["a"].behaviour.hold(held)
    quick = both.world.fakes["b"].behaviour.hold(below)
    async with asyncio.timeout(PATIENCE):
        work = asyncio.ensure_future(answered(both, query))
        await slow.begun.wait()
        await quick.begun.wait()
        quick.release.set()
        slow.release.set()
        assert (await work).errors is None


@pytest.mark.parametrize(
    ("query", "one_by_one"),
    [
        ('{ customers(backends: ["a"]) { nodes { letters { nodes { title } } } } }', True),
        ('{ customers(backends: ["a"]) { nodes { name } } letters(backends: ["a"]) { nodes { title } } }', False),
        ('{ customers(backends: ["a"]) { nodes { letters { nodes { title } } templates { nodes { id } } } } }', False),
        ('mutation { deleteLetter(input: {id: "x"}) { problems { code } } }', False),
    ],
    ids=["a chain", "two at the top", "two below", "a mutation"],
)
async def test_only_a_query_without_branches_asks_for_one_thing_at_a_time(
    both: Both, query: str, one_by_one: bool
) -> None:
    context = both.world.gateway.context()
    answer = await answered(both, query, context)
    assert (answer.errors, context.reads.one_by_one) == (None, one_by_one)


async def test_a_client_that_leaves_a_plan_half_way_ends_its_reads_and_none_begins(both: Both) -> None:
    a, b = both.world.fakes["a"], both.world.fakes["b"]
    slow, quick = Held(a, "customers.by_key"), Held(b, "letters.of_customers")
    async with asyncio.timeout(PATIENCE), serving(routes_of(both.world.gateway)) as address:
        await hang_up(address, CHAIN, quick)
        await slow.cancelled.wait()
        await quick.cancelled.wait()
    assert a.behaviour.verbs() == ["letters.page", "customers.by_key"]


@pytest.mark.parametrize("below", ["nativeId", "nativeId raw"], ids=["where it is", "by a function of its own"])
async def test_a_record_of_another_class_is_no_object_of_the_type_though_it_has_its_attributes(below: str) -> None:
    wrong: Any = letter("a", "l9", "1")
    odd: CustomerEmailTemplate = template("a", "t0", "1", email_template=wrong)
    both = Both(World())
    both.world.fakes["a"].shelves["templates"].records[:] = [odd]
    query = '{ templates(backends: ["a"]) { nodes { nativeId emailTemplate { ' + below + " } } } }"
    for _ in range(2):
        answer = await both.agree(query, frugal=False)
        assert answer.data == {"templates": {"nodes": [{"nativeId": "t0", "emailTemplate": None}]}}
        assert [error["path"] for error in answer.errors] == [["templates", "nodes", 0, "emailTemplate"]]


@pytest.mark.parametrize("query", [CHAIN, "{ customers { nodes { emails documents { nodes { id } } } } }"])
async def test_nothing_that_a_plan_made_of_an_ended_request_waits_for_the_garbage_collector(
    both: Both, query: str
) -> None:
    await answered(both, query)
    context = both.world.gateway.context()
    request = weakref.ref(context)
    gc.disable()
    try:
        await answered(both, query, context)
        context.end()
        del context
        assert request() is None
    finally:
        gc.enable()


# ── Why vendors are called ───────────────────────────────────────────────────────────────────────────────────────────

Needed = dict[tuple[str, str], set[str]]
"""Per backend and verb, the fields that need what was asked."""


class Noting:
    """Notes of each call at one backend which fields it is made for."""

    def __init__(self, world: World) -> None:
        self.needed: Needed = defaultdict(set)
        for key, one in world.fakes.items():
            one.behaviour.called = self._noting(key, one.behaviour.called)  # type: ignore[method-assign]

    def _noting(self, key: str, called: Any) -> Any:
        async def noting(call: Call) -> None:
            need = current_need()
            self.needed[key, call.verb] |= set() if need is None else set(need.fields)
            await called(call)

        return noting

    def taken(self) -> Needed:
        """What was noted since."""
        noted = dict(self.needed)
        self.needed.clear()
        return noted


def are_alike(mine: Needed, theirs: Needed) -> bool:
    """Whether the same was asked, and of each backend for all fields that graphql-core names.

    Which of them share a call, and which find their answer on its way for another and are not named, is a matter of
    turns of the event loop: the plan may name more.
    """
    if mine.keys() != theirs.keys():
        return False
    named = zip(by_backend(mine), by_backend(theirs), strict=True)
    return all(mine_of and theirs_of <= mine_of for mine_of, theirs_of in named)


def by_backend(needed: Needed) -> list[set[str]]:
    """The fields that need each backend."""
    fields: dict[str, set[str]] = defaultdict(set)
    for (backend, _), some in sorted(needed.items()):
        fields[backend] |= some
    return [*fields.values()]


@pytest.fixture(scope="module")
def asker() -> Iterator[Asker]:
    """What asks both executors."""
    one = Asker()
    yield one
    one.close()


def test_both_say_that_calls_are_made_for_the_same_fields(asker: Asker) -> None:
    both = asker.worlds[False]
    noting = Noting(both.world)

    async def needed(executor: Any, request: Asked) -> tuple[bool, Needed]:
        operation = both.documents.prepared(request.text).operation(None)
        context = both.world.gateway.context()
        context.explained = True
        result = await executor.execute(operation, dict(request.variables or {}), context)
        while others := asyncio.all_tasks() - {asyncio.current_task()}:
            await asyncio.wait(others)
        return bool(result.errors), noting.taken()

    @settings(
        max_examples=EXPLAINED,
        deadline=None,
        database=None,
        suppress_health_check=[*HealthCheck],
        report_multiple_bugs=False,
    )
    @given(request=asked())
    def compare(request: Asked) -> None:
        try:
            with capture_logs():  # printing a traceback takes longer than all else
                failed, mine = asker.runner.run(needed(both.compiled, request))
                _, theirs = asker.runner.run(needed(both.interpreter, request))
        except DocumentRefusedError:
            return
        event(f"failed: {failed}, calls: {bool(mine)}")
        assert failed or are_alike(mine, theirs)  # what has failed may have asked for more, or less

    compare()
