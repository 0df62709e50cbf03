"""An answer on its way in, out of the bytes of one connection (HTTP/1.1, RFC 9112), by llhttp.

Stricter than llhttp where what it lets pass could be taken for something else: it knows neither how long a head may be,
nor that a vendor has no business with another protocol, version or transfer coding, and reads on after an answer's end.
"""

import httptools
from msgspec import Struct

from adapters.messages import Row

__all__ = ["MAX_HEAD_BYTES", "Answer", "Heads", "NotHttpError"]

MAX_HEAD_BYTES = 64 * 1024
"""Of a status line and header fields, trailers included; common servers send no more than 8 to 32 KiB."""

KNOWN_HEADS = 64
"""Of a backend; with a date in them they are new every second, with a length one for each."""

KNOWN_HEAD_BYTES = 4096
"""The longest that is kept; heads of APIs have some hundred."""

_FIRST_FINAL = 200
_SWITCHING_PROTOCOLS = 101
_END_OF_HEAD = b"\r\n\r\n"
_PROTOCOL = b"HTTP/"
_TELLING = 6
"""The last bytes of an answer in chunks tell whether an empty line follows it."""

_VERSIONS = {"1.0": b"HTTP/1.0", "1.1": b"HTTP/1.1"}
"""Those that are spoken, as an httpx response tells them."""


class NotHttpError(Exception):
    """The bytes are no HTTP/1.1 answer. What they were is not repeated."""


class _Head(Struct, frozen=True):
    """What llhttp made of a head, with as many bytes of a body behind it as it says, and nothing else."""

    status: int
    version: bytes
    reason: bytes
    headers: list[Row]
    is_coded: bool
    length: int


class Heads:
    """The last heads of a backend's answers that came whole, in one piece: most are, byte for byte, like one before.

    What follows a head that is known is its body, if it is as long as the head says; everything else llhttp reads.
    """

    def __init__(self) -> None:
        self._known: dict[bytes, _Head] = {}

    def of(self, data: bytes) -> tuple[_Head, int] | None:
        """The head that these bytes begin with and where it ends, if it is known and they are an answer whole."""
        end = data.find(_END_OF_HEAD) + len(_END_OF_HEAD)
        head = self._known.get(data[:end])
        return None if head is None or len(data) != end + head.length else (head, end)

    def learn(self, data: bytes, answer: "Answer") -> None:
        """Keeps the head of an answer that came whole with these bytes, and whose connection may have another."""
        end = data.find(_END_OF_HEAD) + len(_END_OF_HEAD)
        is_plain = data.startswith(_PROTOCOL) and not any(name == b"transfer-encoding" for _, name, _ in answer.headers)
        if is_plain and end <= KNOWN_HEAD_BYTES and b"".join(answer.pieces) == data[end:]:
            if len(self._known) == KNOWN_HEADS:
                del self._known[next(iter(self._known))]
            length = len(data) - end
            self._known[data[:end]] = _Head(
                answer.status, answer.version, answer.reason, [*answer.headers], answer.is_coded, length
            )


class Answer:
    """One answer. Its bytes are given to `feed` as they come, and their end to `end`.

    ``headers`` are its fields as they are written, with their names in lower case between, as `httpx.Headers` keeps
    them. ``pieces`` are of the body, which has had ``size`` bytes so far.
    ``is_coded`` says that the body has a coding of its own to be undone.
    ``head`` and ``whole`` say how far it has come. ``keeps`` says, once it is whole, that the connection may have
    another: the vendor said so, and it is certain where this one ended.
    """

    __slots__ = (
        "__weakref__",
        "_bodiless",
        "_heads",
        "_reading",
        "head",
        "headers",
        "is_coded",
        "keeps",
        "pieces",
        "reason",
        "size",
        "status",
        "version",
        "whole",
    )

    def __init__(self, *, bodiless: bool = False, heads: Heads | None = None) -> None:
        self._bodiless = bodiless
        self._heads = None if bodiless else heads
        self._reading: _Reading | None = None
        self.status = 0
        self.version = b""
        self.reason = b""
        self.headers: list[Row] = []
        self.is_coded = False
        self.pieces: list[bytes] = []
        self.size = 0
        self.head = False
        self.whole = False
        self.keeps = False

    def feed(self, data: bytes) -> None:
        """Takes what has come next. Raises `NotHttpError`."""
        reading = self._reading
        if reading is None:
            if self._heads is not None and self._is_known(data, self._heads):
                return
            reading = self._reading = _Reading(self, bodiless=self._bodiless)
        reading.feed(data)
        if self.whole:
            self.keeps = reading.ends_for_certain()
            reading.close()
            self._reading = None
            if self.keeps and self._heads is not None:
                self._heads.learn(data, self)

    def body(self) -> bytes:
        """What there is of the body, taken out."""
        pieces, self.pieces = self.pieces, []
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def end(self) -> None:
        """The connection has ended. Raises `NotHttpError` where the answer has not."""
        reading = self._reading
        if not (self.whole or (reading is not None and reading.lasts_until_closed())):
            raise NotHttpError
        if reading is not None:
            reading.close()
        self._reading = None
        self.whole = True

    def _is_known(self, data: bytes, heads: Heads) -> bool:
        """Whether it is one that `Heads` knows; then it is whole."""
        known = heads.of(data)
        if known is None:
            return False
        head, end = known
        self.status, self.version, self.reason = head.status, head.version, head.reason
        self.headers, self.is_coded, self.size = head.headers.copy(), head.is_coded, head.length
        if head.length:
            self.pieces.append(data[end:])
        self.head = self.whole = self.keeps = True
        return True


