"""Connects the adapter to answers that a test makes up, where an emulator would not give them."""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import httpx
import msgspec

from adapters.contract import Adapter, Connection
from adapters.sage_intacct import vendor

BASE_URL = "https://intacct.example/ia/api/v1"
NOW = datetime(2026, 6, 30, 12, 0, tzinfo=UTC)

Answers = Callable[[httpx.Request], httpx.Response]


def adapter_over(answers: Answers, limits: Mapping[str, int] | None = None, **settings: Any) -> Adapter:
    """An adapter whose requests, which carry no credential, are answered by a function."""
    return vendor.connect(
        Connection(
            key="test",
            base_url=BASE_URL,
            transport=httpx.MockTransport(answers),
            settings=vendor.settings.of(settings),
            limits=msgspec.structs.replace(vendor.limits, **(limits or {})),
            clock=lambda: NOW,
        )
    )


def answering(body: object, status: int = 200, **headers: str) -> Answers:
    """One answer for every request: JSON, or bytes as they are."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda _request: httpx.Response(status, content=content, headers=named)


def listing(*rows: Mapping[str, Any], total: int | None = None) -> dict[str, Any]:
    """A query's or a plain list's answer."""
    count = len(rows) if total is None else total
    meta = {"totalCount": count, "start": 1, "pageSize": 100, "next": None, "previous": None}
    return {"ia::result": list(rows), "ia::meta": meta}


def one(record: Mapping[str, Any]) -> dict[str, Any]:
    """The answer about one record."""
    return {"ia::result": dict(record), "ia::meta": {"totalCount": 1, "totalSuccess": 1, "totalError": 0}}


def nested_error(**members: Any) -> dict[str, Any]:
    """A refusal as the object pages show it."""
    error = {"code": "invalidRequest", "message": "No.", "errorId": "REST-1028", "supportId": "Kxi78", **members}
    return {"ia::result": {"ia::error": error}, "ia::meta": {"totalCount": 1, "totalSuccess": 0, "totalError": 1}}
