"""What sends, running: the ledger opened and brought up to date, the engine at hand, the sweeper sweeping."""

import asyncio
import contextlib
import functools
import uuid
from collections.abc import AsyncIterator, Callable
from datetime import datetime

import structlog
from sqlalchemy import make_url

from gateway.backends import Backends
from gateway.dispatch.database import Database
from gateway.dispatch.draining import Patience, endless
from gateway.dispatch.engine import EngineFactory, EngineWhenNeeded, dbos_engine
from gateway.dispatch.migrating import migrate
from gateway.dispatch.runs import RunWorker
from gateway.dispatch.sending import Sending
from gateway.dispatch.sql_ledger import SqlLedger
from gateway.dispatch.sweeper import Sweeper
from gateway.dispatch.timing import USUAL, Timing
from gateway.metrics import Metrics

__all__ = ["sending_over"]

log = structlog.get_logger("postroom.dispatch")


@contextlib.asynccontextmanager
async def sending_over(
    url: str,
    backends: Backends,
    clock: Callable[[], datetime],
    engine_of: EngineFactory = dbos_engine,
    timing: Timing = USUAL,
    metrics: Metrics | None = None,
    patience: Patience = endless,
    answer_now: asyncio.Event | None = None,
) -> AsyncIterator[Sending]:
    """What sends over the ledger at ``url``. At the end it begins nothing more, and settles what is under way.

    What is not settled within ``patience`` is let go, and UNKNOWN when its lease ends. Who waits for a send is answered
    once ``answer_now`` is set.

    Raises `gateway.dispatch.ledger.LedgerUnavailableError` where the ledger cannot be opened.
    """
    executor = uuid.uuid4().hex  # of this very start: what an earlier one left behind is adopted, not continued
    metrics = metrics or Metrics()
    database = Database(url, metrics=metrics)
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(database.close)
        await migrate(database)
        ledger = SqlLedger(database, metrics)
        worker = RunWorker(ledger, backends, clock, executor, timing)
        engine = EngineWhenNeeded(
            functools.partial(engine_of, url=engine_url(url), executor=executor, work=worker.work)
        )
        stack.push_async_callback(engine.stop)
        sweeper = Sweeper(ledger, engine, executor, clock, timing)
        await sweeper.start()
        stack.push_async_callback(sweeper.stop)
        sending = Sending(ledger, engine, executor, clock, timing, answer_now)
        yield sending
        worker.finish()
        late = await sending.drain(patience) + await worker.drain(patience)
        if late:
            log.warning(
                "there was no time to hear what became of all that is being sent: it will be UNKNOWN", calls=late
            )


def engine_url(url: str) -> str:
    """Where the engine keeps its own tables: in the same PostgreSQL, or in a file beside the ledger's."""
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        return parsed.set(drivername="postgresql+psycopg").render_as_string(hide_password=False)
    return f"sqlite:///{parsed.database}-runs"
