import asyncio
import contextlib
import socket
import threading
from collections.abc import Callable, Iterator

import httpx
import pytest
import uvloop

from tests.network_off import NetworkIsOffError, is_local

ELSEWHERE = "192.0.2.1"  # RFC 5737: an address for documentation, nobody's


@pytest.fixture
def listening_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.mark.parametrize(
    "reach",
    [
        lambda stream, _: stream.connect((ELSEWHERE, 80)),
        lambda stream, _: stream.connect_ex((ELSEWHERE, 80)),
        lambda _, datagram: datagram.sendto(b"", (ELSEWHERE, 9)),
        lambda _, datagram: datagram.sendmsg([b""], [], 0, (ELSEWHERE, 9)),
    ],
)
def test_a_socket_to_another_host_is_refused(reach: Callable[[socket.socket, socket.socket], object]) -> None:
    with (
        socket.socket(type=socket.SOCK_STREAM) as stream,
        socket.socket(type=socket.SOCK_DGRAM) as datagram,
        pytest.raises(NetworkIsOffError, match="only loopback"),
    ):
        reach(stream, datagram)


@pytest.mark.parametrize(
    "look_up",
    [
        lambda: socket.getaddrinfo("vendor.example", 443),
        lambda: socket.getaddrinfo(b"vendor.example", 443),
        lambda: socket.gethostbyname("vendor.example"),
        lambda: httpx.get("https://vendor.example/", trust_env=False),
    ],
)
def test_looking_up_another_host_is_refused(look_up: Callable[[], object]) -> None:
    with pytest.raises(NetworkIsOffError, match=r"vendor\.example"):
        look_up()


@pytest.mark.parametrize("new_loop", [asyncio.new_event_loop, uvloop.new_event_loop])
@pytest.mark.parametrize("host", [ELSEWHERE, "vendor.example"])
def test_reaching_another_host_from_a_loop_is_refused(
    new_loop: Callable[[], asyncio.AbstractEventLoop], host: str
) -> None:
    async def reach() -> None:
        await asyncio.get_running_loop().create_connection(asyncio.Protocol, host, 80)

    with asyncio.Runner(loop_factory=new_loop) as runner, pytest.raises(NetworkIsOffError):
        runner.run(reach())


@pytest.mark.parametrize("new_loop", [asyncio.new_event_loop, uvloop.new_event_loop])
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_loopback_is_reached_from_a_loop(
    new_loop: Callable[[], asyncio.AbstractEventLoop], host: str, listening_port: int
) -> None:
    async def reach() -> tuple[str, int]:
        transport, _ = await asyncio.get_running_loop().create_connection(
            asyncio.Protocol, host=host, port=listening_port
        )
        with contextlib.closing(transport):
            return transport.get_extra_info("peername")[:2]  # type: ignore[no-any-return]

    with asyncio.Runner(loop_factory=new_loop) as runner:
        assert runner.run(reach()) == ("127.0.0.1", listening_port)


def test_loopback_is_reached_from_a_thread(listening_port: int) -> None:
    reached: list[int] = []

    def reach() -> None:
        with socket.create_connection(("localhost", listening_port)) as connection:
            reached.append(connection.getpeername()[1])

    thread = threading.Thread(target=reach)
    thread.start()
    thread.join()
    assert reached == [listening_port]


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.1", "::1", "::", "localhost", "", None, b"localhost"])
def test_loopback_and_no_host_are_local(host: object) -> None:
    assert is_local(host)


@pytest.mark.parametrize(
    "host", [ELSEWHERE, "10.0.0.1", "::ffff:192.0.2.1", "vendor.example", "localhost.example", b"a.example"]
)
def test_any_other_host_is_not_local(host: object) -> None:
    assert not is_local(host)
