"""E-mailing statements: the calls, and what their answers say of each customer."""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import date

import msgspec

from adapters.answers import decode_json
from adapters.errors import AdapterError, InvalidInput, NotFound, OutcomeUnknown, Rejected
from adapters.kashflow.codes import CODE, same_code
from adapters.kashflow.rows import StatementRow
from adapters.redaction import redacted
from adapters.wire import Answer, WireRequest
from adapters.writes import EmailStatements, Outcome, OutcomeState, PreparedCall, invalid

__all__ = ["OPERATION", "outcomes_of", "prepare"]

OPERATION = "statement.email"

_REFUSALS: dict[str, type[Rejected]] = {
    "Invalid customer code": NotFound,
    "Invalid customer email address": InvalidInput,
}
"""The page's two reasons for not sending; others may exist."""

_BRACES_FOR_BRACKETS = re.compile(rb"\s*\{(\s*\{.*\}\s*)\}\s*", re.DOTALL)


def prepare(request: EmailStatements, *, backend: str, batch: int) -> tuple[PreparedCall, ...]:
    """The calls, at most ``batch`` customers each. A code given twice is asked for once.

    Raises `InvalidInput` for what would be refused, and for two codes that may name one customer, who would get two
    statements.
    """
    codes = tuple(dict.fromkeys(request.customer_ids))
    for field, problem in _problems(request, codes):
        raise invalid(problem, field, backend=backend, operation=OPERATION)
    query = _query(request)
    parts = (codes[start : start + batch] for start in range(0, len(codes), batch))
    return tuple(PreparedCall(request=_request(part, query), targets=part) for part in parts)


def _problems(request: EmailStatements, codes: Sequence[str]) -> Iterator[tuple[str, str]]:
    if not codes:
        yield "customer_ids", "Name at least one customer."
    if not all(CODE.fullmatch(code) for code in codes):
        yield "customer_ids", "A customer's code has a form that no code can have."
    if len({same_code(code) for code in codes}) < len(codes):
        yield "customer_ids", "Two codes differ in case alone and may name one customer; send to them separately."
    if (request.start is None) != (request.end is None):
        yield "end" if request.end is None else "start", "Give both the first and the last day, or neither."
    if request.start is not None and request.end is not None and request.start > request.end:
        yield "end", "The last day lies before the first."


def _query(request: EmailStatements) -> tuple[tuple[str, str], ...]:
    """In the page's order. What is left out has the vendor's default: three months, paid invoices included."""
    parameters = (
        ("startdate", _day(request.start)),
        ("enddate", _day(request.end)),
        ("excludepaidinvoices", "1" if request.exclude_paid else None),
        ("filterby", "all" if request.all_invoices else None),
    )
    return tuple((name, value) for name, value in parameters if value is not None)


def _day(day: date | None) -> str | None:
    return day.isoformat().replace("-", "") if day is not None else None


def _request(codes: Sequence[str], query: tuple[tuple[str, str], ...]) -> WireRequest:
    return WireRequest(
        operation=OPERATION,
        method="POST",
        path=("customerstatements", "bulk", "email"),
        query=query,
        headers=(("accept", "application/json"), ("content-type", "application/json")),
        body=msgspec.json.encode(codes),
        write=True,
    )


def outcomes_of(answer: Answer, targets: Sequence[str], *, backend: str) -> tuple[Outcome, ...]:
    """One outcome per target, in order, from a success's rows in whatever order they come.

    Raises `OutcomeUnknown` for an answer that is no list of rows. The page's own example writes the list in braces,
    which is no JSON; it is read all the same.
    """
    braced = _BRACES_FOR_BRACKETS.fullmatch(answer.body)
    if braced is not None:
        answer = msgspec.structs.replace(answer, body=b"[" + braced[1] + b"]")
    rows: defaultdict[str, list[StatementRow]] = defaultdict(list)
    for row in decode_json(answer, tuple[StatementRow, ...], backend=backend):
        message = None if row.message is None else redacted(row.message, answer.secrets)
        rows[same_code(row.customer_code or "")].append(msgspec.structs.replace(row, message=message))
    return tuple(_outcome(rows[same_code(code)], backend, answer.status) for code in targets)


def _outcome(rows: Sequence[StatementRow], backend: str, status: int) -> Outcome:
    said = {row.sent for row in rows}
    message = rows[0].message if rows else None
    if said == {True}:
        return Outcome(state=OutcomeState.DONE, message=message)
    error: AdapterError
    if said == {False}:
        reason = message or "The vendor did not send this statement, and gave no reason."
        kind = _REFUSALS.get(reason, Rejected)
        error = kind(reason, backend=backend, operation=OPERATION, status=status)
        return Outcome(state=OutcomeState.UNDONE, message=message, error=error)
    doubt = "contradicts itself on" if rows else "does not mention"
    error = OutcomeUnknown(
        f"The vendor's answer {doubt} this customer.", backend=backend, operation=OPERATION, status=status
    )
    return Outcome(state=OutcomeState.UNKNOWN, message=message, error=error)
