"""``postroom dispatches reconcile``, ``retry``, ``cancel`` and ``watch``."""

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from gateway.commands.configuration import configured
from gateway.commands.dispatch_acting import Acting, acting_here
from gateway.commands.dispatch_remote import acting_at
from gateway.commands.dispatch_standing import Standing
from gateway.commands.dispatch_telling import changes, summary
from gateway.commands.failure import CommandFailure
from gateway.commands.output import say

__all__ = ["cancel", "reconcile", "retry", "watch"]

Flag = Parameter(negative=())


async def reconcile(id: str, /, *, url: str | None = None, config: Path | None = None) -> int:
    """Asks the vendors for evidence of what is UNKNOWN, and settles what it decides.

    Args:
        id: The dispatch.
        url: Have the gateway do it that runs here, such as http://127.0.0.1:8000/graphql.
        config: Ask the vendors from here, with this configuration; postroom.toml in this folder when absent.
    """
    async with _acting(url, config) as acting:
        before = await acting.find(id)
        return await _tell(acting, before, await acting.reconcile(before.id))


async def retry(
    id: str, /, *, wait: Annotated[bool, Flag] = False, url: str | None = None, config: Path | None = None
) -> int:
    """Queues what is FAILED again, for a running gateway to send.

    Args:
        id: The dispatch.
        wait: Watch until all is settled. With no --url, and no gateway running over the ledger, send it from here.
        url: Have the gateway do it that runs here, such as http://127.0.0.1:8000/graphql.
        config: The configuration that says where the ledger is; postroom.toml in this folder when absent.
    """
    async with _acting(url, config) as acting:
        before = await acting.find(id)
        after = await acting.retry(before.id)
        if wait and after.pending:
            say(f"{changes(before, after)}.")
            before, after = after, await acting.finish(after.id)
        return await _tell(acting, before, after)


async def cancel(id: str, /, *, url: str | None = None, config: Path | None = None) -> int:
    """Cancels what has not begun.

    Args:
        id: The dispatch.
        url: Have the gateway do it that runs here, such as http://127.0.0.1:8000/graphql.
        config: The configuration that says where the ledger is; postroom.toml in this folder when absent.
    """
    async with _acting(url, config) as acting:
        before = await acting.find(id)
        return await _tell(acting, before, await acting.cancel(before.id))


async def watch(id: str, /, *, url: str | None = None, config: Path | None = None) -> int:
    """Watches a dispatch until all its items are settled. Ctrl-C ends the watching, and not the dispatch.

    Args:
        id: The dispatch.
        url: Watch it at the gateway that runs here, such as http://127.0.0.1:8000/graphql.
        config: The configuration that says where the ledger is; postroom.toml in this folder when absent.
    """
    async with _acting(url, config, read_only=True) as acting:
        standing = await acting.find(id)
        hint = await acting.hint(standing)
        if hint is not None:
            say(hint)
        standing = await acting.watch(standing.id)
        say(summary(standing))
        return standing.exit_code


@contextlib.asynccontextmanager
async def _acting(url: str | None, config: Path | None, *, read_only: bool = False) -> AsyncIterator[Acting]:
    if url is not None and config is not None:
        raise CommandFailure("Only one of --url and --config can be asked.", code=2)
    async with _ended_in_order():
        if url is not None:
            async with acting_at(url) as there:
                yield there
        else:
            async with acting_here(configured(config), read_only=read_only) as here:
                yield here


@contextlib.asynccontextmanager
async def _ended_in_order() -> AsyncIterator[None]:
    """Has SIGTERM cancel what is under way, as asyncio has Ctrl-C do it: what is being sent is settled first."""
    task, loop = asyncio.current_task(), asyncio.get_running_loop()
    assert task is not None  # noqa: S101 - a command is one
    before = signal.getsignal(signal.SIGTERM)
    told = asyncio.Event()

    def end() -> None:
        told.set()
        task.cancel()

    with contextlib.suppress(NotImplementedError):  # on Windows, which has no such signal to send
        loop.add_signal_handler(signal.SIGTERM, end)
    try:
        yield
    except asyncio.CancelledError:
        if told.is_set():
            raise KeyboardInterrupt from None
        raise
    finally:
        signal.signal(signal.SIGTERM, before)


async def _tell(acting: Acting, before: Standing, after: Standing) -> int:
    say(f"{changes(before, after)}.")
    say(summary(after))
    hint = await acting.hint(after)
    if hint is not None:
        say(hint)
    return after.exit_code
