"""Reads share connections; a write never uses one that was used before, nor leaves one for later."""

import socket
import ssl
import traceback
from typing import Any

import httpx
import pytest

from gateway.upstream.engine import EngineTransport
from tests.upstream.misbehaving import OK, Line, answer_of, answering, call, certified, closed_port, serving, trusting

LARGE = bytes(range(256)) * 20_000


async def asked(engine: EngineTransport, request: httpx.Request) -> int:
    status, _ = await answer_of(engine, request)
    return status


async def test_reads_share_a_connection_whatever_their_method() -> None:
    async with serving(answering) as server, EngineTransport() as engine:
        for method in ("GET", "POST", "GET"):
            await asked(engine, call(server.url, write=False, method=method))
    assert server.requests == [(1, "GET"), (1, "POST"), (1, "GET")]


@pytest.mark.parametrize("method", ["POST", "GET", "DELETE"])
async def test_every_write_has_a_connection_of_its_own_whatever_its_method(method: str) -> None:
    async with serving(answering) as server, EngineTransport() as engine:
        await asked(engine, call(server.url, write=False))
        for _ in range(2):
            await asked(engine, call(server.url, write=True, method=method))
        await asked(engine, call(server.url, write=False))
    assert server.requests == [(1, "POST"), (2, method), (3, method), (1, "POST")]


async def test_a_request_that_does_not_say_what_it_is_is_a_read() -> None:
    async with serving(answering) as server, EngineTransport() as engine:
        for _ in range(2):
            await asked(engine, httpx.Request("GET", server.url))
    assert server.connections == 1


async def test_no_redirect_is_followed_and_no_cookie_kept() -> None:
    async def redirecting(line: Line) -> None:
        while True:
            await line.request()
            line.say(b"HTTP/1.1 302 Found\r\nlocation: /\r\nset-cookie: a=b\r\ncontent-length: 0\r\n\r\n")

    async with serving(redirecting) as server, EngineTransport() as engine:
        statuses = [await asked(engine, call(server.url, write=False)) for _ in range(2)]
    assert (statuses, len(server.texts), b"cookie" in b"".join(server.texts).lower()) == ([302, 302], 2, False)


async def test_a_proxy_in_the_environment_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    async with serving(answering) as server:
        monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
        monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
        async with EngineTransport() as engine:
            assert await asked(engine, call(server.url, write=True)) == 200
    assert server.connections == 1


async def test_a_refused_connection_is_a_connect_error() -> None:
    with closed_port() as url:
        async with EngineTransport() as engine:
            with pytest.raises(httpx.ConnectError):
                await asked(engine, call(url, write=True))


async def test_a_request_leaves_as_it_was_made() -> None:
    async with serving(answering) as server, EngineTransport() as engine:
        request = httpx.Request(
            "PUT", server.url + "a%2Fb/?q=%C3%A9&q=", headers=[("X-A", "1"), ("x-a", "2")], content=b"c"
        )
        await asked(engine, request)
    host = server.url.split("/")[2].encode()
    assert server.texts == [
        b"PUT /a%2Fb/?q=%C3%A9&q= HTTP/1.1\r\nHost: " + host + b"\r\nX-A: 1\r\nx-a: 2\r\nContent-Length: 1\r\n\r\nc"
    ]


async def test_an_answer_arrives_as_it_was_given() -> None:
    async def quirky(line: Line) -> None:
        await line.request()
        line.say(b"HTTP/1.1 207 Sort Of\r\nX-A: 1\r\nx-a: \xe9\r\ncontent-length: 2\r\n\r\nok")

    async with serving(quirky) as server, EngineTransport() as engine:
        response = await engine.handle_async_request(call(server.url, write=False))
        await response.aread()
        await response.aclose()
    told = (response.status_code, response.reason_phrase, response.http_version, response.headers.raw, response.content)
    assert told == (207, "Sort Of", "HTTP/1.1", [(b"X-A", b"1"), (b"x-a", b"\xe9"), (b"content-length", b"2")], b"ok")


