"""Between a gateway and its PostgreSQL: a connection that breaks at one exact COMMIT, before or after it was heard.

It understands as much of the protocol as that needs (the manual's "Message Formats"): a client's first message is a
length and that much less four, each later one a letter before that.
"""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator

from msgspec import Struct
from sqlalchemy import make_url

from tests.faults.waiting import until

__all__ = ["CommitProxy", "commit_proxy"]

_COMMIT = b"COMMIT\0"
_LENGTH = 4


class _Cut(Struct):
    about: bytes
    heard: bool
    stay_away: bool


class CommitProxy:
    """A loopback port that stands for a server's socket."""

    def __init__(self, direct: str) -> None:
        self._direct = make_url(direct)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._wires: set[_Wire] = set()
        self._lock = threading.Lock()
        self._cut: _Cut | None = None
        self._away = False
        self._struck = threading.Event()
        threading.Thread(target=self._accept, daemon=True).start()

    def url(self) -> str:
        """The database's URL through here."""
        unencrypted = {"sslmode": "disable", "gssencmode": "disable"}
        url = self._direct.set(host="127.0.0.1", port=self._listener.getsockname()[1], query=unencrypted)
        return url.render_as_string(hide_password=False)

    def cut_at(self, about: bytes, *, heard: bool, stay_away: bool = False) -> None:
        """Breaks the connection at the next COMMIT of a transaction with these words in it.

        ``heard``: the server has done it, and only the client is not told. ``stay_away``: no connection is left, and
        none is made until `back`.
        """
        self._struck.clear()
        self._cut = _Cut(about, heard, stay_away)

    def struck(self) -> None:
        """Waits until that has happened."""
        until(self._struck.is_set, "no such COMMIT")

    def back(self) -> None:
        """Lets connections be made again."""
        self._away = False

    def close(self) -> None:
        """Lets all go."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._close_all()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                wire = _Wire(client, f"{self._direct.query['host']}/.s.PGSQL.5432", self._take_cut, self._strike)
                with self._lock:
                    self._wires.add(wire)
                    away = self._away
                if away:  # at the latest by now
                    wire.close()

    def _take_cut(self, said: bytes) -> _Cut | None:
        """What is to be done at the COMMIT of a transaction in which this was said; once."""
        with self._lock:
            cut = self._cut
            if cut is None or cut.about not in said:
                return None
            self._cut = None
            return cut

    def _strike(self, wire: "_Wire", cut: _Cut) -> None:
        with self._lock:
            self._away = cut.stay_away
        wire.close()
        if cut.stay_away:
            self._close_all()
        self._struck.set()

    def _close_all(self) -> None:
        with self._lock:
            wires, self._wires = self._wires, set()
        for wire in wires:
            wire.close()


class _Wire:
    """One client's connection, and the one to the server for it."""

    def __init__(
        self,
        client: socket.socket,
        server: str,
        take_cut: Callable[[bytes], _Cut | None],
        strike: Callable[["_Wire", _Cut], None],
    ) -> None:
        self._client = client
        self._server = socket.socket(socket.AF_UNIX)
        self._server.connect(server)
        self._take_cut = take_cut
        self._strike = strike
        self._unheard: _Cut | None = None
        for way in (self._upwards, self._downwards):
            threading.Thread(target=self._until_closed, args=(way,), daemon=True).start()

    def close(self) -> None:
        """Ends it on both sides."""
        for end in (self._client, self._server):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def _until_closed(self, way: Callable[[], None]) -> None:
        with contextlib.suppress(OSError, EOFError):
            way()
        self.close()

    def _upwards(self) -> None:
        with self._client, self._client.makefile("rb") as spoken:

            def read(size: int) -> bytes:
                found = spoken.read(size)
                if len(found) < size:
                    raise EOFError
                return found

            def rest() -> bytes:
                length = read(_LENGTH)
                return length + read(int.from_bytes(length) - _LENGTH)

            self._server.sendall(rest())
            said = b""
            while True:
                message = read(1) + rest()
                said += message
                if message.endswith(_COMMIT):
                    cut = self._take_cut(said)
                    said = b""
                    if cut is not None and not cut.heard:
                        self._strike(self, cut)
                        return
                    self._unheard = cut
                self._server.sendall(message)

    def _downwards(self) -> None:
        with self._server:
            while answer := self._server.recv(65536):
                if self._unheard is not None:
                    self._strike(self, self._unheard)
                    return
                self._client.sendall(answer)


@contextlib.contextmanager
def commit_proxy(direct: str) -> Iterator[CommitProxy]:
    """A proxy for the server of a database's URL, which has it on a Unix socket."""
    proxy = CommitProxy(direct)
    try:
        yield proxy
    finally:
        proxy.close()
