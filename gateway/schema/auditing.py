"""The audit log: a line for each write and send that was asked for, whatever became of it.

It says who, what of which records, and how it ended. It holds ids and codes alone: no names, addresses, texts or
messages, and of a key or token nothing but its id. `operation_id` joins it to the vendor calls in the log, `dispatch`
to the ledger, where a send's own outcome is.
"""

import asyncio
import contextlib
import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any, Final

import structlog

from gateway.ids import InvalidId, Ref, decode, encode
from gateway.principals import Principal
from gateway.record_types import type_name

__all__ = ["ID_FIELDS", "Audit", "auditing"]

log = structlog.get_logger("postroom.audit")

ID_FIELDS: Final = frozenset(("id", "document", "documents", "customer", "customers", "email_template"))
"""The arguments and input fields that hold global ids."""

MOST_TARGETS: Final = 20
"""Ids in a line; a run's are all in the ledger, under its dispatch."""


class Audit:
    """What is known of one mutation so far."""

    def __init__(self, arguments: Mapping[str, Any]) -> None:
        given = {name: value for argument in arguments.items() for name, value in _fields(*argument)}
        self._targets = [one for name in sorted(ID_FIELDS & given.keys()) for one in _ids(given[name])]
        self._named = given.get("backend")
        self._dry_run = bool(given.get("dry_run"))
        self._members: dict[str, Any] = {}
        self.outcome = "failed"

    def answered(self, payload: Any) -> None:
        """What the caller is told."""
        codes = [problem.code.value for problem in payload.problems]
        dispatch = getattr(payload, "dispatch", None)
        made = [one for one in vars(payload).values() if hasattr(one, "native_id")]
        self.outcome = "problems" if codes else "planned" if self._dry_run else "done"
        self._members = {
            "problems": codes or None,
            "dispatch": None if dispatch is None else dispatch.id,
            "state": None if dispatch is None else dispatch.state.value,
            "replayed": getattr(payload, "replayed", None) or None,
            "record": [encode(type_name(one), one.backend, one.native_id) for one in made] or None,
        }

    def line(self, principal: Principal, mutation: str) -> dict[str, Any]:
        """The line's members; those that say nothing are left out."""
        backends = {ref.backend for ref in map(_ref, self._targets) if ref is not None and ref.type != "Dispatch"}
        members = {
            "principal": principal.id,
            "key_id": principal.credential,
            "mutation": mutation,
            "outcome": self.outcome,
            "backends": sorted(backends | {self._named} if isinstance(self._named, str) else backends) or None,
            "targets": self._targets[:MOST_TARGETS] or None,
            "target_count": len(self._targets),
            **self._members,
        }
        return {name: value for name, value in members.items() if value is not None}


@contextlib.contextmanager
def auditing(principal: Principal, mutation: str, arguments: Mapping[str, Any]) -> Iterator[Audit]:
    """Writes the line at the end: also when the work failed, or its caller left and it goes on without one."""
    audit = Audit(arguments)
    try:
        yield audit
    except asyncio.CancelledError:
        audit.outcome = "left"
        raise
    finally:
        log.info("asked", **audit.line(principal, mutation))


def _fields(name: str, value: Any) -> list[tuple[str, Any]]:
    if not dataclasses.is_dataclass(value):
        return [(name, value)]
    return [(field.name, getattr(value, field.name)) for field in dataclasses.fields(value)]


def _ids(value: Any) -> list[str]:
    """Ids of ours alone: whatever else was given may be anything."""
    values = value if isinstance(value, list) else [value]
    return [one for one in values if isinstance(one, str) and _ref(one) is not None]


def _ref(value: str) -> Ref | None:
    try:
        return decode(value)
    except InvalidId:
        return None
