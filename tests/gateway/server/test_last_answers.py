"""The last answers of a process that is told to go: each closes its connection, whichever way it is sent."""

import asyncio
from typing import Any

import pytest

from gateway.server.door import Door
from gateway.server.exchanges import AT_ONCE
from gateway.server.hosts import Hosts
from gateway.server.origins import Origins
from gateway.server.stopping import LastAnswers, Stopping


class Client:
    """One request, what was sent by messages, and what at once."""

    def __init__(self, *headers: tuple[bytes, bytes]) -> None:
        self.messages: list[Any] = []
        self.at_once: list[Any] = []
        self.scope: dict[str, Any] = {
            "type": "http",
            "method": "POST",
            "headers": [(b"host", b"localhost"), *headers],
            AT_ONCE: self._take,
        }

    def _take(self, *answer: Any) -> bool:
        self.at_once.append(answer)
        return True

    async def send(self, message: Any) -> None:
        """Takes a message."""
        self.messages.append(message)

    async def receive(self) -> Any:
        """There is nothing more to come."""


async def quick(scope: Any, _receive: Any, send: Any) -> None:
    """Answers at once where that can be, or else by messages."""
    if AT_ONCE not in scope or not scope[AT_ONCE](200, (), b"{}"):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"{}"})


async def test_an_answer_goes_at_once_while_nobody_has_told_the_process_to_go() -> None:
    client = Client()
    await LastAnswers(quick, Stopping(5))(client.scope, client.receive, client.send)
    assert (client.at_once, client.messages) == ([(200, (), b"{}")], [])


async def test_the_answer_of_a_process_that_is_to_go_closes_its_connection() -> None:
    client, stopping = Client(), Stopping(5)
    stopping.begin()
    await LastAnswers(quick, stopping)(client.scope, client.receive, client.send)
    assert client.at_once == []
    assert client.messages[0]["headers"] == [(b"connection", b"close")]


async def test_the_answer_closes_its_connection_if_the_process_is_told_while_it_is_made() -> None:
    client, stopping = Client(), Stopping(5)

    async def slow(scope: Any, receive: Any, send: Any) -> None:
        stopping.begin()
        await quick(scope, receive, send)

    await LastAnswers(slow, stopping)(client.scope, client.receive, client.send)
    assert client.at_once == []
    assert client.messages[0]["headers"] == [(b"connection", b"close")]


async def test_who_has_had_an_answer_at_once_is_sent_no_other_when_the_time_is_over() -> None:
    client, stopping = Client(), Stopping(5)

    async def cut_off(scope: Any, receive: Any, send: Any) -> None:
        await quick(scope, receive, send)
        stopping.begin()
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await LastAnswers(cut_off, stopping)(client.scope, client.receive, client.send)
    assert (len(client.at_once), client.messages) == (1, [])


async def test_a_server_that_sends_nothing_at_once_is_given_messages() -> None:
    client = Client()
    del client.scope[AT_ONCE]
    await LastAnswers(quick, Stopping(5))(client.scope, client.receive, client.send)
    assert [message["type"] for message in client.messages] == ["http.response.start", "http.response.body"]


async def test_pages_of_other_origins_are_told_that_they_may_read_the_answer() -> None:
    client = Client((b"origin", b"https://pages.example"))
    origins = Origins("http://localhost", ["https://pages.example"])
    await Door(quick, Hosts(()), origins)(client.scope, client.receive, client.send)
    assert client.at_once == []
    assert (b"access-control-allow-origin", b"https://pages.example") in client.messages[0]["headers"]
