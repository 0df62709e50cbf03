"""Measuring a document and counting its cost take steps that grow with its length, however its fragments are spread."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

from graphql import DocumentNode, FragmentDefinitionNode, Node, OperationDefinitionNode, parse
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.documents import cost, shape
from gateway.documents.cost import cost_plan
from gateway.documents.shape import shape_of
from gateway.schema.build import build_schema
from gateway.schema.costs import field_costs

SCHEMA = build_schema().core
COSTS = field_costs(SCHEMA)
LEVELS = 25
FIELDS = (
    "name",
    "emails",
    "counterparts {{ {} }}",
    "documents(first: 3) {{ nodes {{ customer {{ {} }} }} }}",
    "... {{ {} }}",
)


def selections(level: int) -> st.SearchStrategy[str]:
    """Fields of a customer, and fragments of the next levels, any number of times each."""
    further = range(level + 1, min(level + 4, LEVELS))
    spread = st.sampled_from([f"...F{one}" for one in further] or ["name"])
    field = st.builds(lambda form, below: form.format(below), st.sampled_from(FIELDS), spread)
    return st.lists(st.one_of(spread, spread, field), min_size=1, max_size=6).map(" ".join)


def runs(count: int) -> str:
    """Dry runs of so many sizes, with one plan's selection for all."""
    customers = ('"x" ' * (number + 1) for number in range(count))
    asked = (
        f"m{number}: emailStatements(input: {{customers: [{named}]}}) {{ plan {{ ...P }} }}"
        for number, named in enumerate(customers)
    )
    plan = "fragment P on DispatchPlan { items { target { ...F0 } } items(first: 3) { target { ...F0 ...F1 } } }"
    return f"mutation {{ {' '.join(asked)} }} {plan}"


OPERATIONS = st.one_of(st.just("{ customers(first: 2) { nodes { ...F0 } } }"), st.integers(1, 8).map(runs))
DOCUMENTS = st.builds(
    lambda operation, bodies: " ".join(
        [operation, *(f"fragment F{level} on Customer {{ {body} }}" for level, body in enumerate(bodies))]
    ),
    OPERATIONS,
    st.tuples(*(selections(level) for level in range(LEVELS))),
)


@contextmanager
def counted(owner: Any, name: str, most: int) -> Iterator[list[None]]:
    """One for each call of a function of this module or class; the first beyond the most that may be fails."""
    calls: list[None] = []
    function = getattr(owner, name)

    def counting(*given: Any, **named: Any) -> Any:
        calls.append(None)
        assert len(calls) <= most
        return function(*given, **named)

    with mock.patch.object(owner, name, counting):
        yield calls


def length(document: DocumentNode) -> int:
    """How many nodes a document has."""
    waiting: list[Node] = [document]
    count = 0
    while waiting:
        count += 1
        waiting.extend(shape._children(waiting.pop()))
    return count


@settings(max_examples=150, deadline=None)
@given(text=DOCUMENTS)
def test_every_node_is_measured_once(text: str) -> None:
    document = parse(text)
    nodes = length(document)
    with counted(shape, "_children", nodes) as looked_at, counted(shape._Extent, "add", nodes):
        shape_of(document)
    assert len(looked_at) == nodes - 1  # all but the document itself


@settings(max_examples=150, deadline=None)
@given(text=DOCUMENTS)
def test_every_field_is_planned_once_and_added_up_once_for_each_size_of_run(text: str) -> None:
    document = parse(text)
    fragments = {one.name.value: one for one in document.definitions if isinstance(one, FragmentDefinitionNode)}
    (operation,) = [one for one in document.definitions if isinstance(one, OperationDefinitionNode)]
    sizes = len(operation.selection_set.selections)
    with counted(cost._Planning, "_term", length(document)) as planned:
        plan = cost_plan(operation, fragments, SCHEMA, COSTS, 100)
    with counted(cost._Adding, "_term", len(planned) * (1 + sizes)):
        plan.total(None, 3)
