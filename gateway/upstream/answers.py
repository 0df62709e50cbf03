"""An answer on its way in, out of the bytes of one connection (HTTP/1.1, RFC 9112), by llhttp.

Stricter than llhttp where what it lets pass could be taken for something else: it knows neither how long a head may be,
nor that a vendor has no business with another protocol, version or transfer coding, and reads on after an answer's end.
"""

import httptools

__all__ = ["MAX_HEAD_BYTES", "Answer", "NotHttpError"]

MAX_HEAD_BYTES = 64 * 1024
"""Of a status line and header fields, trailers included; common servers send no more than 8 to 32 KiB."""

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


class Answer:
    """One answer. Its bytes are given to `feed` as they come, and their end to `end`.

    ``headers`` are its fields as they are written, with their names in lower case between, as `httpx.Headers` keeps
    them. ``pieces`` are of the body, which has had ``size`` bytes so far.
    ``is_coded`` says that the body has a coding of its own to be undone.
    ``head`` and ``whole`` say how far it has come. ``keeps`` says, once it is whole, that the connection may have
    another: the vendor said so, and it is certain where this one ended.
    """

    def __init__(self, *, bodiless: bool = False) -> None:
        self._parser = httptools.HttpResponseParser(self)
        # Chunks decide where both are given (RFC 9112, section 6.3); such a connection is not used again.
        self._parser.set_dangerous_leniencies(lenient_chunked_length=True)
        self._bodiless = bodiless
        self._reason = b""
        self._coding: bytes | None = None
        self._length: int | None = None
        self._head_bytes = 0
        self._fed = 0
        self._tail = b""
        self._first = b""
        self._beginnings = 0
        self._may_go_on = False
        self.status = 0
        self.version = b""
        self.headers: list[tuple[bytes, bytes, bytes]] = []
        self.is_coded = False
        self.pieces: list[bytes] = []
        self.size = 0
        self.head = False
        self.whole = False
        self.keeps = False

    @property
    def reason(self) -> bytes:
        """What stands after the status."""
        return self._reason

    def feed(self, data: bytes) -> None:
        """Takes what has come next. Raises `NotHttpError`."""
        self._fed += len(data)
        self._tail = data[-_TELLING:] if len(data) >= _TELLING else (self._tail + data)[-_TELLING:]
        if not self.head:
            self._first += data
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            if not self.whole:  # what comes after it only spoils the connection
                cause = error.__context__
                raise cause if isinstance(cause, NotHttpError) else NotHttpError from None
        except httptools.HttpParserUpgrade:
            raise NotHttpError from None
        if not self.head and self._fed > MAX_HEAD_BYTES:
            raise NotHttpError
        if self.whole:
            self.keeps = self._ends_for_certain()
            del self._parser  # they hold each other, until the garbage collector comes by

    def body(self) -> bytes:
        """What there is of the body, taken out."""
        pieces, self.pieces = self.pieces, []
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def end(self) -> None:
        """The connection has ended. Raises `NotHttpError` where the answer has not."""
        until_closed = self.head and self._coding is None and self._length is None
        if not (self.whole or until_closed):
            raise NotHttpError
        self.whole = True

    def _ends_for_certain(self) -> bool:
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
        if not self.whole:
            self._reason += reason

    def on_header(self, name: bytes, value: bytes) -> None:
        """A field of the head, or of what follows the last chunk, which nobody wants."""
        self._head_bytes += len(name) + len(value)
        if self._head_bytes > MAX_HEAD_BYTES:
            raise NotHttpError
        if self.head:
            return
        lowered = name.lower()
        self.headers.append((name, lowered, value))
        if lowered == b"content-length":
            self._length = int(value)
        elif lowered == b"transfer-encoding":
            self._coding = value if self._coding is None else self._coding + b", " + value
        elif lowered == b"content-encoding":
            self.is_coded = True

    def on_headers_complete(self) -> None:
        """The head is whole. That of an interim answer (100, 103) is passed over."""
        if self.whole:
            return
        status = self._parser.get_status_code()
        version = _VERSIONS.get(self._parser.get_http_version())
        if status == _SWITCHING_PROTOCOLS or version is None:
            raise NotHttpError
        if status < _FIRST_FINAL:
            self.headers, self._reason, self._length, self._coding = [], b"", None, None
            self.is_coded = False
            return
        self.status, self.version = status, version
        if self._coding is not None and self._coding.lower() != b"chunked":
            raise NotHttpError
        if not self._first.lstrip(b"\r\n").startswith(_PROTOCOL):
            raise NotHttpError
        self.head = True
        self.whole = self._bodiless

    def on_body(self, piece: bytes) -> None:
        """Bytes of the body."""
        if not self.whole:
            self.pieces.append(piece)
            self.size += len(piece)

    def on_message_complete(self) -> None:
        """The answer is whole; an interim one was none."""
        if self.head and not self.whole:
            self._may_go_on = self._parser.should_keep_alive()  # which it can tell at this moment alone
            self.whole = True
