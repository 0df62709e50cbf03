"""Calls that are begun now and whose answers are taken later, so that several at once need no task each."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, Protocol

import httpx

from adapters.asked import asking

if TYPE_CHECKING:
    from adapters.wire import Answer

__all__ = ["Apart", "Begun", "Sending", "Taking"]


class Begun(Protocol):
    """A call that a transport has begun. Whoever had it begun takes its answer, or leaves it."""

    def tell(self, there: Callable[[], None]) -> None:
        """Calls ``there`` once its answer can be taken: at once, where it already can."""

    def take(self) -> httpx.Response:
        """Its answer, read whole. Raises what `httpx.AsyncBaseTransport.handle_async_request` raises."""

    def leave(self) -> None:
        """Nobody waits for it any more. Does nothing where its answer was taken."""


class Sending(Protocol):
    """The same of a call of `Wire`, which raises the errors of that."""

    def tell(self, there: Callable[[], None]) -> None:
        """Calls ``there`` once its answer can be taken: at once, where it already can."""

    def take(self) -> "Answer":
        """Its answer. What fails from now on, has failed by this call."""

    def leave(self) -> None:
        """Nobody waits for it any more. Does nothing where its answer was taken."""


class Taking:
    """One that the transport has begun; ``made_of`` is what `Wire` makes of it."""

    __slots__ = ("_begun", "_made_of")

    def __init__(self, begun: Begun, made_of: Callable[[Begun], "Answer"]) -> None:
        self._begun = begun
        self._made_of = made_of

    def tell(self, there: Callable[[], None]) -> None:
        """As `Sending` says."""
        self._begun.tell(there)

    def take(self) -> "Answer":
        """As `Sending` says."""
        return self._made_of(self._begun)

    def leave(self) -> None:
        """As `Sending` says."""
        self._begun.leave()


class Apart:
    """One that has a task of its own."""

    __slots__ = ("_task",)

    def __init__(self, sent: Coroutine[Any, Any, "Answer"]) -> None:
        self._task = asyncio.create_task(sent)

    def tell(self, there: Callable[[], None]) -> None:
        """As `Sending` says."""
        self._task.add_done_callback(lambda _: there())

    def take(self) -> "Answer":
        """As `Sending` says."""
        answer = self._task.result()
        asking(answer.asked)
        return answer

    def leave(self) -> None:
        """As `Sending` says."""
        self._task.cancel()
        self._task.add_done_callback(_forgotten)


def _forgotten(task: asyncio.Task["Answer"]) -> None:
    """Looks at what nobody waits for, so that it is not told as an oversight."""
    if not task.cancelled():
        task.exception()
