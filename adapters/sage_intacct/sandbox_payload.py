"""The payload of a create or an update, checked against the catalogue: every fault in it is told at once."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from adapters.sage_intacct.sandbox_catalogue import Field, Kind, ObjectType, Record, Reference
from adapters.sage_intacct.sandbox_refusals import (
    Detail,
    business_rule,
    invalid_fields,
    read_only_field,
    unknown_field,
    wrong_value,
)

__all__ = ["Find", "read_payload"]

Find = Callable[[str, str, str], Record | None]
"""Finds the record that an object's name, ``key`` or ``id``, and a value name."""

_REFERABLE = {None, "active", "activeNonPosting"}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Named:
    """A reference as a payload gives it: by what, and the value."""

    reference: Reference
    by: Mapping[str, str]


def read_payload(kind: ObjectType, body: Mapping[str, Any], *, creating: bool, find: Find) -> Record:
    """The values to store, references as keys. Raises 400 REST-1064 for its form, 422 for what it refers to."""
    values: Record = {}
    problems: list[Detail] = []
    for name, value in body.items():
        member = kind.members.get(name)
        path = f"/{name}"
        if member is None and not any(known.startswith(f"{name}.") for known in kind.members):
            problems.append(unknown_field(path))
        elif member is None or not _writable(member, creating=creating):
            problems.append(read_only_field(path))
        elif isinstance(member, Field):
            values[name] = value
            problems += _field_problems(member, path, value)
        else:
            values[name], found = _read_reference(member, path, value)
            problems += found
    if creating:
        problems += [
            wrong_value(f"/{name}", "is required")
            for name, member in kind.members.items()
            if member.required and name not in body
        ]
    if problems:
        raise invalid_fields(problems)
    for name, value in values.items():
        if isinstance(value, _Named):
            values[name] = _resolved(value, f"/{name}", find)
    return values


def _writable(member: Field | Reference, *, creating: bool) -> bool:
    return member.write == "always" or (creating and member.write == "create")


def _field_problems(field: Field, path: str, value: object) -> list[Detail]:
    if value is None:
        return [wrong_value(path, "cannot be null")] if field.required or field.default is not None else []
    match field.kind:
        case Kind.BOOLEAN:
            fits, rule = isinstance(value, bool), "must be a boolean"
        case Kind.NUMBER:
            fits, rule = isinstance(value, (int, float)) and not isinstance(value, bool), "must be a number"
        case Kind.ENUM:
            fits, rule = value in field.choices, f"must be one of {', '.join(field.choices)}"
        case _:
            fits, rule = isinstance(value, str) and bool(value.strip()), "must be a string that is not blank"
    return [] if fits else [wrong_value(path, rule)]


def _read_reference(reference: Reference, path: str, value: object) -> tuple[_Named | None, list[Detail]]:
    if value is not None and not isinstance(value, dict):
        return None, [wrong_value(path, "must be an object")]
    problems = []
    by: dict[str, str] = {}
    for part, text in (value or {}).items():
        if part not in reference.named_by:
            known = part in {*reference.shown, "key", "id", "href"}
            problems.append((read_only_field if known else unknown_field)(f"{path}/{part}"))
        elif text is not None and not (isinstance(text, str) and text.strip()):
            problems.append(wrong_value(f"{path}/{part}", "must be a string that is not blank"))
        elif text is not None:
            by[part] = text
    if not by and not problems and (reference.required or value == {}):
        problems.append(wrong_value(path, f"needs {' or '.join(reference.named_by)}"))
    return (_Named(reference=reference, by=by) if by else None), problems


def _resolved(named: _Named, path: str, find: Find) -> str:
    target = named.reference.target
    found = [find(target, part, text) for part, text in named.by.items()]
    first = found[0]
    if first is None or any(record is None or record["key"] != first["key"] for record in found):
        raise business_rule(f"{path} refers to a {target} that does not exist", path)
    if first.get("status") not in _REFERABLE:
        raise business_rule(f"{path} refers to a {target} that is inactive", path)
    return str(first["key"])
