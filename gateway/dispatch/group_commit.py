"""Several waiting transactions in one commit, for a database where only one writes at a time.

A durable commit waits for the disk, whatever it holds. What comes while one waits is committed together by the next,
so that many senders share the disk's pace and a single one waits for nobody.
"""

import asyncio
import collections
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from typing import Any, TypeVar

from sqlalchemy import Connection

__all__ = ["GroupCommit"]

MOST_TOGETHER = 32
"""Transactions in one commit: beyond this the first would wait for the last longer than for a disk."""

T = TypeVar("T")
_Work = Callable[[Connection], Any]


class GroupCommit:
    """Runs works in ``transaction``, one thread after another, as many in each as are waiting.

    When one of a group fails, none of the group is committed, and each is run again in a transaction of its own: so
    each fails or succeeds by itself, and a work may run twice. When the transaction cannot be begun, or its commit
    fails, all of the group have failed.
    """

    def __init__(self, transaction: Callable[[], AbstractContextManager[Connection]]) -> None:
        self._transaction = transaction
        self._waiting: collections.deque[tuple[_Work, Future[Any]]] = collections.deque()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="ledger-writer")

    async def run(self, work: Callable[[Connection], T]) -> T:
        """What ``work`` makes of its transaction, once that is committed."""
        answer: Future[T] = Future()
        self._waiting.append((work, answer))
        self._thread.submit(self._commit_waiting)
        return await asyncio.wrap_future(answer)

    def shutdown(self) -> None:
        """Waits for what is under way."""
        self._thread.shutdown()

    def _commit_waiting(self) -> None:
        group: list[tuple[_Work, Future[Any]]] = []
        while self._waiting and len(group) < MOST_TOGETHER:
            work, answer = self._waiting.popleft()
            if answer.set_running_or_notify_cancel():
                group.append((work, answer))
        if len(group) < 2 or not self._together(group):
            for work, answer in group:
                self._alone(work, answer)

    def _together(self, group: list[tuple[_Work, Future[Any]]]) -> bool:
        """Whether the works of the group have their answers; otherwise one of them failed, and none is committed."""
        results: list[Any] | None = None
        try:
            with self._transaction() as connection:
                results = []
                for work, _ in group:
                    results.append(work(connection))
        except Exception as error:  # noqa: BLE001 - told to those who wait
            if results is not None and len(results) < len(group):
                return False
            for _, answer in group:  # neither could it begin, nor be committed
                answer.set_exception(error)
            return True
        for (_, answer), result in zip(group, results, strict=True):
            answer.set_result(result)
        return True

    def _alone(self, work: _Work, answer: Future[Any]) -> None:
        try:
            with self._transaction() as connection:
                result = work(connection)
        except Exception as error:  # noqa: BLE001 - told to whoever waits for it
            answer.set_exception(error)
        else:
            answer.set_result(result)
