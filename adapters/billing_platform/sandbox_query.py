"""The emulator's query parameters: which each endpoint takes, how each is written, and the SQL that each stands for."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime

from adapters.billing_platform.sandbox_records import DELIVERED_SQL, Condition, stamp
from adapters.billing_platform.sandbox_refusals import BAD_REQUEST, RefusedError

__all__ = [
    "CONTACT_LIST",
    "CORRESPONDENCE_LIST",
    "CUSTOMER_LIST",
    "CUSTOMER_VIEW",
    "conditions",
    "expansions",
    "read_date",
    "single_parameters",
]

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_DATETIME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,6})?(Z|[+-]\d{2}:\d{2})", re.ASCII)
_INTEGER = re.compile(r"\d{1,18}", re.ASCII)
_FLAGS = {"true": True, "1": True, "": True, "false": False, "0": False}


def read_date(text: str) -> str:
    """A date, ``YYYY-MM-DD``; anything else raises ValueError."""
    if _DATE.fullmatch(text) is None:
        raise ValueError("a date is written YYYY-MM-DD")
    return date.fromisoformat(text).isoformat()


def _datetime(text: str) -> str:
    if _DATETIME.fullmatch(text) is None:
        raise ValueError("a time is written YYYY-MM-DDThh:mm:ss with Z or an offset")
    return stamp(datetime.fromisoformat(text).astimezone(UTC))


def _integer(text: str) -> int:
    if _INTEGER.fullmatch(text) is None:
        raise ValueError("a whole number")
    return int(text)


def _flag(text: str) -> bool:
    if text not in _FLAGS:
        raise ValueError("a flag is true, 1 or empty, or false or 0")
    return _FLAGS[text]


@dataclass(frozen=True, slots=True)
class _Value:
    """A parameter whose value is bound to the condition."""

    sql: str
    read: Callable[[str], str | int] = str


@dataclass(frozen=True, slots=True)
class _Flag:
    """A parameter that is set or not; without SQL it says how records are shown, not which."""

    sql: str = "TRUE"


Parameters = Mapping[str, _Value | _Flag]

_STANDARD: Parameters = {
    "idAfter": _Value("id > ?", _integer),
    "createdSince": _Value("created_at >= ?", _datetime),
    "updatedSince": _Value("updated_at >= ?", _datetime),
}

CORRESPONDENCE_LIST: Parameters = {
    **_STANDARD,
    "correspondenceType": _Value("type = ?"),
    "delivered": _Flag(DELIVERED_SQL),
    "undelivered": _Flag(f"NOT {DELIVERED_SQL}"),
    "minDate": _Value("date >= ?", read_date),
    "maxDate": _Value("date <= ?", read_date),
}

CUSTOMER_VIEW: Parameters = {
    "expandNumbers": _Flag(),
    "expandServices": _Flag(),
    "expandFeatures": _Flag(),
    "numberActive": _Flag(),
    "serviceActive": _Flag(),
    "featureActive": _Flag(),
}

CUSTOMER_LIST: Parameters = {
    **_STANDARD,
    **CUSTOMER_VIEW,
    "accountNumber": _Value("account_number = ?"),
    "CRMReference": _Value("crm_reference <> '' AND crm_reference = ?"),
    "dropped": _Flag("dropped"),
    "active": _Flag("NOT dropped"),
    "droppedSince": _Value("dropped_at >= ?", _datetime),
    "reinstatedSince": _Value("reinstated_at >= ?", _datetime),
    "finalBill": _Flag("final_bill"),
    "excludeFinalBill": _Flag("NOT final_bill"),
}

CONTACT_LIST: Parameters = {**_STANDARD, "dealerCode": _Value("customer_id IS NULL AND dealer_code = ?")}


def conditions(parameters: Parameters, query: Iterable[tuple[str, str]]) -> list[Condition]:
    """The conditions that a query string stands for; all of them must hold.

    A parameter that the endpoint has not, one given twice and a badly written value are refused with 400001.
    """
    found = []
    for name, text in single_parameters(parameters, query).items():
        parameter = parameters[name]
        try:
            if isinstance(parameter, _Value):
                found.append(Condition(parameter.sql, (parameter.read(text),)))
            elif _flag(text):
                found.append(Condition(parameter.sql))
        except (ValueError, OverflowError) as error:
            raise RefusedError(BAD_REQUEST, f"{name}: {error}") from error
    return found


def single_parameters(known: Iterable[str], query: Iterable[tuple[str, str]]) -> dict[str, str]:
    """The parameters by name. One that is not known, and one that is given twice, are refused with 400001."""
    given: dict[str, str] = {}
    for name, text in query:
        if name not in known:
            raise RefusedError(BAD_REQUEST, f"{name}: not a parameter of this endpoint")
        if name in given:
            raise RefusedError(BAD_REQUEST, f"{name}: given twice")
        given[name] = text
    return given


def expansions(query: Iterable[tuple[str, str]]) -> dict[str, list[object]]:
    """The children that a checked query expands a customer with. The sample company keeps none of them."""
    given = dict(query)
    keys = {"expandNumbers": "numbers", "expandServices": "services", "expandFeatures": "features"}
    return {key: [] for name, key in keys.items() if name in given and _flag(given[name])}
