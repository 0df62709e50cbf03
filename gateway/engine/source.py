"""Source that is being written: its functions, the names that they know values by, and how they write leaves.

All that gets into it is response keys, by `repr`, and names: attributes', which the schema declares, columns', which
the adapters do, and those that are made here. What a document or a variable holds otherwise is reached through the
names, never written.
"""

import keyword
from collections.abc import Iterable
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLLeafType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLOutputType,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
)
from msgspec import UNSET

from gateway.engine.leaves import ALIKE, EXACT, OUTPUT, names_of, output
from gateway.engine.plan import FieldPlan, ObjectPlan
from gateway.schema.fields import Attribute

__all__ = ["OddError", "Source", "attribute_name", "indented", "noting", "nullable"]


class OddError(Exception):
    """Something that the generated functions leave to `gateway.engine.completing`."""


class Source:
    """Functions, and the values that they know by name."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self.names: dict[str, Any] = {"Odd": OddError, "UNSET": UNSET, "LISTS": (list, tuple), **OUTPUT, **ALIKE}

    def text(self) -> str:
        """All of it."""
        return "\n".join(self._lines) + "\n"

    def comment(self, text: str) -> None:
        """A line that says what follows."""
        self._lines.append(f"# {text}")

    def function(self, signature: str, body: Iterable[str]) -> None:
        """A function of these statements."""
        self._lines += [f"def {signature}:", *indented(body), ""]

    def name(self, name: str, value: Any) -> str:
        """Lets the functions know a value by this name, if they know none by it."""
        self.names.setdefault(name, value)
        return name

    def completed(self, v: str, of_type: GraphQLOutputType, field: FieldPlan) -> list[str]:
        """Statements that make of a value what is answered for it."""
        if is_non_null_type(of_type):
            return self.not_null(v, of_type.of_type, field)
        inner = self.not_null(v, of_type, field)
        if len(inner) == 1 and inner[0].startswith("if "):  # what is most often false first
            return [inner[0].replace(": ", f" and {v} is not None: ", 1)]
        return [f"if {v} is not None:", *indented(inner)]

    def not_null(self, v: str, of_type: GraphQLOutputType, field: FieldPlan) -> list[str]:
        """Likewise of a value that is not null. Here are leaves and lists of them."""
        if is_list_type(of_type):
            return self._leaves(v, of_type, field)
        assert is_leaf_type(of_type)  # noqa: S101 - the rest is written where objects are
        return self._leaf(v, of_type)

    def _leaves(self, v: str, of_type: GraphQLList[Any], field: FieldPlan) -> list[str]:
        """A list of leaves: at once where all are of the type that is written as it is."""
        one = self.completed("item", of_type.of_type, field)
        alike = f"ALL_{nullable(of_type.of_type).name}"  # type: ignore[union-attr]
        each = ["items = []", f"for item in {v}:", *indented([*one, "items.append(item)"]), f"{v} = items"]
        check = f"if type({v}) not in LISTS: raise Odd"
        if alike not in ALIKE:
            return [check, *each]
        return [check, f"if {alike}.issuperset(map(type, {v})): {v} = [*{v}]", "else:", *indented(each)]

    def _leaf(self, v: str, of_type: GraphQLLeafType) -> list[str]:
        if isinstance(of_type, GraphQLEnumType):
            return [f"{v} = {self.enum_names(of_type)}[{v}]"]
        written = self.name(f"output_{of_type.name}", output(of_type))
        if of_type.name not in EXACT:
            return [f"{v} = {written}({v})"]
        exact, plain = (template.format(v=v) for template in EXACT[of_type.name])
        if plain == v:
            return [f"if not ({exact}): {v} = {written}({v})"]
        return [f"{v} = {plain} if {exact} else {written}({v})"]

    def enum_names(self, of_type: GraphQLEnumType) -> str:
        """The table of an enumeration's names."""
        return self.name(f"names_{of_type.name}", names_of(of_type))


def nullable(of_type: GraphQLOutputType) -> GraphQLOutputType:
    """A type without its non-null."""
    return of_type.of_type if isinstance(of_type, GraphQLNonNull) else of_type


def attribute_name(name: str) -> str:
    """A name that may stand after a dot."""
    if not name.isidentifier() or keyword.iskeyword(name):
        raise ValueError(f"{name!r} is no attribute's name.")
    return name


def noting(made: ObjectPlan) -> tuple[list[str], str]:
    """What stands before the writing of objects, and the condition on which they are noted.

    They are where they have a step; where that only reads what a record came without, where one of them did.
    """
    unset = any(isinstance(one.declared, Attribute) for one in made.steps)
    alone = unset and all(isinstance(one.declared, Attribute) for one in made.steps)
    return ["unset = False"] if unset else [], "if unset: " if alone else ""


def indented(lines: Iterable[str]) -> list[str]:
    """A block."""
    return [f"    {line}" for line in lines]