class _Reading:
    """What llhttp finds in an answer's bytes."""

    def __init__(self, answer: Answer, *, bodiless: bool) -> None:
        self._parser = httptools.HttpResponseParser(self)
        # Chunks decide where both are given (RFC 9112, section 6.3); such a connection is not used again.
        self._parser.set_dangerous_leniencies(lenient_chunked_length=True)
        self._answer = answer
        self._bodiless = bodiless
        self._coding: bytes | None = None
        self._length: int | None = None
        self._head_bytes = 0
        self._fed = 0
        self._tail = b""
        self._first = b""
        self._beginnings = 0
        self._may_go_on = False

    def feed(self, data: bytes) -> None:
        """Takes what has come next. Raises `NotHttpError`."""
        answer = self._answer
        self._fed += len(data)
        self._tail = data[-_TELLING:] if len(data) >= _TELLING else (self._tail + data)[-_TELLING:]
        if not answer.head:
            self._first += data
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            if not answer.whole:  # what comes after it only spoils the connection
                cause = error.__context__
                raise cause if isinstance(cause, NotHttpError) else NotHttpError from None
        except httptools.HttpParserUpgrade:
            raise NotHttpError from None
        if not answer.head and self._fed > MAX_HEAD_BYTES:
            raise NotHttpError

    def close(self) -> None:
        """Takes nothing more: they hold each other, until the garbage collector comes by."""
        del self._parser

    def lasts_until_closed(self) -> bool:
        """Whether the body has no end but the connection's."""
        return self._answer.head and self._coding is None and self._length is None

    def ends_for_certain(self) -> bool:
        """Whether nothing stands behind the answer, and its length was told in one way."""
        if self._beginnings != 1 or not self._may_go_on:
            return False
        if self._coding is not None:
            ended = self._tail.endswith(_END_OF_HEAD) and not self._tail.endswith(b"\r\n" + _END_OF_HEAD)
            return ended and self._length is None
        head = self._first.find(_END_OF_HEAD) + len(_END_OF_HEAD)
        return self._fed == head + (self._length or 0)

    # What the parser calls.

    def on_message_begin(self) -> None:
        """A head begins; the second, after an answer's end, is of nothing that was asked for."""
        self._beginnings += 1

    def on_status(self, reason: bytes) -> None:
        """What stands after the status; it may come in parts."""
        if not self._answer.whole:
            self._answer.reason += reason

    def on_header(self, name: bytes, value: bytes) -> None:
        """A field of the head, or of what follows the last chunk, which nobody wants."""
        self._head_bytes += len(name) + len(value)
        if self._head_bytes > MAX_HEAD_BYTES:
            raise NotHttpError
        if self._answer.head:
            return
        lowered = name.lower()
        self._answer.headers.append((name, lowered, value))
        if lowered == b"content-length":
            self._length = int(value)
        elif lowered == b"transfer-encoding":
            self._coding = value if self._coding is None else self._coding + b", " + value
        elif lowered == b"content-encoding":
            self._answer.is_coded = True

    def on_headers_complete(self) -> None:
        """The head is whole. That of an interim answer (100, 103) is passed over."""
        if self._answer.whole:
            return
        status = self._parser.get_status_code()
        version = _VERSIONS.get(self._parser.get_http_version())
        if status == _SWITCHING_PROTOCOLS or version is None:
            raise NotHttpError
        if status < _FIRST_FINAL:
            self._answer.headers, self._answer.reason, self._length, self._coding = [], b"", None, None
            self._answer.is_coded = False
            return
        self._answer.status, self._answer.version = status, version
        if self._coding is not None and self._coding.lower() != b"chunked":
            raise NotHttpError
        if not self._first.lstrip(b"\r\n").startswith(_PROTOCOL):
            raise NotHttpError
        self._answer.head = True
        self._answer.whole = self._bodiless

    def on_body(self, piece: bytes) -> None:
        """Bytes of the body."""
        if not self._answer.whole:
            self._answer.pieces.append(piece)
            self._answer.size += len(piece)

    def on_message_complete(self) -> None:
        """The answer is whole; an interim one was none."""
        if self._answer.head and not self._answer.whole:
            self._may_go_on = self._parser.should_keep_alive()  # which it can tell at this moment alone
            self._answer.whole = True
