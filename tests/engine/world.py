"""What the executors are compared over: backends that differ, records with and without everything, and faults."""

import datetime
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, cast

from adapters.errors import AdapterError, Forbidden, NotFound, RateLimited, TimedOut, Unavailable, UnsupportedByVendor
from adapters.model import DocumentState, PostalAddress, RecordStatus, TransactionDefinition
from gateway.app import Gateway
from gateway.context import LOCAL, Principal
from tests.gateway.asking import gateway_over
from tests.gateway.fakes import Fake, fake
from tests.gateway.records import correspondence, customer, letter, message, template

__all__ = ["FAULTS", "KEYED", "PRINCIPALS", "VERBS", "World"]

PRINCIPALS: Mapping[str, Principal] = {
    "all": LOCAL,
    "one": Principal(id="one", backends=frozenset("a")),
    "other": Principal(id="other", backends=frozenset("bc")),
    "none": Principal(id="none", backends=frozenset()),
}

KEYED = (
    "customers.by_key",
    "customers.by_code",
    "correspondence.of_customers",
    "correspondence.by_key",
    "letters.of_customers",
    "letters.by_key",
    "templates.of_customers",
    "templates.by_key",
    "templates.email_templates",
    "messages.by_key",
)
VERBS = (*KEYED, "customers.page", "correspondence.page", "letters.page", "templates.page", "messages.page")

FAULTS: Mapping[str, Exception] = {
    "unavailable": Unavailable("Down.", backend="a"),
    "timeout": TimedOut("Late."),
    "limited": RateLimited("Slowly.", retry_after=3),
    "forbidden": Forbidden("Not for you.", vendor_code="403-x"),
    "not found": NotFound("Gone."),
    "unsupported": UnsupportedByVendor("No."),
    "bug": RuntimeError("token=hunter2"),
}
"""What a backend may fail with."""

COUNT = 4


def _everything(key: str, **options: Any) -> Fake:
    numbers = range(COUNT)
    return fake(
        key,
        customers=[
            customer(
                key,
                str(n),
                code=None if n == 3 else f"C-{n}",
                name="Zoë “Ünï” \n\u2028 \U0001f600" if n == 1 else f"Company {n}",
                message_id=None if n == 2 else f"m{n % 2}",
                status=RecordStatus.INACTIVE if n == 2 else RecordStatus.ACTIVE,
                vendor_status=("open", "7") if n else (),
                emails=None if n == 1 else (f"{n}@example.com", "x@example.com"),
                address=PostalAddress(lines=("1 Road", "Flat 2"), city="Ely", country="GB") if n % 2 else None,
                outstanding_balance=Decimal("12.50") if n else None,
                raw={"id": n, "nested": [{"a": None}, 1.5, True]},
            )
            for n in numbers
        ],
        correspondence=[
            correspondence(key, f"c{n}", None if n == 5 else str(n % 3), number=str(n), type="Reminder", date=None)
            for n in range(6)
        ],
        letters=[
            letter(
                key,
                f"l{n}",
                str(n % COUNT),
                page_count=n,
                state=DocumentState.SENT,
                date=datetime.date(2026, 1, 1 + n),
                address_id="7",
            )
            for n in range(6)
        ],
        templates=[
            template(key, f"t{n}", str(n), transaction_definition=TransactionDefinition(native_id="1", name="Invoice"))
            for n in numbers
        ]
        + [template(key, "t9", "9", email_template=None)],
        messages=[message(key, "m0"), message(key, "m1", text=None, created_at=None)],
        **options,
    )


def _odd(key: str) -> Fake:
    """Records as no adapter may make them: each is a failure somewhere."""
    odd: Any = fake(
        key,
        customers=[
            customer(key, "0", name=5, message_id="m9"),
            customer(key, "1", name=["x"], vendor_status="abc", raw=None),
            customer(key, "2", status=None, vendor_status=(1, None), currency=True),
            customer(key, "3", name=2.5, code=False, status="NONSENSE", emails=("x", None), address="nowhere"),
        ],
        letters=[
            letter(key, "l0", "0", state=None),
            letter(key, "l1", "1", page_count=2**40, date="2026-01-01"),
            letter(key, "l2", "2", page_count="7", vendor_status=None),
            letter(key, "l3", "nobody", title=object()),
        ],
        messages=[cast("Any", letter(key, "m9"))],
        carried=frozenset(("raw", "emails", "currency", "address")),
    )
    return odd  # type: ignore[no-any-return]


class World:
    """Backends a and b with everything, c with little, and odd if asked; in one gateway."""

    def __init__(self, *, odd: bool = False) -> None:
        self.fakes = {
            "a": _everything("a", shares_codes_with=("b", "c"), writes=True),
            "b": _everything("b", shares_codes_with=("a",), carried=frozenset(("emails", "raw")), paging="keyset"),
            "c": fake("c", customers=[customer("c", "1", code="C-1")], letters=[letter("c", "l1", "1")]),
        }
        if odd:
            self.fakes["odd"] = _odd("odd")
        self.gateway: Gateway = gateway_over(*self.fakes.values())

    def break_(self, backend: str, verb: str, error: Exception, key: str | None = None) -> None:
        """Lets every call of a verb fail, or one key of each."""
        behaviour = self.fakes[backend].behaviour
        if key is None:
            behaviour.lasting[verb] = error
        else:
            assert isinstance(error, AdapterError)
            behaviour.of_key[verb, key] = error

    def take(self, seconds: float) -> None:
        """Lets every call take so long."""
        for one in self.fakes.values():
            one.behaviour.takes = seconds

    def mend(self) -> None:
        """Forgets all faults and calls."""
        for one in self.fakes.values():
            one.behaviour.lasting.clear()
            one.behaviour.of_key.clear()
            one.behaviour.calls.clear()

    def calls(self) -> list[tuple[str, str, tuple[str, ...]]]:
        """What was asked since: backend, verb and keys; and forgets it."""
        made = [
            (key, call.verb, tuple(sorted(call.keys)))
            for key, one in self.fakes.items()
            for call in one.behaviour.calls
        ]
        for one in self.fakes.values():
            one.behaviour.calls.clear()
        return sorted(made)
