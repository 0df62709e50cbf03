"""The audit log: a line for each write and send that was asked for, whatever became of it.

It says who, what of which records, and how it ended. It holds ids and codes alone: no names, addresses, texts or
messages, and of a key or token nothing but its id. `operation_id` joins it to the vendor calls in the log, `dispatch`
to the ledger, where a send's own outcome is.
"""

import asyncio
import contextlib
import dataclasses
import itertools
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
"""Ids in a line, the first that were given; a run's are all in the ledger, under its dispatch."""


class Audit:
    """What is known of one mutation so far. Of a run's ids it looks at no more than it shows."""

    def __init__(self, arguments: Mapping[str, Any]) -> None:
        given = {name: value for argument in arguments.items() for name, value in _fields(*argument)}
        lists = [_listed(given[name]) for name in sorted(ID_FIELDS & given.keys())]
        shown = itertools.islice(itertools.chain.from_iterable(lists), MOST_TARGETS)
        self._targets = {one: ref for one in shown if (ref := _ref(one)) is not None}
        self._count = sum(map(len, lists))
        self._backends = {ref.backend for ref in self._targets.values() if ref.type != "Dispatch"}
        if isinstance(given.get("backend"), str):
            self._backends.add(given["backend"])
        self._dry_run = bool(given.get("dry_run"))
        self._members: dict[str, Any] = {}
        self.outcome = "failed"

    def answered(self, payload: Any) -> None:
        """What the caller is told."""
        codes = [problem.code.value for problem in payload.problems]
        dispatch = getattr(payload, "dispatch", None)
        plan = getattr(payload, "plan", None)
        made = [one for one in vars(payload).values() if hasattr(one, "native_id")]
        self.outcome = "problems" if codes else "planned" if self._dry_run else "done"
        self._backends.update(() if dispatch is None else dispatch.backends)
        self._backends.update(() if plan is None else (item.target.backend for item in plan.items))
        self._members = {
            "problems": codes or None,
            "dispatch": None if dispatch is None else dispatch.id,
            "state": None if dispatch is None else dispatch.state.value,
            "replayed": getattr(payload, "replayed", None) or None,
            "record": [encode(type_name(one), one.backend, one.native_id) for one in made] or None,
        }

    def line(self, principal: Principal, mutation: str) -> dict[str, Any]:
        """The line's members; those that say nothing are left out."""
        members = {
            "principal": principal.id,
            "key_id": principal.credential,
            "mutation": mutation,
            "outcome": self.outcome,
            "backends": sorted(self._backends) or None,
            "targets": [*self._targets] or None,
            "target_count": self._count,
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


def _listed(value: Any) -> list[Any]:
    """The ids that a field holds: a list of them, one, or none."""
    return value if isinstance(value, list) else [] if value is None else [value]


def _ref(value: Any) -> Ref | None:
    """What an id of ours stands for: whatever else was given may be anything, and is shown to nobody."""
    try:
        return decode(value) if isinstance(value, str) else None
    except InvalidId:
        return None
