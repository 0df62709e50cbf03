"""Filter trees to try, of every operator."""

from collections.abc import Set as AbstractSet
from typing import Any

from hypothesis import strategies as st

from adapters.filters import And, Compare, Filter, Not, Op, Or

__all__ = ["EQUALITIES", "ORDERED", "PERIODS", "TEXTUAL", "comparisons", "trees"]

PERIODS = frozenset({Op.IN_PERIOD, Op.NOT_IN_PERIOD})
EQUALITIES = frozenset({Op.EQ, Op.NE, Op.IN, Op.NOT_IN})
TEXTUAL = frozenset(set(Op) - PERIODS)
ORDERED = frozenset(op for op in TEXTUAL if "ontains" not in op.value and "With" not in op.value)


def comparisons(field: str, ops: AbstractSet[Op], values: st.SearchStrategy[Any]) -> st.SearchStrategy[Filter]:
    """Comparisons of one attribute."""
    return st.sampled_from(sorted(ops)).flatmap(
        lambda op: _operands(op, values).map(lambda value: Compare(field, op, value))
    )


def _operands(op: Op, values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    if op in (Op.IN, Op.NOT_IN):
        return st.lists(values, max_size=3).map(tuple)
    if op in (Op.BETWEEN, Op.NOT_BETWEEN):
        return st.tuples(values, values)
    return st.none() if op in (Op.IS_NULL, Op.IS_NOT_NULL) else values


def trees(leaves: st.SearchStrategy[Filter]) -> st.SearchStrategy[Filter]:
    """Trees of these comparisons, empty groups included."""
    return st.recursive(
        leaves,
        lambda inner: st.one_of(
            st.lists(inner, max_size=3).map(lambda terms: And(tuple(terms))),
            st.lists(inner, max_size=3).map(lambda terms: Or(tuple(terms))),
            inner.map(Not),
        ),
        max_leaves=6,
    )
