"""Runs a plan for one request: level by level, all of a level at once, each backend's part as soon as it is there.

A level is what one step brought, with all objects below it up to the next steps. Its steps gather the keys of all their
objects and call their loader once; what comes for one backend is written, and its own steps begun, while another is
still waited for.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from operator import attrgetter
from types import NoneType
from typing import Any, Final

from graphql import ExecutionResult, OperationType
from graphql.execution.values import VariableValues
from msgspec import UNSET, Struct

from adapters.translating import Translated
from gateway.context import Ask, RequestContext
from gateway.engine.arguments import Given
from gateway.engine.completing import Completer, Failure
from gateway.engine.generate import Generated
from gateway.engine.kinds import Kinds
from gateway.engine.plan import FieldPlan, ObjectPlan, Plan
from gateway.engine.settling import settled
from gateway.lists import OwnConnections
from gateway.loaders import Loader, RecordKey
from gateway.record_types import type_name
from gateway.schema.fields import Action, Attribute, Load, OwnLoad
from gateway.upstream.needs import needed_by

__all__ = ["Level", "Run"]

Level = dict[int, tuple[Any, list[dict[str, Any]]]]
"""Per object plan, the sources of a level's objects and the objects, for which something is still to be loaded.

The sources are a list, or the rows of all objects of one plan (`Translated`): then nothing that was read of them is
unset, and all that is loaded goes by their native ids (`gateway.engine.rows`).
"""


class LostError(Exception):
    """Nothing of the answer is left: a field of the operation that may not be null has failed."""


class Run:
    """One request's run of a plan; the generated functions read it."""

    def __init__(
        self, plan: Plan, functions: Generated, kinds: Kinds, variables: VariableValues, context: RequestContext
    ) -> None:
        self.context = context
        self.kinds = kinds
        self.failures: list[Failure] = []
        self.arguments: list[Given] = [one.given(variables) for one in plan.arguments]
        self._plan = plan
        self._functions = functions

    async def result(self) -> ExecutionResult:
        """What is answered."""
        level: Level = {}
        data, lost = self._root(level)
        if not lost:
            try:
                mutation = self._plan.kind is OperationType.MUTATION
                self.context.reads.one_by_one = not mutation
                work = self._acts(data) if mutation else self._below(level, "")
                if work is not None:
                    await work
            except LostError:
                pass
        if not self.failures:
            return ExecutionResult(data, None)
        self.context.failed = True
        return ExecutionResult(*settled(data, self._plan.root, self.failures))

    async def _acts(self, data: dict[str, Any]) -> None:
        """Does what a mutation is: one field after the other, each with all that is below it."""
        for step in self._plan.root.steps:
            await self._act(step, data)

    def note(self, level: Level, number: int, sources: Sequence[Any], objects: Sequence[dict[str, Any]]) -> None:
        """Notes objects for which something is still to be loaded."""
        known = level.get(number)
        if known is None:
            level[number] = (sources if type(sources) is Translated else [*sources], [*objects])
            return
        noted, others = known
        if isinstance(noted, Translated):
            noted = [*noted.records]
            level[number] = (noted, others)
        noted.extend(sources)
        others.extend(objects)

    def given(self, field: FieldPlan) -> dict[str, Any]:
        """A field's arguments. Raises what is wrong with them."""
        if field.arguments is None:
            return {}
        given = self.arguments[field.arguments]
        if isinstance(given, Exception):
            raise given
        return given  # type: ignore[return-value]

    def _root(self, level: Level) -> tuple[dict[str, Any], bool]:
        try:
            return self._functions.root(None, self, level), False
        except Exception:  # noqa: BLE001 - field by field it is told what it is
            level.clear()
            return Completer(self, level).root(self._plan.root)

    def _below(self, level: Level, path: str) -> Coroutine[Any, Any, None] | None:
        """What loads all that a level needs, if that is anything.

        What cannot even be asked for fails before anything is asked, here.
        """
        portions: list[_Portion] = []
        for number, (sources, objects) in level.items():
            plan = self._plan.objects[number]
            for step in plan.steps:
                portions_of = self._own_portions if isinstance(step.declared, OwnLoad) else self._portions
                portions += portions_of(plan, step, sources, objects, path)
        if len(portions) == 1:
            return self._load(portions[0])
        if not portions:
            return None
        self.context.reads.one_by_one = False  # from here on: none of them knows when the others have ended
        return _all([self._load(portion) for portion in portions])

    def _portions(
        self, plan: ObjectPlan, step: FieldPlan, sources: Sequence[Any], objects: Sequence[dict[str, Any]], path: str
    ) -> list["_Portion"]:
        """What is to be loaded for one field of all objects of a plan: apart where something below need not wait."""
        declared: Any = step.declared  # other fields are no steps
        owners, keys = (
            _unset(declared.name, sources, objects)
            if isinstance(declared, Attribute)
            else self._keys(declared, step, sources, objects)
        )
        if not keys:
            return []
        loaders = self.context.loaders
        loader = loaders.record if isinstance(declared, Attribute) else getattr(loaders, declared.loader)
        path = self._path(plan, step, path) if self.context.explained else ""
        if not step.leads_on or len(keys) == 1:
            return [_Portion(step, loader, owners, keys, path)]
        portions: dict[Any, _Portion] = {}
        for owner, key in zip(owners, keys, strict=True):
            group = loader.apart(key)
            mine = portions.get(group)
            if mine is None:
                mine = portions[group] = _Portion(step, loader, [], [], path)
            mine.owners.append(owner)
            mine.keys.append(key)
        return [*portions.values()]

    def _own_portions(
        self, plan: ObjectPlan, step: FieldPlan, sources: Sequence[Any], objects: Sequence[dict[str, Any]], path: str
    ) -> list["_Portion"]:
        """Likewise of lists that many customers have of their own: which, is said once; each backend's apart."""
        declared: Any = step.declared
        try:
            lists = declared.lists(Ask(self.context, step.selection(self.context.needs)), **self.given(step))
        except Exception as error:  # noqa: BLE001 - the failure of each customer's
            self._write(step, objects, [error] * len(objects), {})
            return []
        path = self._path(plan, step, path) if self.context.explained else ""
        own = self.context.loaders.connection.own
        if isinstance(sources, Translated):
            return [_Portion(step, own(sources.backend, lists), [*objects], sources.native_ids(), path)]
        backends = {source.backend: None for source in sources}
        loaders = {backend: own(backend, lists) for backend in backends}
        if len(loaders) == 1:
            (loader,) = loaders.values()
            return [_Portion(step, loader, [*objects], [source.native_id for source in sources], path)]
        apart = {backend: _Portion(step, loader, [], [], path) for backend, loader in loaders.items()}
        for source, owner in zip(sources, objects, strict=True):
            apart[source.backend].owners.append(owner)
            apart[source.backend].keys.append(source.native_id)
        return [*apart.values()]

    def _path(self, plan: ObjectPlan, step: FieldPlan, path: str) -> str:
        """A field's response keys from the top, for who asks why vendors are called."""
        return ".".join(part for part in (path, *plan.inside, step.key) if part)

    def _keys(
        self, declared: Load, step: FieldPlan, sources: Sequence[Any], objects: Sequence[dict[str, Any]]
    ) -> tuple[list[dict[str, Any]], list[Any]]:
        """The objects that have something to load, and its keys."""
        ask = Ask(self.context, step.selection(self.context.needs))
        key_of = declared.key
        keys: list[Any]
        try:
            given = self.given(step)
            keys = [key_of(source, ask, **given) for source in sources]
        except Exception:  # noqa: BLE001 - one by one it is told whose it is
            keys = [self._key(declared, step, source, ask) for source in sources]
        if not _has_odd(keys):
            return [*objects], keys
        without = [at for at, key in enumerate(keys) if isinstance(key, _ODD)]
        self._write(step, [objects[at] for at in without], [keys[at] for at in without], {})
        passed = set(without)
        there = [at for at in range(len(keys)) if at not in passed]
        return [objects[at] for at in there], [keys[at] for at in there]

    def _key(self, declared: Load, step: FieldPlan, source: Any, ask: Ask) -> Any:
        try:
            return declared.key(source, ask, **self.given(step))
        except Exception as error:  # noqa: BLE001 - the field's failure
            return error

    async def _load(self, portion: "_Portion") -> None:
        """Loads a field of some objects, writes it, and loads what is below."""
        step, keys = portion.step, portion.keys
        values: Sequence[Any]
        try:
            if self.context.explained:
                values = await needed_by(portion.path, lambda: portion.loader.load_many(keys))
            else:
                values = await portion.loader.load_many(keys)
        except Exception as error:  # noqa: BLE001 - each field's failure
            values = [error] * len(keys)
        if isinstance(step.declared, Attribute):
            values = [_attribute(value, step.declared.name) for value in values]
        level: Level = {}
        self._write(step, portion.owners, values, level)
        if level:
            below = self._below(level, portion.path)
            if below is not None:
                await below

    async def _act(self, step: FieldPlan, data: dict[str, Any]) -> None:
        """Does a mutation's work, and answers it wholly."""
        action = step.declared
        assert isinstance(action, Action)  # noqa: S101 - mutations have nothing else
        path = self._path(self._plan.root, step, "") if self.context.explained else ""
        ask = Ask(self.context, step.selection(self.context.needs))
        try:
            given = self.given(step)
            value = await self._for(path, lambda: action.run(None, ask, **given))
        except Exception as error:  # noqa: BLE001 - the field's failure
            value = error
        level: Level = {}
        self._write(step, [data], [value], level)
        below = self._below(level, path)
        if below is not None:
            await below

    async def _for(self, path: str, work: Callable[[], Awaitable[Any]]) -> Any:
        """What the work gives; where it is asked, the work knows for which field it is done."""
        return await (needed_by(path, work) if self.context.explained else work())

    def _write(self, step: FieldPlan, owners: Sequence[dict[str, Any]], values: Sequence[Any], level: Level) -> None:
        """Writes what a step brought."""
        if type(values) is not OwnConnections and _has_odd(values):
            odd = [at for at, value in enumerate(values) if isinstance(value, _ODD)]
            self._complete(step, [owners[at] for at in odd], [values[at] for at in odd], level)
            passed = set(odd)
            owners = [owner for at, owner in enumerate(owners) if at not in passed]
            values = [value for at, value in enumerate(values) if at not in passed]
        if not values:
            return
        found: Level = {}
        try:
            written = self._functions.values[step.number](values, self, found)
        except Exception:  # noqa: BLE001 - field by field it is told what it is
            self._complete(step, owners, values, level)
            return
        if found:
            level.update(found)
        for owner, value in zip(owners, written, strict=True):
            owner[step.key] = value

    def _complete(self, step: FieldPlan, owners: Sequence[dict[str, Any]], values: Sequence[Any], level: Level) -> None:
        """Writes what a step brought field by field. Raises LostError when nothing is left."""
        if Completer(self, level).values(step, owners, values) and step in self._plan.root.steps:
            raise LostError


