"""A tenant's server in a few lines, for what the emulator cannot be: any rows, any cap, any wrong answer."""

from collections.abc import Callable
from datetime import date
from typing import Any

import httpx
import msgspec

from adapters.billing_platform import vendor
from adapters.contract import Adapter, Connection
from tests.connecting import NOW

__all__ = ["BASE_URL", "Tenant", "adapter_over", "answering", "letter"]

BASE_URL = "https://tenant.example.com/backend/api/v1"


def letter(number: int, day: date | None, customer: int = 1, **fields: Any) -> dict[str, Any]:
    """A row of correspondence."""
    dated = {} if day is None else {"correspondenceDate": day.isoformat()}
    return {"id": str(number), "customerID": str(customer), "correspondenceType": "Welcome", **dated, **fields}


class Tenant:
    """Serves lists of rows in ascending id by ``idAfter``, ``minDate`` and ``maxDate``, at most ``cap`` at once."""

    def __init__(self, rows: list[dict[str, Any]], cap: int | None = None) -> None:
        self.rows = sorted(rows, key=lambda row: int(row["id"]))
        self.cap = cap
        self.queries: list[dict[str, str]] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        query = dict(request.url.params)
        self.queries.append(query)
        rows = [row for row in self.rows if int(row["id"]) > int(query.get("idAfter", 0))]
        segments = request.url.path.strip("/").split("/")
        if "customers" in segments:
            owner = segments[segments.index("customers") + 1]
            rows = [row for row in rows if row["customerID"] == owner]
        if "minDate" in query:
            rows = [row for row in rows if row.get("correspondenceDate", "") >= query["minDate"]]
        if "maxDate" in query:
            rows = [row for row in rows if "0" < row.get("correspondenceDate", "") <= query["maxDate"]]
        return httpx.Response(200, json=rows[: self.cap])


def adapter_over(
    handler: Callable[[httpx.Request], Any], limits: dict[str, int] | None = None, **settings: Any
) -> Adapter:
    """An adapter whose vendor is a function."""
    return vendor.connect(
        Connection(
            key="test",
            base_url=BASE_URL,
            transport=httpx.MockTransport(handler),
            settings=vendor.settings.of(settings),
            limits=msgspec.structs.replace(vendor.limits, **(limits or {})),
            clock=lambda: NOW,
        )
    )


def answering(status: int, body: bytes | str = b"", **headers: str) -> Callable[[httpx.Request], httpx.Response]:
    """A vendor that always answers the same."""
    return lambda _: httpx.Response(status, content=body, headers=headers)
