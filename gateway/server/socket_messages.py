"""The messages of graphql-transport-ws, and the codes that a socket is closed with.

https://github.com/graphql/graphql-over-http/blob/main/rfcs/GraphQLOverWebSocket.md
"""

from collections.abc import Mapping, Sequence
from enum import IntEnum
from typing import Any, Final

import msgspec
from msgspec import Struct

from gateway.server.json_writing import to_json
from gateway.server.unique_names import RepeatedNameError, require_unique_names

__all__ = [
    "PROTOCOL",
    "Close",
    "Complete",
    "ConnectionInit",
    "Message",
    "Ping",
    "Pong",
    "SocketClosedError",
    "Subscribe",
    "complete",
    "connection_ack",
    "error",
    "next_result",
    "pong",
    "read_message",
]

PROTOCOL: Final = "graphql-transport-ws"

_MOST_REASON_BYTES: Final = 123
"""That a close frame has room for (RFC 6455, 5.5)."""

_MOST_ID_CHARACTERS: Final = 255
"""Of an operation's id, which every message about it repeats. Clients make UUIDs and numbers."""


class Close(IntEnum):
    """Why the gateway closes a socket. 1013 is RFC 6455's registry's: clients come back later."""

    TRY_AGAIN_LATER = 1013
    BAD_MESSAGE = 4400
    UNAUTHORIZED = 4401
    FORBIDDEN = 4403
    SUBPROTOCOL = 4406
    INIT_TIMEOUT = 4408
    DUPLICATE_ID = 4409
    TOO_MANY_INITS = 4429


class SocketClosedError(Exception):
    """The socket is closed with a code and a reason."""

    def __init__(self, code: Close, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason.encode()[:_MOST_REASON_BYTES].decode(errors="ignore")


class ConnectionInit(Struct, frozen=True, tag_field="type", tag="connection_init"):
    """The client's first word, with its credential if it has one."""

    payload: dict[str, Any] | None = None


class Ping(Struct, frozen=True, tag_field="type", tag="ping"):
    """Is to be answered."""

    payload: dict[str, Any] | None = None


class Pong(Struct, frozen=True, tag_field="type", tag="pong"):
    """The client is there; it may say so unasked."""

    payload: dict[str, Any] | None = None


class Subscribe(Struct, frozen=True, tag_field="type", tag="subscribe"):
    """An operation of any kind. The payload is read later: what is wrong in it is that operation's alone."""

    id: str
    payload: msgspec.Raw = msgspec.Raw(b"null")


class Complete(Struct, frozen=True, tag_field="type", tag="complete"):
    """The client wants no more of an operation."""

    id: str


Message = ConnectionInit | Ping | Pong | Subscribe | Complete

_decoder: Final[msgspec.json.Decoder[Message]] = msgspec.json.Decoder(Message)


def read_message(event: Mapping[str, Any]) -> Message:
    """The message that an ASGI ``websocket.receive`` brings. Raises `SocketClosedError` when it is none."""
    text = event.get("text")
    if text is None:
        raise SocketClosedError(Close.BAD_MESSAGE, "Messages are text, not binary.")
    try:
        message = _decoder.decode(text)
        _require_unique_names(text, message)
    except RecursionError:
        raise SocketClosedError(Close.BAD_MESSAGE, "The message is nested too deeply.") from None
    except msgspec.DecodeError as problem:
        raise SocketClosedError(Close.BAD_MESSAGE, f"This is no message: {problem}.") from None
    except RepeatedNameError as repeated:
        reason = f"This is no message: it has {repeated.name} twice in one object."
        raise SocketClosedError(Close.BAD_MESSAGE, reason) from None
    if isinstance(message, Subscribe | Complete) and not 1 <= len(message.id) <= _MOST_ID_CHARACTERS:
        reason = f"The id of an operation has 1 to {_MOST_ID_CHARACTERS} characters."
        raise SocketClosedError(Close.BAD_MESSAGE, reason)
    return message


def _require_unique_names(text: str, message: Message) -> None:
    """Looks at all but an operation's payload, whose faults are the operation's: that one is looked at when it is read.

    Raises `RepeatedNameError`.
    """
    whole = text.encode()
    if isinstance(message, Subscribe):
        whole = whole.replace(bytes(message.payload), b"null", 1)
    require_unique_names(whole)


def connection_ack() -> str:
    """Operations may come."""
    return '{"type":"connection_ack"}'


def pong(payload: Mapping[str, Any] | None) -> str:
    """The answer to a ping, with what that had."""
    return _text({"type": "pong"} if payload is None else {"type": "pong", "payload": payload})


def next_result(operation: str, frame: Mapping[str, Any]) -> str:
    """A result of an operation, or the next part of one."""
    return _text({"id": operation, "type": "next", "payload": frame})


def error(operation: str, errors: Sequence[Mapping[str, Any]]) -> str:
    """Why an operation is not executed; its last message."""
    return _text({"id": operation, "type": "error", "payload": errors})


def complete(operation: str) -> str:
    """The last message of an operation that was executed."""
    return _text({"id": operation, "type": "complete"})


def _text(message: Mapping[str, Any]) -> str:
    return to_json(message).decode()
