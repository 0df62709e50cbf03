"""Documents are measured as they are executed, in steps that grow with their length."""

from collections.abc import Iterator

import pytest
from graphql import Node, parse

from gateway.documents import shape
from gateway.documents.shape import comparisons_of, shape_of

SPREAD = "{ a { ...F } ...G } fragment F on T { b { c } } fragment G on T { x: d @skip(if: true) ...F }"


def bomb(levels: int) -> str:
    """A document of fragments each of which spreads the next one twice."""
    fragments = (f"fragment F{level} on Query {{ ...F{level + 1} ...F{level + 1} }}" for level in range(levels))
    return f"{{ ...F0 }} {' '.join(fragments)} fragment F{levels} on Query {{ a }}"


@pytest.mark.parametrize(
    ("text", "depth", "root_fields", "fields", "aliases", "directives"),
    [
        ("{ a }", 1, 1, 1, 0, 0),
        ("{ a { b } ... { c ... { d } } }", 2, 3, 4, 0, 0),
        (SPREAD, 3, 3, 6, 1, 1),
        ("query A { a } query B { b c { d } }", 2, 2, 4, 0, 0),
        ("query A @x { a @y } fragment Unused on T { b { c: d } }", 2, 1, 3, 1, 2),
        ("{ ...F } fragment F on T { a ...G } fragment G on T { b ...F }", 1, 2, 2, 0, 0),
        ("{ ...Unknown a }", 1, 1, 1, 0, 0),
    ],
)
def test_a_fragment_counts_wherever_it_is_spread(
    text: str, depth: int, root_fields: int, fields: int, aliases: int, directives: int
) -> None:
    found = shape_of(parse(text))
    assert (found.depth, found.root_fields, found.fields) == (depth, root_fields, fields)
    assert (found.aliases, found.directives) == (aliases, directives)


def test_a_number_is_measured_and_parts_are_noticed() -> None:
    found = shape_of(parse("{ a(b: [12345, -1.5e10]) ... @defer { c } }"))
    assert (found.longest_number, found.in_parts) == (7, True)


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> list[Node]:
    """Every node that is looked at, each time."""
    seen: list[Node] = []
    children = shape._children

    def noting(node: Node) -> Iterator[Node]:
        seen.append(node)
        return children(node)

    monkeypatch.setattr(shape, "_children", noting)
    return seen


def test_every_node_is_looked_at_once_however_often_it_is_spread(steps: list[Node]) -> None:
    document = parse(bomb(levels=30))
    assert shape_of(document).fields == 2**30
    assert len(steps) == len({id(node) for node in steps}) < 600


def test_a_thousand_fragments_within_one_another_are_measured() -> None:
    fragments = (f"fragment F{level} on Query {{ b {{ ...F{level + 1} }} }}" for level in range(1000))
    assert shape_of(parse(f"{{ ...F0 }} {' '.join(fragments)} fragment F1000 on Query {{ a }}")).depth == 1001


@pytest.mark.parametrize(
    ("text", "pairs"),
    [
        ("{ a b c }", 0),
        ("{ a a a }", 3),
        ("{ x: a x: b }", 1),
        ("{ a { b } a { b } }", 2),
        ("{ a { b { c } b { c } } a { b { c } } }", 1 + 3 + 3),
        ("{ ...F ...G } fragment F on T { a } fragment G on T { a }", 2),
        ("{ ...F ...F } fragment F on T { a }", 0),
        ("{ ... { a } ... { a } }", 1),
    ],
)
def test_what_comes_together_in_one_place_is_compared(text: str, pairs: int) -> None:
    assert comparisons_of(parse(text)) == pairs
