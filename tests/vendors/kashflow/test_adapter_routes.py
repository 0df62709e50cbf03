"""What is logged of a customer's notes names no customer: the calls that the contract's tests do not come to."""

import httpx

from adapters.contract import Connection
from adapters.kashflow import vendor
from adapters.wire import EXTENSION
from adapters.writes import EvidenceRequest, SendAction
from tests.connecting import NOW


async def test_the_route_of_notes_and_of_the_log_has_no_code_and_no_address() -> None:
    routes: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        routes.append(request.extensions[EXTENSION].route)
        path = request.url.path
        if path.endswith("/notes"):
            return httpx.Response(200, json=[])
        if path.endswith("/emaillog"):
            return httpx.Response(200, json={"Data": [], "MetaData": {"TotalRecords": 0}})
        return httpx.Response(200, json={"Code": "ZEBRA7", "Id": 7, "Email": "zebra@example.com"})

    adapter = vendor.connect(
        Connection(
            key="test",
            base_url="https://vendor.example/v2",
            transport=httpx.MockTransport(answer),
            settings=None,
            limits=vendor.limits,
            clock=lambda: NOW,
        )
    )
    assert adapter.evidence is not None
    await adapter.evidence(
        EvidenceRequest(action=SendAction.EMAIL_STATEMENT, native_id="ZEBRA7", stable_id="7", since=NOW)
    )
    assert routes == ["GET /customers/{id}", "GET /customers/{id}/notes", "GET /reports/emaillog"]
