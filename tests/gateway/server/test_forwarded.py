"""From whom a request came is what uvicorn reads, whether or not a proxy has said anything."""

from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from gateway.server.forwarded import Forwarded

NAMES = (b"x-forwarded-for", b"x-forwarded-proto", b"x-forwarded-host", b"host")
VALUES = (b"10.0.0.1", b"10.0.0.1, 127.0.0.1", b"https", b"", b"b\xff")
PEERS = (("127.0.0.1", 1), ("10.9.9.9", 2), None)


async def came_from(middleware: Any, scope: dict[str, Any]) -> Any:
    """The client and the scheme that the application is told."""
    seen: list[Any] = []

    async def app(scope: Any, _receive: Any, _send: Any) -> None:
        seen.append((scope.get("client"), scope.get("scheme")))

    await middleware(app, "127.0.0.1")({**scope}, None, None)
    (one,) = seen
    return one


@example([(b"x-forwarded-for", b"10.0.0.1")], PEERS[0], "http")
@example([(b"x-forwarded-proto", b"https")], PEERS[0], "http")
@example([(b"host", b"10.0.0.1"), (b"x-forwarded-proto", b"https")], PEERS[0], "websocket")
@given(
    st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from(VALUES)), max_size=4),
    st.sampled_from(PEERS),
    st.sampled_from(("http", "websocket", "lifespan")),
)
async def test_a_client_is_who_uvicorn_takes_it_for(
    headers: list[tuple[bytes, bytes]], peer: tuple[str, int] | None, kind: str
) -> None:
    scope: dict[str, Any] = {"type": kind}
    if kind != "lifespan":
        scope |= {"headers": headers, "client": peer, "scheme": "http"}
    assert await came_from(Forwarded, scope) == await came_from(ProxyHeadersMiddleware, scope)
