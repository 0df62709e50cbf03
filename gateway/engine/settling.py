"""What failures take with them, once all is there: where each happened, and what may not be null without its parts."""

from collections.abc import Iterator, Sequence
from typing import Any

from graphql import FieldNode, GraphQLError, GraphQLOutputType, is_list_type, is_non_null_type, located_error

from gateway.engine.completing import Failure
from gateway.engine.plan import FieldPlan, ObjectPlan
from gateway.schema.execution import public_field_error

__all__ = ["settled"]

Path = tuple[str | int, ...]
_Place = tuple[Any, Any, bool]
"""What holds a value, where in it, and whether it may be null there."""


def settled(
    data: dict[str, Any], root: ObjectPlan, failures: Sequence[Failure]
) -> tuple[dict[str, Any] | None, list[GraphQLError]]:
    """The answer's data, less what failures take with them, and an error for each that nothing above it hides.

    A value that may not be null takes what holds it; a failure inside what is gone already is not told again.
    """
    wanted = {id(failure.owner) for failure in failures}
    found = dict(_find(data, root, wanted))
    holder: dict[str, Any] = {"data": data}
    gone: set[Path] = set()
    errors: list[GraphQLError] = []
    for failure in failures:
        path, places = found[id(failure.owner)]
        path, places = _to_value(path, places, failure)
        error = public_field_error(failure.error)
        if any(path[:length] in gone for length in range(len(path) + 1)):
            continue
        errors.append(located_error(error, _nodes(failure.field), list(path)))
        gone.add(_take(holder, path, places))
    return holder["data"], errors


def _nodes(field: FieldPlan) -> list[FieldNode]:
    return list(field.nodes)


def _find(
    data: dict[str, Any], root: ObjectPlan, wanted: set[int]
) -> Iterator[tuple[int, tuple[Path, tuple[_Place, ...]]]]:
    """The paths of these objects of the answer, and the places on the way to each."""
    todo: list[tuple[Any, Sequence[ObjectPlan], Path, tuple[_Place, ...]]] = [(data, (root,), (), ())]
    while todo:
        owner, plans, path, places = todo.pop()
        if id(owner) in wanted:
            yield id(owner), (path, places)
        fields = {key: field for plan in plans for key, field in plan.fields.items() if field.objects}
        for key, field in fields.items():
            if owner.get(key) is not None:
                below = [*field.objects.values()]
                todo += [
                    (inner, below, path + at, places + on_the_way)
                    for inner, at, on_the_way in _objects(owner, key, field.type)
                ]


def _objects(
    owner: dict[str, Any], key: str, of_type: GraphQLOutputType
) -> Iterator[tuple[Any, Path, tuple[_Place, ...]]]:
    """The objects at a field, through its lists."""
    todo: list[tuple[Any, Any, GraphQLOutputType, Path, tuple[_Place, ...]]]
    todo = [(owner, key, of_type, (), ())]
    while todo:
        holder, at, one_type, path, places = todo.pop()
        value = holder[at]
        if value is None:
            continue
        places = (*places, (holder, at, not is_non_null_type(one_type)))
        inner = one_type.of_type if is_non_null_type(one_type) else one_type
        if is_list_type(inner):
            whole: Path = (*path, at)
            todo += [(value, index, inner.of_type, whole, places) for index in range(len(value))]
        else:
            yield value, (*path, at), places


def _to_value(path: Path, places: tuple[_Place, ...], failure: Failure) -> tuple[Path, tuple[_Place, ...]]:
    """From the owner on to the value that failed."""
    holder: Any = failure.owner
    of_type: GraphQLOutputType = failure.field.type
    steps: Path = (failure.field.key, *failure.places)
    for at in steps:
        if isinstance(at, int):
            of_type = of_type.of_type if is_non_null_type(of_type) else of_type
            of_type = of_type.of_type  # type: ignore[union-attr]
        path, places = (*path, at), (*places, (holder, at, not is_non_null_type(of_type)))
        holder = holder[at]
    return path, places


def _take(holder: dict[str, Any], path: Path, places: tuple[_Place, ...]) -> Path:
    """Makes null what failed, or the nearest above it that may be; its path."""
    for length in range(len(places), 0, -1):
        container, at, nullable = places[length - 1]
        if nullable:
            container[at] = None
            return path[:length]
    holder["data"] = None
    return ()
