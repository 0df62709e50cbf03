"""What is kept of answers, and what any place for them must do."""

from typing import Protocol

import httpx
from msgspec import Struct

__all__ = ["Found", "Kept", "Store"]

_KEPT_HEADERS = frozenset((b"content-type", b"date", b"etag", b"last-modified"))
"""What a reader of the answer or a question about its age may need; nothing that could name a session."""


class Kept(Struct, frozen=True, array_like=True):
    """An answer: its status, the headers that matter, and its body as it was before any coding."""

    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes

    @classmethod
    def of(cls, response: httpx.Response) -> "Kept":
        """What is kept of a finished answer."""
        headers = tuple((name, value) for name, value in response.headers.raw if name.lower() in _KEPT_HEADERS)
        return cls(response.status_code, headers, response.content)

    def response(self) -> httpx.Response:
        """The answer, once more."""
        return httpx.Response(self.status, headers=list(self.headers), content=self.body)

    @property
    def conditions(self) -> dict[str, str]:
        """The headers that ask whether it still holds (RFC 9110, 13.1); none where the vendor gave no mark of it."""
        headers = httpx.Headers(list(self.headers))
        marks = {"if-none-match": headers.get("etag"), "if-modified-since": headers.get("last-modified")}
        return {name: value for name, value in marks.items() if value is not None}


class Found(Struct, frozen=True):
    """What a store has for a question.

    ``generation`` is given back when an answer is kept; without one, nothing can be kept now. ``fresh`` is false where
    the time of what is ``kept`` is over, and only its vendor can say whether it still holds.
    """

    generation: bytes | None = None
    kept: Kept | None = None
    fresh: bool = False


class Store(Protocol):
    """Keeps answers by backend and key. What fails in it is a miss, never an error."""

    async def find(self, backend: str, key: str) -> Found:
        """What is kept under this key, unless the backend's answers have been dropped since."""

    async def keep(self, backend: str, key: str, generation: bytes, kept: Kept, seconds: float) -> None:
        """Keeps an answer so long, and longer where it can be asked whether it still holds.

        ``generation`` is what `find` gave before the vendor was asked: an answer of another one is not kept.
        """

    async def drop(self, backend: str) -> None:
        """Ends everything kept of a backend, and whatever is being read of it now will not be kept."""
