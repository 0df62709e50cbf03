"""Dispatches and their items as text and as JSON."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from gateway.commands.dispatch_ledger import global_id
from gateway.commands.dispatch_standing import Standing
from gateway.commands.output import aligned
from gateway.dispatch.records import Dispatch, DispatchItem, ItemState
from gateway.problems import Problem

__all__ = [
    "changes",
    "counted",
    "dispatch_json",
    "dispatch_text",
    "item_json",
    "item_text",
    "plain",
    "summary",
    "table",
]

SHORT_ID = 12
"""Characters of an id in a table: alike by chance in one of 5,000 ledgers of 300,000 dispatches."""


def table(found: Sequence[Dispatch]) -> str:
    """One line for each."""
    head = ("ID", "WHEN", "WHO", "ACTION", "STATE", "ITEMS")
    rows = [
        (
            dispatch.id[:SHORT_ID],
            moment(dispatch.requested_at),
            plain(dispatch.requested_by),
            dispatch.action.value,
            dispatch.state.value,
            counted(dispatch.counts),
        )
        for dispatch in found
    ]
    return aligned([head, *rows], indent="")


def dispatch_text(dispatch: Dispatch) -> str:
    """All about a dispatch but its items."""
    facts = [
        ("id", dispatch.id),
        ("GraphQL id", global_id(dispatch.id)),
        ("action", dispatch.action.value + (", again though sent before" if dispatch.resend else "")),
        ("state", dispatch.state.value),
        ("items", counted(dispatch.counts)),
        ("backends", ", ".join(sorted(dispatch.backends))),
        ("asked for", f"{moment(dispatch.requested_at)} by {plain(dispatch.requested_by)}"),
    ]
    if dispatch.idempotency_key is not None:
        facts.append(("idempotency key", plain(dispatch.idempotency_key)))
    if dispatch.paused is not None:
        facts.append(("paused", _problem_text(dispatch.paused)))
    if dispatch.finished_at is not None:
        facts.append(("finished", moment(dispatch.finished_at)))
    return aligned(facts, indent="")


def item_text(item: DispatchItem) -> str:
    """All about an item."""
    target = f"{item.target.type} {plain(item.target.native_id)} at {item.target.backend}"
    stable = "" if item.stable_id == item.target.native_id else f" (stable id {plain(item.stable_id)})"
    to = "whom the vendor chooses" if item.recipients is None else plain(", ".join(item.recipients))
    settled = "" if item.settled_at is None else f", settled {moment(item.settled_at)}"
    lines = [f"{item.state.value:<9}  {target}{stable}, to {to}; attempt {item.attempt}{settled}"]
    if item.vendor_message is not None:
        code = "" if item.vendor_code is None else f" (code {plain(item.vendor_code)})"
        lines.append(f"    vendor:   {plain(item.vendor_message)}{code}")
    if item.problem is not None:
        lines.append(f"    problem:  {_problem_text(item.problem)}")
    if item.evidence is not None:
        lines.append(f"    evidence: {plain(item.evidence)}")
    return "\n".join(lines)


def dispatch_json(dispatch: Dispatch) -> dict[str, Any]:
    """All about a dispatch but its items."""
    found: dict[str, Any] = msgspec.to_builtins(dispatch)
    del found["number"]
    found["backends"] = sorted(dispatch.backends)
    found["counts"] = {state.value: dispatch.counts.get(state, 0) for state in ItemState}
    return {"id": dispatch.id, "graphql_id": global_id(dispatch.id), "state": dispatch.state.value} | found


def item_json(item: DispatchItem) -> dict[str, Any]:
    """All about an item."""
    found: dict[str, Any] = msgspec.to_builtins(item)
    del found["number"], found["fingerprint"]
    return found


def counted(counts: Mapping[ItemState, int]) -> str:
    """Such as ``23 of 25: 20 accepted, 3 failed``: settled of all, then how many stand how."""
    total = sum(counts.values())
    pending = counts.get(ItemState.QUEUED, 0) + counts.get(ItemState.SENDING, 0)
    states = ", ".join(f"{counts[state]} {state.value.lower()}" for state in ItemState if counts.get(state))
    return f"{total - pending} of {total} settled" + (f": {states}" if states else "")


def summary(standing: Standing) -> str:
    """How a dispatch stands, on one line, and what to do about what is amiss."""
    lines = [f"{standing.id[:SHORT_ID]} is {standing.state.value}: {counted(standing.counts)}."]
    if standing.paused is not None and standing.pending:
        lines.append(f"Paused: {plain(standing.paused)}")
    for state, advice in (
        (ItemState.UNKNOWN, "`postroom dispatches reconcile` asks the vendors what became of what is UNKNOWN"),
        (ItemState.FAILED, "`postroom dispatches retry` sends again what is FAILED"),
    ):
        if standing.counts.get(state):
            show = f"`postroom dispatches show {standing.id[:SHORT_ID]} --items --state {state.value}`"
            lines.append(f"{advice}; {show} shows why.")
    return "\n".join(lines)


def changes(before: Standing, after: Standing) -> str:
    """Which counts differ, such as ``UNKNOWN 5 → 2, ACCEPTED 20 → 23``."""
    differing = [
        f"{state.value} {before.counts.get(state, 0)} → {after.counts.get(state, 0)}"
        for state in ItemState
        if before.counts.get(state, 0) != after.counts.get(state, 0)
    ]
    return ", ".join(differing) or "Nothing changed"


def moment(at: datetime) -> str:
    """A time, in UTC, to the second."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S}Z"


def plain(text: str) -> str:
    """A vendor's or a caller's words on one line, with nothing in them that commands a terminal."""
    return "".join(character if character.isprintable() else " " for character in text).strip()


def _problem_text(problem: Problem) -> str:
    return f"{problem.code.value}: {plain(problem.message)}"
