"""Which part of a filter the vendor's own parameters say, and which part is left for us. Pure."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta

from msgspec import Struct

from adapters.errors import UnsupportedByVendor
from adapters.filters import (
    Compare,
    Filter,
    FilterOptions,
    Op,
    conjunction,
    conjuncts,
    evaluate,
    fields_of,
    period_bounds,
    without_not,
)
from adapters.model import RecordStatus

__all__ = ["Question", "correspondence_question", "customer_question"]

Parameters = tuple[tuple[str, str], ...]

_CUSTOMER_FIELDS = frozenset(("code", "name", "status", "external_reference"))
_CUSTOMER_TEXTS = {"code": "accountNumber", "external_reference": "CRMReference"}
_STATUS_FLAGS = {RecordStatus.ACTIVE: "active", RecordStatus.INACTIVE: "dropped"}

_CORRESPONDENCE_FIELDS = frozenset(("type", "title", "date", "state", "delivered", "created_since"))
_CORRESPONDENCE_TEXTS = {"type": "correspondenceType", "title": "correspondenceType"}
_TOLD_ONLY = frozenset(("delivered", "created_since"))


class Question(Struct, frozen=True, kw_only=True):
    """A filter, split: what the vendor is asked, and ``here``, what its rows are still held against.

    ``earliest`` and ``latest`` are the days it is asked for, both inclusive. ``status`` is the one that all its rows
    have.
    """

    parameters: Parameters = ()
    here: Filter | None = None
    earliest: date | None = None
    latest: date | None = None
    status: RecordStatus | None = None

    @property
    def dated(self) -> bool:
        """Whether only documents with a date can be meant."""
        return self.earliest is not None or self.latest is not None

    @property
    def hopeless(self) -> bool:
        """Whether nothing can be meant: contradictory days, or delivered and undelivered at once."""
        crossed = self.earliest is not None and self.latest is not None and self.earliest > self.latest
        return crossed or {"delivered", "undelivered"} <= {name for name, _ in self.parameters}


def customer_question(tree: Filter | None, options: FilterOptions, *, backend: str) -> Question:
    """What to ask the list of customers. Raises `UnsupportedByVendor` for a field that its rows do not have."""
    terms = _terms(tree, _CUSTOMER_FIELDS, backend=backend, operation="customer.list")
    parameters = _texts(terms, _CUSTOMER_TEXTS, options)
    about_status = [term for term in terms if fields_of(term) == {"status"}]
    # To the vendor each customer is active or dropped, even where its row does not show which.
    meant = [status for status in _STATUS_FLAGS if all(_admits(term, status, options) for term in about_status)]
    if not meant:
        return Question(parameters=parameters, here=conjunction(terms))
    here = conjunction(term for term in terms if term not in about_status)
    if len(meant) == len(_STATUS_FLAGS):
        return Question(parameters=parameters, here=here)
    flag = (_STATUS_FLAGS[meant[0]], "true")
    return Question(parameters=(*parameters, flag), here=here, status=meant[0])


def correspondence_question(tree: Filter | None, options: FilterOptions, *, backend: str) -> Question:
    """What to ask a list of correspondence.

    Raises `UnsupportedByVendor` for a field that its rows do not have, and for ``delivered`` and ``created_since``
    anywhere but among the conjuncts: the rows show neither.
    """
    terms = _terms(tree, _CORRESPONDENCE_FIELDS, backend=backend, operation="correspondence.list")
    told = [term for term in terms if fields_of(term) & _TOLD_ONLY]
    here = [term for term in terms if not fields_of(term) & _TOLD_ONLY]
    flags, since = _told(told, backend)
    lows, highs = _days(here, options)
    return Question(
        parameters=(*_texts(here, _CORRESPONDENCE_TEXTS, options), *flags, *since),
        here=conjunction(here),
        earliest=max(lows, default=None),
        latest=min(highs, default=None),
    )


def _terms(tree: Filter | None, known: frozenset[str], *, backend: str, operation: str) -> tuple[Filter, ...]:
    for name in sorted(fields_of(tree) - known):
        raise UnsupportedByVendor(
            f"This vendor's lists cannot be filtered by {name}.", backend=backend, operation=operation, field=name
        )
    return () if tree is None else conjuncts(without_not(tree))


def _admits(term: Filter, status: RecordStatus, options: FilterOptions) -> bool:
    return evaluate(term, lambda _: status, options) is True


def _texts(terms: Iterable[Filter], names: dict[str, str], options: FilterOptions) -> Parameters:
    """Equalities, one per parameter.

    The vendor's rule for upper and lower case is not known: it is not asked where case is not to matter, and what it
    answers is held against them once more.
    """
    asked: dict[str, str] = {}
    for term in terms:
        if isinstance(term, Compare) and term.op is Op.EQ and term.field in names and term.value:
            caseless = term.value.upper() == term.value.lower()
            if options.case_sensitive or caseless:
                asked.setdefault(names[term.field], term.value)
    return tuple(asked.items())


def _told(terms: Iterable[Filter], backend: str) -> tuple[Parameters, Parameters]:
    """The flags, and the time since which; what can be said in neither way is unsupported."""
    flags: set[str] = set()
    since: list[datetime] = []
    for term in terms:
        match term:
            case Compare(field="delivered", op=Op.EQ | Op.NE as op, value=bool() as value):
                flags.add("delivered" if value is (op is Op.EQ) else "undelivered")
            case Compare(field="created_since", op=Op.EQ | Op.GTE, value=datetime() as value):
                since.append(value if value.tzinfo else value.replace(tzinfo=UTC))
            case _:
                name = min(fields_of(term) & _TOLD_ONLY)
                raise UnsupportedByVendor(
                    f"{name} can only be asked for by itself, beside other conditions that must all hold.",
                    backend=backend,
                    operation="correspondence.list",
                    field=name,
                )
    latest = [("createdSince", max(since).astimezone(UTC).isoformat().replace("+00:00", "Z"))] if since else []
    return tuple((flag, "true") for flag in sorted(flags)), tuple(latest)


def _days(terms: Iterable[Filter], options: FilterOptions) -> tuple[list[date], list[date]]:
    lows: list[date] = []
    highs: list[date] = []
    for term in terms:
        if isinstance(term, Compare) and term.field == "date":
            low, high = _span(term, options)
            lows += [low] if low else []
            highs += [high] if high else []
    return lows, highs


def _span(term: Compare, options: FilterOptions) -> tuple[date | None, date | None]:
    """The first and the last day that a comparison admits, None where it sets no bound or the vendor cannot be told."""
    match term.op:
        case Op.EQ:
            return term.value, term.value
        case Op.GTE:
            return term.value, None
        case Op.GT:
            return _days_later(term.value, 1), None
        case Op.LTE:
            return None, term.value
        case Op.LT:
            return None, _days_later(term.value, -1)
        case Op.BETWEEN:
            return term.value[0], term.value[1]
        case Op.IN if term.value:
            return min(term.value), max(term.value)
        case Op.IN_PERIOD:
            return period_bounds(term.value, options.reference_day)
        case _:
            return None, None


def _days_later(day: date, count: int) -> date | None:
    try:
        return day + timedelta(days=count)
    except OverflowError:
        return None
