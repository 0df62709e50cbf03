"""From coerced input to what a field's function takes, by converters that are made once for each input type.

They do what strawberry's ``convert_argument`` does, which looks at the types anew for every value; a type whose rules
are not known here is left to it.
"""

from collections.abc import Callable
from dataclasses import MISSING
from functools import partial
from typing import Any

from strawberry import Schema
from strawberry.relay import GlobalID
from strawberry.scalars import is_scalar
from strawberry.types.arguments import convert_argument
from strawberry.types.base import StrawberryList, StrawberryMaybe, StrawberryOptional, has_object_definition
from strawberry.types.enum import StrawberryEnumDefinition, has_enum_definition
from strawberry.types.field import StrawberryField
from strawberry.types.lazy_type import LazyType
from strawberry.types.unset import UNSET

__all__ = ["Converter", "Converters", "Input", "Items", "as_it_is", "present"]

Converter = Callable[[Any], Any]
"""Of a value that is neither null nor unset."""


def as_it_is(value: Any) -> Any:
    """Leaves need nothing done."""
    return value


class Input:
    """An input type: makes an instance of its class of a mapping by GraphQL's names."""

    def __init__(self, converters: "Converters", cls: Any) -> None:
        self.made = cls
        """An instance, of its members by their own names."""
        self.fields: dict[str, tuple[str, Converter]] = {}
        definition = cls.__strawberry_definition__
        self.absent: dict[str, Any] = {one.python_name: None for one in definition.fields if not _has_default(one)}
        """Null for what has no default: a mapping without what is required does not come here."""
        self.one_of = bool(definition.is_one_of)
        """Whether exactly one of its fields is to be given."""
        self._definition = definition
        self._converters = converters

    def learn(self) -> None:
        """Finds its fields' converters, its own known meanwhile: input types refer to each other."""
        name_of = self._converters.schema.config.name_converter.from_field
        for one in self._definition.fields:
            converter = self._converters.of(one.resolve_type(type_definition=self._definition))
            self.fields[name_of(one)] = (one.python_name, converter)

    def __call__(self, value: Any) -> Any:
        """An instance."""
        given = self.absent.copy()
        for name, (own_name, converter) in self.fields.items():
            if name in value:
                given[own_name] = present(converter, value[name])
        return self.made(**given)


def present(converter: Converter, value: Any) -> Any:
    """Null and unset stay what they are."""
    return value if value is None or value is UNSET else converter(value)


class Items:
    """A list: each item by the converter of all; of leaves a copy, for what comes as a default is one list for all."""

    def __init__(self, item: Converter) -> None:
        self.item = item

    def __call__(self, value: Any) -> list[Any]:
        """The converted items."""
        return [*value] if self.item is as_it_is else [present(self.item, one) for one in value]


class Converters:
    """The converters of one schema, each made when it is first needed."""

    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        self._inputs: dict[Any, Input] = {}

    def of(self, of_type: Any) -> Converter:
        """The converter of a type as strawberry has it."""
        while isinstance(of_type, StrawberryOptional) and not isinstance(of_type, StrawberryMaybe):
            of_type = of_type.of_type
        if isinstance(of_type, StrawberryList):
            return Items(self.of(of_type.of_type))
        if isinstance(of_type, LazyType):
            return self.of(of_type.resolve_type())
        if self._is_leaf(of_type):
            return as_it_is
        return self._input(of_type) if has_object_definition(of_type) else self._library(of_type)

    def _is_leaf(self, of_type: Any) -> bool:
        if isinstance(of_type, StrawberryEnumDefinition) or has_enum_definition(of_type):
            return True
        return of_type is not GlobalID and is_scalar(of_type, self.schema.schema_converter.scalar_registry)

    def _input(self, cls: Any) -> Converter:
        definition = cls.__strawberry_definition__
        if not definition.is_input or definition.from_input is not None:
            return self._library(cls)
        known = self._inputs.get(cls)
        if known is None:
            known = self._inputs[cls] = Input(self, cls)
            known.learn()
        return known

    def _library(self, of_type: Any) -> Converter:
        registry, config = self.schema.schema_converter.scalar_registry, self.schema.config
        return partial(convert_argument, type_=of_type, scalar_registry=registry, config=config)


def _has_default(field: StrawberryField) -> bool:
    return field.default_value is not MISSING or field.default_factory is not MISSING