@pytest.mark.parametrize("interim", [b"100 Continue", b"102 Processing", b"103 Early Hints"])
async def test_an_interim_answer_is_passed_over(interim: bytes) -> None:
    async def hinting(line: Line) -> None:
        await line.request()
        line.say(b"HTTP/1.1 " + interim + b"\r\nlink: </a>\r\n\r\n" + OK)

    async with serving(hinting) as server, EngineTransport() as engine:
        assert await answer_of(engine, call(server.url, write=True)) == (200, b"ok")


@pytest.mark.parametrize("write", [True, False])
async def test_an_answer_given_before_the_request_was_read_is_heard(write: bool) -> None:
    async def hasty(line: Line) -> None:
        line.say(b"HTTP/1.1 413 Too Much\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        await line.gone()

    async with serving(hasty) as server, EngineTransport() as engine:
        assert await asked(engine, call(server.url, write=write, body=LARGE)) == 413


@pytest.mark.parametrize("headers", [{"content-length": "3"}, {"content-length": "5"}, {"x-a": "b\r\nx-c: d"}])
async def test_a_request_that_cannot_be_sent_as_it_is_is_a_protocol_error(headers: dict[str, str]) -> None:
    async with serving(answering) as server, EngineTransport() as engine:
        with pytest.raises(httpx.LocalProtocolError):
            await asked(engine, httpx.Request("POST", server.url, headers=headers, content=b"four"))
        assert (engine._open, server.requests) == (set(), [])


async def test_a_header_that_cannot_be_sent_is_not_quoted() -> None:
    async with serving(answering) as server, EngineTransport() as engine:
        request = httpx.Request("GET", server.url, headers={"authorization": "Bearer s3cret\n"})
        with pytest.raises(httpx.LocalProtocolError) as caught:
            await asked(engine, request)
    assert "s3cret" not in "".join(traceback.format_exception(caught.value))


async def test_small_packets_are_not_held_back() -> None:
    options: list[int] = []
    async with serving(answering) as server, EngineTransport() as engine:
        await asked(engine, call(server.url, write=False))
        for connection in engine._open:
            held: Any = connection._socket.get_extra_info("socket")
            options.append(held.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
    assert [bool(option) for option in options] == [True]


@pytest.mark.parametrize("tls", [True, False])
async def test_a_large_body_and_answer_pass_whole(tls: bool) -> None:
    async def echoing(line: Line) -> None:
        await line.request()
        body = line.last.partition(b"\r\n\r\n")[2]
        line.say(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(body) + body)
        await line.gone()

    async with serving(echoing, certified() if tls else None) as server, EngineTransport(verify=trusting()) as engine:
        url = server.url.replace("127.0.0.1", "localhost")
        assert await answer_of(engine, call(url, write=False, body=LARGE)) == (200, LARGE)


async def test_reads_share_a_connection_inside_tls_too() -> None:
    async with serving(answering, certified()) as server, EngineTransport(verify=trusting()) as engine:
        url = server.url.replace("127.0.0.1", "localhost")
        for write in (False, True, False):
            await asked(engine, call(url, write=write))
    assert [number for number, _ in server.requests] == [1, 2, 1]


async def test_http_1_is_all_that_is_offered_in_tls() -> None:
    chosen: list[str | None] = []
    tls = certified()
    tls.set_alpn_protocols(["h2", "http/1.1"])

    async def noting(line: Line) -> None:
        inside: ssl.SSLObject = line._writer.get_extra_info("ssl_object")
        chosen.append(inside.selected_alpn_protocol())
        await answering(line)

    async with serving(noting, tls) as server, EngineTransport(verify=trusting()) as engine:
        await asked(engine, call(server.url.replace("127.0.0.1", "localhost"), write=True))
    assert chosen == ["http/1.1"]
