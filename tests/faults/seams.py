"""``postroom``, but the process dies or stops by itself at one exact point: where chance would seldom hit.

``python -m tests.faults.seams ACTION METHOD WHEN NTH serve …``: at the NTH call of METHOD, ``before`` it begins,
``in`` its transaction (before the commit) or ``after`` it has returned, the process ends (``kill``) or stops (``stop``)
itself.
"""

import contextlib
import functools
import itertools
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

from sqlalchemy import Connection

from gateway.__main__ import run
from gateway.dispatch.database import Database
from gateway.dispatch.group_commit import GroupCommit
from gateway.dispatch.sql_ledger import SqlLedger

_SIGNALS = {"kill": signal.SIGKILL, "stop": signal.SIGSTOP}


def break_at(action: str, method: str, when: str, nth: int) -> None:
    """Has this process end or stop at the given point."""
    original: Callable[..., Awaitable[Any]] = getattr(SqlLedger, method)
    calls = itertools.count(1)

    def strike() -> None:
        os.kill(os.getpid(), _SIGNALS[action])

    @functools.wraps(original)
    async def breaking(self: SqlLedger, *arguments: Any, **options: Any) -> Any:
        now = next(calls) == nth
        if now and when == "before":
            strike()
        if now and when == "in":
            self = SqlLedger(_StrikingDatabase(self._database, strike))
        answer = await original(self, *arguments, **options)
        if now and when == "after":
            strike()
        return answer

    setattr(SqlLedger, method, breaking)


class _StrikingDatabase(Database):
    """A database whose transactions are struck when all is written and nothing is committed."""

    def __init__(self, database: Database, strike: Callable[[], None]) -> None:
        self.__dict__ |= vars(database)
        self._strike = strike
        if self._grouped is not None:
            self._grouped = GroupCommit(functools.partial(self.transaction, writing=True))

    @contextlib.contextmanager
    def transaction(self, *, writing: bool) -> Iterator[Connection]:
        with super().transaction(writing=writing) as connection:
            yield connection
            if writing:
                self._strike()


if __name__ == "__main__":
    _, action, method, when, nth, *command = sys.argv
    break_at(action, method, when, int(nth))
    sys.exit(run(command))
