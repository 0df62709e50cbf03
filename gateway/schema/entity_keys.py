"""By which fields a federation router names our records, and what is loaded for each of its representations.

A key is read off the declarations below, and the federation SDL is printed from them: what is handed out as a key is
what is taken back.
"""

from collections.abc import Mapping
from typing import Any

from gateway.backends import Backend
from gateway.context import Ask
from gateway.ids import InvalidId, Ref, decode
from gateway.loaders import CodeKey, RecordKey
from gateway.problems import Problem, ProblemCode, ProblemError
from gateway.schema.document import DOCUMENT_TYPES
from gateway.schema.node import DISPATCH_SCOPE

__all__ = ["ENTITY_KEYS", "entity_key"]

BY_ID = ("id",)
BY_NATIVE_ID = ("backendKey", "nativeId")
BY_CODE = ("backendKey", "code")

ENTITY_KEYS: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "Backend": (BY_ID,),
    "Correspondence": (BY_ID,),
    "Customer": (BY_ID, BY_NATIVE_ID, BY_CODE),
    "CustomerEmailTemplate": (BY_ID,),
    "CustomerMessage": (BY_ID,),
    "Dispatch": (BY_ID,),
    "EmailTemplate": (BY_ID,),
    "Letter": (BY_ID,),
}
"""Per entity type, its keys; a representation that has several is read by the first."""

Loaded = RecordKey | CodeKey | Backend | str | None


def entity_key(representation: Any, place: int, ask: Ask) -> Loaded | ProblemError:
    """What `nodes` loads for a representation; where it can name nothing, the refusal that stands in its place."""
    try:
        type_name = _type_of(representation)
        key = next((key for key in ENTITY_KEYS[type_name] if all(name in representation for name in key)), None)
        if key is None:
            raise _refused(f"A {type_name} is named by {_ways(type_name)}.")
        given = {name: _text(representation[name], type_name, name) for name in key}
        if key == BY_ID:
            return _of_id(given["id"], type_name, ask)
        if key == BY_CODE:
            return _of_code(given["backendKey"], given["code"], ask)
        return _record(type_name, given["backendKey"], given["nativeId"], ask)
    except ProblemError as refusal:
        path = ("representations", str(place), *(refusal.problem.path or ()))
        problem = Problem(code=refusal.problem.code, message=refusal.problem.message, path=path)
        return ProblemError(problem)


def _type_of(representation: Any) -> str:
    if not isinstance(representation, dict):
        raise _refused("A representation is an object: __typename, and the fields of a key.")
    type_name = representation.get("__typename")
    if type_name not in (known := tuple(ENTITY_KEYS)):
        raise _refused(f"__typename is one of {', '.join(known)}.", "__typename")
    return str(type_name)


def _text(value: Any, type_name: str, name: str) -> str:
    if not isinstance(value, str) or not value:
        raise _refused(f"`{name}` of a {type_name} is a text, as it was handed out.", name)
    return value


def _ways(type_name: str) -> str:
    return ", or by ".join(" and ".join(f"`{name}`" for name in key) for key in ENTITY_KEYS[type_name])


def _of_id(value: str, type_name: str, ask: Ask) -> Loaded:
    try:
        ref = decode(value)
    except InvalidId:
        ref = Ref("", "", "")
    if ref.type != type_name:
        raise _refused(f"This is not the `id` of a {type_name}.", "id")
    if type_name == "Dispatch":
        return ref.native_id if ref.backend == DISPATCH_SCOPE and ref.native_id.isalnum() else None
    if type_name == "Backend":
        return ask.context.backends.get(ref.backend) if ref.backend == ref.native_id else None
    return _record(type_name, ref.backend, ref.native_id, ask)


def _of_code(key: str, code: str, ask: Ask) -> Loaded:
    backend = ask.context.backends.get(key)
    if backend is None or backend.adapter.customers is None:
        return None
    if not backend.vendor.unique_codes:
        message = "At this backend a code may name several customers: name the customer by `id`, or by `nativeId`."
        raise ProblemError(Problem(code=ProblemCode.UNSUPPORTED, message=message, path=("code",)))
    return CodeKey(key, code, _wanted("Customer", ask))


def _record(type_name: str, key: str, native_id: str, ask: Ask) -> RecordKey | None:
    """None where the backend is not visible, or could not have it: as if there were no such record."""
    backend = ask.context.backends.get(key)
    if backend is None or not backend.vendor.accepts(type_name, native_id):
        return None
    return RecordKey(type_name, key, native_id, _wanted(type_name, ask))


def _wanted(type_name: str, ask: Ask) -> frozenset[str]:
    interfaces = ("Node", "Document") if type_name in DOCUMENT_TYPES else ("Node",)
    return ask.selection.on("_Entity", *interfaces, type_name).wanted(*interfaces, type_name)


def _refused(message: str, *path: str) -> ProblemError:
    return ProblemError(Problem(code=ProblemCode.INVALID_INPUT, message=message, path=path))
