"""Which GraphQL type the objects of a Python class are: asked of the schema once per class, then looked up."""

from typing import Any

from graphql import GraphQLAbstractType, GraphQLObjectType, GraphQLSchema

__all__ = ["Kinds"]


class Kinds:
    """What was learned of one schema's types. Classes are as many as the code has: nothing here grows with requests."""

    def __init__(self, schema: GraphQLSchema) -> None:
        self._schema = schema
        self._known: dict[str, set[type]] = {}
        self._names: dict[str, dict[type, str]] = {}

    def known(self, of_type: GraphQLObjectType) -> set[type]:
        """The classes that are known to be of an object type; the same set always, which grows."""
        return self._known.setdefault(of_type.name, set())

    def names(self, of_type: GraphQLAbstractType) -> dict[type, str]:
        """The object type's name for each class that is known to be of an abstract type; likewise."""
        return self._names.setdefault(of_type.name, {})

    def accepts(self, of_type: GraphQLObjectType, value: Any) -> bool:
        """Whether a value is of an object type."""
        known = self.known(of_type)
        if type(value) in known:
            return True
        if of_type.is_type_of is not None and not of_type.is_type_of(value, None):  # type: ignore[arg-type]
            return False
        known.add(type(value))
        return True

    def name_of(self, of_type: GraphQLAbstractType, value: Any) -> str | None:
        """The name of the object type of an abstract type's value, if it has one."""
        names = self.names(of_type)
        if type(value) in names:
            return names[type(value)]
        for possible in self._schema.get_possible_types(of_type):
            if possible.is_type_of is not None and possible.is_type_of(value, None):  # type: ignore[arg-type]
                names[type(value)] = possible.name
                return possible.name
        return None
