"""What the installed vendors offer, read off their adapters: which of the contract's tests are about which of them."""

import functools
from collections.abc import Mapping
from dataclasses import dataclass

import httpx

from adapters.contract import Adapter, Connection, Vendor
from adapters.registry import load_vendors
from tests.connecting import NOW

__all__ = ["LISTS", "VENDORS", "ListPart", "offered", "unconnected"]

VENDORS: Mapping[str, Vendor] = load_vendors()


@dataclass(frozen=True, kw_only=True)
class ListPart:
    """A part that lists records of one type. All vendors that have it filter by ``filters`` and order by ``orders``."""

    name: str
    record_type: str
    filters: frozenset[str]
    more_filters: frozenset[str] = frozenset()
    """Filters that a vendor may lack."""
    orders: tuple[str, ...] = ()
    more_orders: tuple[str, ...] = ()
    """Orders that a vendor may lack, either way round."""

    @property
    def part_name(self) -> str:
        """The part of the adapter."""
        return self.name


LISTS = (
    ListPart(
        name="customers",
        record_type="Customer",
        filters=frozenset({"code", "name"}),
        more_filters=frozenset({"status", "outstanding_balance"}),
        more_orders=("name", "code", "outstanding_balance"),
    ),
    ListPart(
        name="correspondence",
        record_type="Correspondence",
        filters=frozenset({"title", "date", "state"}),
        more_filters=frozenset({"type"}),
        orders=("-date",),
        more_orders=("date",),
    ),
    ListPart(
        name="letters",
        record_type="Letter",
        filters=frozenset({"title", "date", "state"}),
        orders=("-date",),
        more_orders=("date",),
    ),
    ListPart(
        name="templates",
        record_type="CustomerEmailTemplate",
        filters=frozenset(
            {
                "customer_id",
                "customer_code",
                "customer_name",
                "template_name",
                "template_type",
                "transaction_definition",
            }
        ),
        orders=("customer_code", "template_name", "transaction_definition"),
    ),
    ListPart(
        name="messages",
        record_type="CustomerMessage",
        filters=frozenset({"code", "text", "status", "created_at", "modified_at"}),
    ),
)


def unconnected(vendor: Vendor) -> Adapter:
    """An adapter that reaches nothing: for what can be said without a call."""

    def refuse(request: httpx.Request) -> httpx.Response:
        raise AssertionError(f"no call was to be made, and {request.method} was")

    return vendor.connect(
        Connection(
            key="test",
            base_url="http://127.0.0.1:9/api",
            transport=httpx.MockTransport(refuse),
            settings=vendor.settings(),
            limits=vendor.limits,
            clock=lambda: NOW,
        )
    )


@functools.cache
def offered(name: str) -> frozenset[str]:
    """The parts that a vendor offers."""
    return unconnected(VENDORS[name]).offers()