_ODD: Final = (NoneType, Exception)
"""What stands in the place of a key or a value: nothing is loaded for it, and no generated function writes it."""


def _has_odd(values: Sequence[Any]) -> bool:
    for one in set(map(type, values)):  # noqa: SIM110 - a generator would take as long as all else
        if issubclass(one, _ODD):
            return True
    return False


class _Portion(Struct):
    """What one loader is asked for at once: a field of these objects."""

    step: FieldPlan
    loader: Loader
    owners: list[dict[str, Any]]
    keys: list[Any]
    path: str


def _unset(
    name: str, sources: Sequence[Any], objects: Sequence[dict[str, Any]]
) -> tuple[list[dict[str, Any]], list[Any]]:
    """The objects whose records came without an attribute, and the keys by which they are read with it."""
    if isinstance(sources, Translated):
        return [], []
    unset = [at for at, value in enumerate(map(attrgetter(name), sources)) if value is UNSET]
    if not unset:
        return [], []
    wanted = frozenset((name,))
    records = [sources[at] for at in unset]
    keys = [RecordKey(type_name(one), one.backend, one.native_id, wanted) for one in records]
    return [objects[at] for at in unset], keys


def _attribute(whole: Any, name: str) -> Any:
    """A record's attribute, None where there is no such record; a failure as it is."""
    value = whole if whole is None or isinstance(whole, Exception) else getattr(whole, name)
    return None if value is UNSET else value


async def _all(work: Sequence[Coroutine[Any, Any, None]]) -> None:
    tasks = [asyncio.ensure_future(one) for one in work]
    try:
        await asyncio.gather(*tasks)
    except LostError:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        raise
