"""Filters that name customers of several backends, narrowed to one of them."""

from adapters.filters import Compare, Filter, Not

__all__ = ["CUSTOMER_IDS", "narrowed_to"]

CUSTOMER_IDS = "customer_id"
"""The attribute that names customers by id; its values are ``backend:native id`` until `narrowed_to`."""


def narrowed_to(tree: Filter, backend: str) -> Filter:
    """The tree for one backend: comparisons with customers by id keep that backend's customers, as native ids."""
    if isinstance(tree, Compare):
        if tree.field != CUSTOMER_IDS:
            return tree
        mine = f"{backend}:"
        return Compare(
            CUSTOMER_IDS, tree.op, tuple(one.removeprefix(mine) for one in tree.value if one.startswith(mine))
        )
    if isinstance(tree, Not):
        return Not(narrowed_to(tree.term, backend))
    return type(tree)(tuple(narrowed_to(term, backend) for term in tree.terms))
