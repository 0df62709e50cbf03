"""Requests for other hosts are refused, and pages of other origins may do what the settings say."""

from collections.abc import Mapping

import msgspec
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Origin, Subprotocol

from gateway.settings import ServerSettings
from tests.gateway.server.wire import HEAD, QUERY, listening, reason_of

SERVER = ServerSettings(
    host="gateway.internal",
    public_url="https://postroom.example.com/base",
    allowed_hosts=["Also.Example.com", "a"],
    cors_origins=["https://app.example.com", "http://localhost:5173"],
)
APP = "https://app.example.com"
ANSWER = (200, b'{"data":{"__typename":"Query"}}')
UNKNOWN = "The gateway does not know itself by this Host. If it should, add it to [server] allowed_hosts."


def get(*headers: str, method: str = "GET", path: str = "/graphql?query={__typename}", version: str = "1.1") -> bytes:
    return "\r\n".join((f"{method} {path} HTTP/{version}", *headers, "", "")).encode()


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "localhost:8000",
        "LOCALHOST",
        "localhost.",
        "gateway.localhost:1",
        "127.0.0.1:8000",
        "[::1]:8000",
        "10.1.2.3:8000",
        "gateway.internal:8000",
        "postroom.example.com",
        "postroom.example.com.:443",
        "also.example.com",
    ],
)
async def test_a_request_for_a_host_of_ours_is_answered(host: str) -> None:
    async with listening(server=SERVER) as gateway:
        wire = await gateway.connect()
        assert await wire.ask(get(f"Host: {host}")) == ANSWER


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:8000",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "notlocalhost",
        "postroom.example.com.evil.example",
        "2130706433",
        "0x7f.1",
    ],
)
@pytest.mark.parametrize("path", ["/graphql?query={__typename}", "/graphql", "/healthz", "/metrics", "/files/a", "/no"])
async def test_a_request_for_another_host_is_refused_whatever_it_asks_for(host: str, path: str) -> None:
    async with listening(server=SERVER) as gateway:
        wire = await gateway.connect()
        status, body = await wire.ask(get(f"Host: {host}", path=path))
    assert (status, reason_of(body)) == (421, UNKNOWN)


@pytest.mark.parametrize(
    "headers",
    [(), ("Host: a", "Host: a"), ("Host: a", "Host: evil.example"), ("Host:",), ("Host: a:b",), ("Host: [::1",)],
)
async def test_a_request_without_one_host_is_malformed(headers: tuple[str, ...]) -> None:
    async with listening(server=SERVER) as gateway:
        wire = await gateway.connect()
        status, _ = await wire.ask(get(*headers))
    assert status == 400


async def test_before_http_1_1_there_was_no_host() -> None:
    async with listening(server=SERVER) as gateway:
        wire = await gateway.connect()
        status, _ = await wire.ask(get(path="/healthz", version="1.0"))
    assert status == 200


async def refused_socket(address: str, host: str | None = None, origin: str | None = None) -> tuple[int, str] | None:
    """The status and reason that a WebSocket is refused with; None where it is not."""
    protocols = [Subprotocol("graphql-transport-ws")]
    headers = {} if host is None else {"Host": host}
    given = None if origin is None else Origin(origin)
    try:
        async with connect(
            f"ws://{address}/graphql", subprotocols=protocols, proxy=None, origin=given, additional_headers=headers
        ):
            return None
    except InvalidStatus as refusal:
        return refusal.response.status_code, reason_of(refusal.response.body)


async def test_a_websocket_without_one_host_is_malformed() -> None:
    async with listening(server=SERVER) as gateway:
        said = await refused_socket(gateway.address, host="evil.example")  # beside its own
    assert said == (400, "The request must have one Host.")


@pytest.mark.parametrize(
    "origin",
    [None, APP, "http://localhost:5173", "https://postroom.example.com", "http://{address}", "https://{address}"],
)
async def test_a_websocket_is_open_to_programs_our_own_pages_and_allowed_origins(origin: str | None) -> None:
    async with listening(server=SERVER) as gateway:
        given = None if origin is None else origin.format(address=gateway.address)
        assert await refused_socket(gateway.address, origin=given) is None


@pytest.mark.parametrize(
    "origin",
    ["https://evil.example", "null", "http://app.example.com", "https://app.example.com:444", "http://localhost"],
)
async def test_a_websocket_of_another_origins_page_is_refused(origin: str) -> None:
    async with listening(server=SERVER) as gateway:
        said = await refused_socket(gateway.address, origin=origin)
    assert said == (403, "Pages of this origin may not connect. If they should, add it to [server] cors_origins.")


