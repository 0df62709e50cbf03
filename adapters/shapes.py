"""What a person says of a connection, or of the gateway: frozen structs that are made of plain values, field by field.

A field's type says what it must be (`msgspec.Meta`), with the description of it in words and examples, and a `Check`
beside it what no type can say. All that is wrong is told at once, and a secret that was given is no part of it.
"""

import functools
import json
import types
import typing
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, Self

import msgspec
from msgspec import Meta, Struct

__all__ = ["Check", "Field", "Refusal", "RefusedError", "SecretStr", "Shape", "members_of"]


class SecretStr:
    """Text that shows itself to nobody who does not ask for it by name."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def get_secret_value(self) -> str:
        """The text."""
        return self._text

    def __repr__(self) -> str:
        return "SecretStr('***')"

    def __eq__(self, other: object) -> bool:
        return self._text == other._text if isinstance(other, SecretStr) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._text)


class Check(Struct, frozen=True):
    """``refuse`` raises ValueError for a value of the right type that will not do; its words go on after a colon.

    It stands beside the type of the whole field: one beside the type of a list's elements is a TypeError.
    """

    refuse: Callable[[Any], None]


class Refusal(Struct, frozen=True):
    """Why a field has no value; of no field, why the values together will not do."""

    field: str
    kind: Literal["missing", "unknown", "wrong"]
    text: str


class RefusedError(ValueError):
    """Values that a shape cannot be made of: every reason."""

    def __init__(self, shape: str, refusals: tuple[Refusal, ...]) -> None:
        told = (f"{f'{shape}.{one.field}'.removesuffix('.')}: {one.text}" for one in refusals)
        super().__init__("; ".join(told))
        self.refusals = refusals


class Field:
    """One field of a shape: what its type says of it."""

    def __init__(self, info: msgspec.structs.FieldInfo) -> None:
        self.name = info.name
        self.required = info.required
        self.type = info.type
        parts = [*_parts(info.type)]
        self.kinds = frozenset(part for part in parts if not isinstance(part, Meta | Check))
        """The classes that a value may be of, ``NoneType`` among them."""
        said = [part for part in parts if isinstance(part, Meta)]
        self.description = next((one.description for one in said if one.description), _choices(info.type))
        self.example: Any = next((one.examples[0] for one in said if one.examples), "")
        self._checks = [part for part in parts if isinstance(part, Check)]

    @property
    def is_secret(self) -> bool:
        """Whether what is written there must be shown to nobody."""
        return SecretStr in self.kinds

    def value(self, given: object) -> Any:
        """What the field becomes. Raises ValueError with what it must be."""
        try:
            value = msgspec.convert(given, self.type, dec_hook=_of_text)
        except msgspec.ValidationError as error:
            words = f"must be {self.description}" if self.description else str(error).replace("Expected", "must be")
            raise ValueError(words) from None
        if value is not None:
            for check in self._checks:
                check.refuse(value)
        return value


class Shape(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Named values, each of which says what it must be. What is not named there is refused, inside a field, too.

    What they must be together is for a shape's ``__post_init__`` to say, which raises ValueError.
    """

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Self:
        """Made of plain values, as TOML has them. Raises `RefusedError`."""
        values: dict[str, Any] = {}
        refusals: list[Refusal] = []
        for name, field in members_of(cls).items():
            if name not in given:
                refusals += [Refusal(name, "missing", "is missing")] if field.required else []
                continue
            try:
                values[name] = field.value(given[name])
            except ValueError as error:
                refusals.append(Refusal(name, "wrong", str(error)))
        refusals += [Refusal(name, "unknown", "is not known") for name in given if name not in members_of(cls)]
        if not refusals:
            try:
                return cls(**values)
            except ValueError as error:
                refusals.append(Refusal("", "wrong", str(error)))
        raise RefusedError(cls.__name__, tuple(refusals))

    def named(self) -> dict[str, Any]:
        """Each value by its name."""
        return msgspec.structs.asdict(self)


@functools.cache
def members_of(shape: type[Shape]) -> Mapping[str, Field]:
    """Each field of a shape by its name, in order."""
    return {info.name: Field(info) for info in msgspec.structs.fields(shape)}


def _parts(kind: Any) -> Iterator[Any]:
    """The classes that a type allows, and what stands beside them."""
    origin = typing.get_origin(kind)
    if origin is typing.Annotated:
        yield from kind.__metadata__
        yield from _parts(kind.__origin__)
    elif origin in (typing.Union, types.UnionType):
        for member in typing.get_args(kind):
            yield from _parts(member)
    else:
        if any(isinstance(part, Check) for inner in typing.get_args(kind) for part in _parts(inner)):
            raise TypeError(f"A check inside {kind} would not be made: write it beside the whole.")
        yield origin or kind


def _choices(kind: Any) -> str | None:
    """What may be written where a type allows nothing but what it names."""
    inner = [one for one in typing.get_args(kind) if one is not types.NoneType]
    if typing.get_origin(kind) is Literal:
        return " or ".join(map(json.dumps, inner))
    alone = len(inner) == 1 and typing.get_origin(kind) in (typing.Union, types.UnionType)
    return _choices(inner[0]) if alone else None


def _of_text(kind: type, given: object) -> object:
    if kind in (SecretStr, Path) and isinstance(given, str):
        return kind(given)
    raise ValueError("Expected text")
