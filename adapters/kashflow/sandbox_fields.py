"""How KashFlow's emulator reads the fields of a JSON body: exactly as documented, or in any case when lenient."""

from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec
from msgspec import inspect

from adapters.kashflow.sandbox_query import invalid

__all__ = ["canonical", "checked", "read_fields"]

Fields = TypeVar("Fields", bound=msgspec.Struct)


def read_fields(body: object, kind: type[Fields], *, lenient: bool) -> Fields:
    """The body as a ``kind``, or the refusal that says which field is wrong."""
    return checked(canonical(body, kind, lenient=lenient), kind)


def checked(fields: object, kind: type[Fields]) -> Fields:
    """The fields, their names and types checked."""
    try:
        return msgspec.convert(fields, kind)
    except msgspec.ValidationError as error:
        raise invalid(str(error)) from None


def canonical(
    body: object, kind: type[msgspec.Struct], *, lenient: bool, older: Mapping[str, str] | None = None
) -> Any:
    """The body with its fields named as ``kind`` names them; a null is as if it were not there.

    ``older`` maps names of another page to present ones. Lenient takes a name in any case and drops an unknown one;
    otherwise it is left for `checked` to refuse.
    """
    fold = str.lower if lenient else str
    renamed = {fold(old): new for old, new in (older or {}).items()}
    return _walk(body, inspect.type_info(kind), renamed, lenient=lenient)


def _walk(value: object, kind: inspect.Type, renamed: Mapping[str, str], *, lenient: bool) -> object:
    if isinstance(kind, inspect.ListType) and isinstance(value, list):
        return [_walk(item, kind.item_type, renamed, lenient=lenient) for item in value]
    if not isinstance(kind, inspect.StructType) or not isinstance(value, dict):
        return value
    fold = str.lower if lenient else str
    known = {fold(field.encode_name): field for field in kind.fields}
    walked: dict[str, object] = {}
    for key, item in value.items():
        field = known.get(fold(renamed.get(fold(key), key)))
        if field is not None and item is not None:
            walked[field.encode_name] = _walk(item, field.type, renamed, lenient=lenient)
        elif field is None and not lenient:
            walked[key] = item
    return walked