async def test_a_websocket_for_another_host_is_refused() -> None:
    handshake = get(
        "Host: evil.example",
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
        "Sec-WebSocket-Protocol: graphql-transport-ws",
    )
    async with listening(server=SERVER) as gateway:
        wire = await gateway.connect()
        status, body = await wire.ask(handshake)
    assert (status, reason_of(body)) == (421, UNKNOWN)


def answered(response: bytes) -> Mapping[str, str]:
    """The headers that are about origins."""
    lines = [line.split(": ", 1) for line in response.decode("latin-1").split("\r\n") if ": " in line]
    names = ("access-control-", "vary")
    return {name: text for name, text in lines if name.startswith(names)}


async def headers_of(request: bytes, server: ServerSettings = SERVER) -> tuple[int, Mapping[str, str]]:
    async with listening(server=server) as gateway:
        wire = await gateway.connect()
        await wire.send(request)
        head = await wire.reader.readuntil(b"\r\n\r\n")
    return int(head.split(b" ")[1]), answered(head.replace(b"vary: Accept, Accept-Encoding\r\n", b""))


PREFLIGHT = ("Host: a", "Access-Control-Request-Method: POST", "Access-Control-Request-Headers: content-type")


async def test_an_allowed_origin_is_told_that_it_may_ask() -> None:
    status, headers = await headers_of(get(*PREFLIGHT, f"Origin: {APP}", method="OPTIONS"))
    named = {name.strip().lower() for name in headers["access-control-allow-headers"].split(",")}
    assert status == 204
    assert headers["access-control-allow-origin"] == APP
    assert headers["access-control-allow-methods"] == "GET, HEAD, POST"
    assert named >= {"content-type", "authorization", "x-postroom", "x-postroom-explain", "apollo-require-preflight"}
    assert headers["vary"] == "Origin"
    assert "access-control-allow-credentials" not in headers


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "https://app.example.com.evil.example", ""])
async def test_another_origin_is_told_nothing(origin: str) -> None:
    status, headers = await headers_of(get(*PREFLIGHT, f"Origin: {origin}", method="OPTIONS"))
    assert (status, headers) == (403, {"vary": "Origin"})


async def test_without_the_setting_no_origin_is_told_anything() -> None:
    asked = get(*PREFLIGHT, f"Origin: {APP}", method="OPTIONS"), get("Host: a", f"Origin: {APP}")
    found = [await headers_of(one, ServerSettings(allowed_hosts=["a"])) for one in asked]
    assert found == [(405, {}), (200, {})]


@pytest.mark.parametrize("path", ["/graphql?query={__typename}", "/graphql?query=", "/files/a"])
async def test_an_allowed_origin_may_read_every_answer(path: str) -> None:
    _, headers = await headers_of(get("Host: a", f"Origin: {APP}", "Sec-Fetch-Site: cross-site", path=path))
    assert headers == {
        "access-control-allow-origin": APP,
        "access-control-expose-headers": "Allow, Retry-After, WWW-Authenticate",
        "vary": "Origin",
    }


async def test_another_origin_may_read_no_answer() -> None:
    asked = get("Host: a", "Origin: https://evil.example", "X-Postroom: 1")
    assert await headers_of(asked) == (200, {"vary": "Origin"})


@pytest.mark.parametrize(("origin", "status"), [(APP, 200), ("https://evil.example", 403)])
async def test_a_plain_get_is_taken_of_allowed_origins_pages_alone(origin: str, status: int) -> None:
    asked = get("Host: a", f"Origin: {origin}", "Sec-Fetch-Site: cross-site")
    assert (await headers_of(asked))[0] == status


async def test_credentials_are_allowed_where_the_setting_says_so() -> None:
    server = msgspec.structs.replace(SERVER, cors_credentials=True)
    asked = get(*PREFLIGHT, f"Origin: {APP}", method="OPTIONS"), get("Host: a", f"Origin: {APP}")
    found = [(await headers_of(one, server))[1]["access-control-allow-credentials"] for one in asked]
    assert found == ["true", "true"]


async def test_a_stream_can_be_read_by_an_allowed_origin() -> None:
    head = HEAD + f"Origin: {APP}\r\nAccept: text/event-stream\r\nContent-Length: {len(QUERY)}\r\n\r\n".encode()
    status, headers = await headers_of(head + QUERY)
    assert (status, headers["access-control-allow-origin"]) == (200, APP)
