"""A plan as text: its fields, what each costs at the vendors, and the functions that it was compiled to."""

from collections.abc import Iterator, Mapping
from typing import Final

from gateway.engine.executor import Compiled
from gateway.engine.plan import FieldPlan, ObjectPlan
from gateway.schema.fields import Action, Attribute, Derived, Load

__all__ = ["told"]

_TOGETHER: Final = "a call for each backend, for all keys together; as many as the vendor's own batches need"

CALLS: Final[Mapping[str, str]] = {
    "aggregate": "a call at the backend that is named",
    "code": _TOGETHER,
    "connection": "each list a call at its backend; the lists of many customers together",
    "counterparts": "a call for each other backend that shares codes, for all keys together",
    "customer": _TOGETHER,
    "dispatch": "the ledger: no vendor",
    "dispatch_items": "the ledger: no vendor",
    "dispatches": "the ledger: no vendor",
    "node": _TOGETHER,
    "nodes": _TOGETHER,
    "raw": f"{_TOGETHER}; none for records that came with it",
    "record": f"{_TOGETHER}; none for records that a list has brought already",
    "timeline": "each list a call at its backend; with counterparts, first those of the customers",
}
"""Per loader, what it asks the vendors."""


def told(compiled: Compiled) -> Iterator[str]:
    """The lines that tell a compiled plan."""
    plan = compiled.plan
    yield f"# {plan.kind.value}: {plan.fields} fields, {len(plan.objects)} kinds of objects"
    yield from _object(plan.root, 0)
    yield ""
    yield compiled.functions.source.rstrip()


def _object(made: ObjectPlan, depth: int) -> Iterator[str]:
    todo: list[tuple[str, ObjectPlan | FieldPlan, int]] = [("", made, depth)]
    while todo:
        kind, one, at = todo.pop()
        indent = "  " * at
        if isinstance(one, ObjectPlan):
            if kind:
                yield f"{indent}on {kind}"
            todo += [("", field, at + bool(kind)) for field in reversed(one.fields.values())]
            continue
        yield f"{indent}{one.key}: {one.type}{_source(one)}"
        several = len(one.objects) > 1
        todo += [(name if several else "", below, at + 1) for name, below in reversed(one.objects.items())]


def _source(field: FieldPlan) -> str:
    """Where a field comes from, where that is no attribute at hand."""
    declared = field.declared
    if isinstance(declared, Load):
        return f"  <- {declared.loader}: {CALLS.get(declared.loader, 'as that loader does')}"
    if isinstance(declared, Attribute) and declared.fetch:
        return f"  <- record, where it came without: {_TOGETHER}"
    if isinstance(declared, Action):
        return "  <- done, one after the other"
    return "  <- worked out" if isinstance(declared, Derived) else ""
