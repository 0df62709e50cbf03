"""One call or more for each of several keys, all at once: one that fails has its error, and spoils no other."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from functools import partial
from types import CoroutineType
from typing import Any, TypeVar

from adapters.asked import Asked, asking
from adapters.billing_platform.client import Client
from adapters.errors import AdapterError
from adapters.sendings import Sending
from adapters.wire import Answer, WireRequest

__all__ = ["ask_per_key", "per_key"]

T = TypeVar("T")


async def per_key(keys: Iterable[str], read: Callable[[str], Awaitable[T]]) -> dict[str, T | AdapterError]:
    """What ``read`` gives for each key, in a task each."""
    distinct = list(dict.fromkeys(keys))
    answers = await asyncio.gather(*[_settled(read(key)) for key in distinct])
    return dict(zip(distinct, answers, strict=True))


async def ask_per_key(
    client: Client,
    keys: Iterable[str],
    asked: Callable[[str], WireRequest],
    found: Callable[[str, Answer], T | Coroutine[Any, Any, T]],
) -> dict[str, T | AdapterError]:
    """What ``found`` makes of the answer to what is ``asked`` for each key, read in the order in which answers come.

    All calls are begun before the first answer is read. What takes more calls is a coroutine, and then has a task.
    """
    distinct = dict.fromkeys(keys)
    results: dict[str, T | AdapterError] = {}
    sendings: dict[str, Sending] = {}
    more: dict[str, asyncio.Task[T | AdapterError]] = {}
    there = _There()
    try:
        for key in distinct:
            begun = _begun(client, asked, key)
            if isinstance(begun, AdapterError):
                results[key] = begun
            else:
                sendings[key] = begun
                begun.tell(partial(there.add, key))
        while sendings:
            key = there.keys.popleft() if there.keys else await there.next()
            came = _taken(sendings.pop(key), found, key)
            if isinstance(came, CoroutineType):
                more[key] = asyncio.create_task(_settled(came))
            else:
                results[key] = came  # type: ignore[assignment] # no result is a coroutine
        for key, task in more.items():
            results[key] = await task
    except BaseException:
        await _left(sendings.values(), more.values())
        raise
    finally:
        asking(Asked())  # what fails after this, fails by none of these calls
    return {key: results[key] for key in distinct}


class _There:
    """The keys whose answers can be taken, in the order in which they came."""

    def __init__(self) -> None:
        self.keys: deque[str] = deque()
        self._waiter: asyncio.Future[None] | None = None

    def add(self, key: str) -> None:
        self.keys.append(key)
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def next(self) -> str:
        """The next, which is waited for."""
        self._waiter = asyncio.get_running_loop().create_future()
        await self._waiter
        return self.keys.popleft()


def _begun(client: Client, asked: Callable[[str], WireRequest], key: str) -> Sending | AdapterError:
    asking(Asked())  # what is refused before it is sent, fails by no other's call
    try:
        return client.begin(asked(key))
    except AdapterError as error:
        return error


def _taken(
    sending: Sending, found: Callable[[str, Answer], T | Coroutine[Any, Any, T]], key: str
) -> T | Coroutine[Any, Any, T] | AdapterError:
    try:
        return found(key, sending.take())
    except AdapterError as error:
        return error


async def _settled(reading: Awaitable[T]) -> T | AdapterError:
    try:
        return await reading
    except AdapterError as error:
        return error


async def _left(sendings: Iterable[Sending], more: Iterable[asyncio.Task[Any]]) -> None:
    """Leaves what is under way, and waits for tasks to end."""
    for sending in sendings:
        sending.leave()
    for task in more:
        task.cancel()
    if tasks := tuple(more):
        await asyncio.wait(tasks)
