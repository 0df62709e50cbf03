"""A reserved port is nobody's but a server's that asks for it."""

import socket

import pytest

from tests.ports import reserved_ports


def test_nobody_answers_at_a_reserved_port() -> None:
    with reserved_ports(1) as (port,), pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))


def test_a_server_may_listen_at_a_reserved_port_and_again_after_it_has_gone() -> None:
    with reserved_ports(1) as (port,):
        for _ in range(2):
            with (
                socket.create_server(("127.0.0.1", port)) as server,
                socket.create_connection(("127.0.0.1", port)) as client,
            ):
                assert client.getpeername() == server.getsockname()


def test_a_reserved_port_is_given_to_nobody_else() -> None:
    with reserved_ports(1) as (port,), socket.socket() as other, pytest.raises(OSError, match="in use"):
        other.bind(("127.0.0.1", port))
