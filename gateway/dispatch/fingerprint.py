"""What would be the same sending: the key under which the ledger lets a thing go out once."""

import hashlib
import json
from collections.abc import Iterable
from datetime import date
from typing import Any

from gateway.dispatch.records import DispatchAction

__all__ = ["document_fingerprint", "input_hash", "normalised", "statement_fingerprint"]

VENDOR_CHOOSES = "vendor's choice"


def normalised(recipients: Iterable[str]) -> tuple[str, ...]:
    """Addresses as one compares them: without surrounding blanks, the domain in lower case, sorted, each once.

    The part before the @ keeps its case, since only its own server may fold it (RFC 5321, section 2.4).
    """
    found = set()
    for recipient in recipients:
        local, at, domain = recipient.strip().rpartition("@")
        found.add(f"{local}{at}{domain.lower()}")
    return tuple(sorted(found))


def document_fingerprint(
    backend: str, record_type: str, stable_id: str, action: DispatchAction, recipients: Iterable[str] | None
) -> str:
    """A document by one channel to these addresses (None: those that the vendor chooses)."""
    to = VENDOR_CHOOSES if recipients is None else list(normalised(recipients))
    return _digest("document", backend, record_type, stable_id, action.value, to)


def statement_fingerprint(
    backend: str,
    stable_id: str,
    *,
    start: date | None,
    end: date | None,
    all_invoices: bool,
    exclude_paid: bool,
    day: date,
) -> str:
    """A customer's statement of a period; where the vendor chooses an end of it, of the day it is asked for."""
    ends = (start, end) if start is not None and end is not None else (start, end, day)
    period = [None if moment is None else moment.isoformat() for moment in ends]
    return _digest("statement", backend, stable_id, period, all_invoices, exclude_paid)


def input_hash(mutation: str, given: Any) -> str:
    """Tells two inputs of a mutation apart; ``given`` is JSON."""
    return _digest("input", mutation, given)


def _digest(*parts: Any) -> str:
    text = json.dumps(parts, ensure_ascii=True, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
