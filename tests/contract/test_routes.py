"""What is logged of a call's path tells nobody's record."""

from urllib.parse import unquote

import httpx

from adapters.contract import Adapter, Connection, EmailStatements, EvidenceRequest, SendAction, Vendor
from adapters.errors import AdapterError
from adapters.wire import EXTENSION, CallInfo
from tests.connecting import NOW, asking
from tests.contract.offers import LISTS
from tests.contract.walking import reader
from tests.contract.writing import WRITES

NATIVE_ID = "987654"


class Recording(httpx.AsyncBaseTransport):
    """Notes each request's path and route, and has no such record."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str]] = []
        self.shown: list[str] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        info: CallInfo = request.extensions[EXTENSION]
        path = request.url.raw_path.decode().partition("?")[0].removeprefix("/base")
        self.told.append((f"{request.method} {unquote(path)}", info.route))
        self.shown.append(repr(info))
        return httpx.Response(404, json={})


async def ask_everything(adapter: Adapter) -> None:
    """Every verb that takes a native id, and the lists, for the sake of their requests."""
    asked = []
    for part in LISTS:
        if (read := reader(adapter, part)) is not None:
            asked += [read.page(asking(2)), read.by_key([NATIVE_ID], frozenset({"raw"}))]
            asked += [read.of_customers([NATIVE_ID], asking(2))] if hasattr(read, "of_customers") else []
            asked += [read.by_code([NATIVE_ID], frozenset())] if hasattr(read, "by_code") else []
    calls = [write.with_id(adapter, NATIVE_ID) for write in WRITES if getattr(adapter, write.part_name) is not None]
    if adapter.email_statements is not None:
        calls += adapter.email_statements(EmailStatements(customer_ids=(NATIVE_ID,)))
    asked += map(adapter.perform, calls)
    asked += [] if adapter.pdf is None else [adapter.pdf(NATIVE_ID)]
    asked += [] if adapter.preview is None else [adapter.preview(NATIVE_ID, 1, 300)]
    if adapter.evidence is not None:
        sends = [
            EvidenceRequest(action=action, native_id=NATIVE_ID, stable_id=NATIVE_ID, since=NOW) for action in SendAction
        ]
        asked += map(adapter.evidence, sends)
    for question in asked:
        try:
            await question
        except AdapterError:
            continue


async def test_a_route_is_the_path_without_ids_and_numbers(vendor: Vendor) -> None:
    transport = Recording()
    connection = Connection(
        key="test",
        base_url="http://127.0.0.1:9/base",
        transport=transport,
        settings=vendor.settings(),
        limits=vendor.limits,
        clock=lambda: NOW,
    )
    await ask_everything(vendor.connect(connection))

    named = [route for path, route in transport.told if NATIVE_ID in path]
    assert named
    assert [route for route in named if "{id}" not in route] == []
    expected = [
        "/".join("{id}" if one == NATIVE_ID else "{n}" if one.isdecimal() else one for one in path.split("/"))
        for path, _ in transport.told
    ]
    assert expected == [route for _, route in transport.told]
    assert [shown for shown in transport.shown if NATIVE_ID in shown] == []
