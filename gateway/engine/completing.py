"""Writes objects field by field, as the specification says: for whatever the generated functions leave.

A field that fails is None, and noted; what its failure takes with it is decided when all is there
(`gateway.engine.settling`).
"""

import contextlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from graphql import (
    GraphQLObjectType,
    GraphQLOutputType,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
)
from msgspec import UNSET, Struct

from adapters.translating import Translated
from gateway.engine.leaves import output
from gateway.engine.plan import FieldPlan, ObjectPlan
from gateway.schema.fields import Attribute, Derived

if TYPE_CHECKING:
    from gateway.engine.run import Level, Run

__all__ = ["Completer", "Failure"]


class Failure(Struct, frozen=True):
    """A field that failed: the answer's object that it is in, and the places in lists where the value was."""

    owner: dict[str, Any]
    field: FieldPlan
    places: tuple[int, ...]
    error: Exception


class Completer:
    """Writes what one run has loaded, and notes what fails."""

    def __init__(self, run: "Run", level: "Level") -> None:
        self._run = run
        self._level = level
        self._lost = False
        """Whether something failed that takes with it what is being written."""

    def values(self, field: FieldPlan, owners: Sequence[dict[str, Any]], values: Sequence[Any]) -> bool:
        """Gives each owner what was loaded for its field. Whether one of them is lost, for it needs what failed."""
        lost = False
        for owner, value in zip(owners, values, strict=True):
            with self._unless_lost():
                owner[field.key] = self._value(field, field.type, value, owner, ())
                lost = lost or self._lost
        return lost

    def root(self, plan: ObjectPlan) -> tuple[dict[str, Any], bool]:
        """The members of the answer; whether it is lost, for it needs what failed."""
        with self._unless_lost():
            return self._object(plan, None), self._lost

    def _object(self, plan: ObjectPlan, source: Any) -> dict[str, Any]:
        owner: dict[str, Any] = {}
        for key, field in plan.fields.items():
            owner[key] = self._member(plan, field, source, owner)
        if plan.steps:
            self._run.note(self._level, plan.number, (source,), (owner,))
        return owner

    @contextlib.contextmanager
    def _unless_lost(self) -> Iterator[None]:
        """Writes something that may be null: when it is lost, nothing is loaded for what is in it."""
        before = {number: len(objects) for number, (_, objects) in self._level.items()}
        above, self._lost = self._lost, False
        yield
        if self._lost:
            for number, noted in self._level.items():
                for one in noted:
                    del one[before.get(number, 0) :]
        self._lost = above

    def _member(self, plan: ObjectPlan, field: FieldPlan, source: Any, owner: dict[str, Any]) -> Any:
        declared = field.declared
        if declared is None:
            return plan.type.name
        try:
            if isinstance(declared, Attribute):
                value = getattr(source, declared.name)
            elif isinstance(declared, Derived):
                value = declared.function(source, self._run.context, **self._run.given(field))
            else:
                return None
        except Exception as error:  # noqa: BLE001 - the field's failure
            value = error
        if value is UNSET and field.is_step:
            return None
        return self._value(field, field.type, value, owner, ())

    def _value(
        self, field: FieldPlan, of_type: GraphQLOutputType, value: Any, owner: dict[str, Any], places: tuple[int, ...]
    ) -> Any:
        """What is answered for a value; None where it failed."""
        if is_non_null_type(of_type):
            return self._of_type(field, of_type.of_type, value, owner, places, required=True)
        with self._unless_lost():
            return self._of_type(field, of_type, value, owner, places, required=False)

    def _of_type(
        self,
        field: FieldPlan,
        of_type: GraphQLOutputType,
        value: Any,
        owner: dict[str, Any],
        places: tuple[int, ...],
        *,
        required: bool,
    ) -> Any:
        error: Exception | None = None
        if isinstance(value, Exception):
            error = value
        elif value is not None:
            try:
                return self._not_null(field, of_type, value, owner, places)
            except Exception as raised:  # noqa: BLE001 - the field's failure
                error = raised
        elif required:
            error = TypeError(f"Cannot return null for non-nullable field {field.name}.")
        if error is not None:
            self._run.failures.append(Failure(owner, field, places, error))
            self._lost = True
        return None

    def _not_null(
        self, field: FieldPlan, of_type: GraphQLOutputType, value: Any, owner: dict[str, Any], places: tuple[int, ...]
    ) -> Any:
        if is_list_type(of_type):
            if not isinstance(value, list | tuple | Translated):
                raise TypeError(f"Expected Iterable, but did not find one for field {field.name}.")
            items = enumerate(value)
            return [self._value(field, of_type.of_type, item, owner, (*places, at)) for at, item in items]
        if is_leaf_type(of_type):
            return output(of_type)(value)
        return self._object(self._plan_for(field, of_type, value), value)

    def _plan_for(self, field: FieldPlan, of_type: Any, value: Any) -> ObjectPlan:
        kinds = self._run.kinds
        name = of_type.name if isinstance(of_type, GraphQLObjectType) else kinds.name_of(of_type, value)
        if name is None:
            raise TypeError(f"Abstract type {of_type.name!r} must resolve to an Object type at runtime.")
        plan = field.objects[name]
        if not kinds.accepts(plan.type, value):
            raise TypeError(f"Expected value of type {name!r}.")
        return plan
