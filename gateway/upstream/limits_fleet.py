"""The processes that keep limits together through one Redis; and how each goes on alone while that is away.

Together, every permit is a lease in Redis. Alone, a process takes its share of each limit. What keeps the sum within
the limits while the processes part, and until all have come back:

* Who parts asks for `SETTLING_SECONDS` no more at once than it did: what others were doing beyond their shares ends.
* Who finds Redis again first lays claim to its share there, and goes on alone for as long, so that all others can too.
* A Redis that has lost its memory grants nothing for as long.
"""

import asyncio
import random
import time
import uuid
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol, Self

import structlog
from msgspec import Struct

from gateway.upstream.redis_client import REDIS_FAILURES, REDIS_SECONDS, let_go, redis_client

__all__ = ["SETTLING_SECONDS", "Apart", "Fleet", "Heard", "Member"]

log = structlog.get_logger("postroom.upstream")

SETTLING_SECONDS = 2.0
"""Vendors answer in 80 to 800 milliseconds: what was under way when Redis went has come to its end by then. Where a
call takes longer, no more than twice a limit can be under way, until it ends."""

LOOK_SECONDS = 0.5
"""How often Redis is looked at: short against the settling time, so that all processes know of each other by then."""

LONGEST_WAIT = 1.0
"""Seconds: more than the script ever says to wait before looking again."""

_SCRIPT = Path(__file__).with_name("limits.lua")
_PREFIX = "postroom:limits"
_KEYS = ("reads", "writes", "window", "queue", "due")


class Apart(Exception):
    """Redis keeps nothing together now: ask by your share."""


class Heard(Struct, frozen=True):
    """What Redis said of one backend: permits in use and calls in the window of all ``processes``."""

    status: int
    wait: float
    born: str
    used: int
    counted: int
    empties_in: float
    processes: int

    @classmethod
    def of(cls, reply: Sequence[Any]) -> "Heard":
        """Of the script's answer; seconds."""
        status, wait, born, used, counted, empties, processes = reply
        return cls(status, wait / 1000, born, used, counted, empties / 1000, processes)


class Member(Protocol):
    """One backend's limits in this process."""

    name: str
    arguments: tuple[int | float, ...]

    def part(self, settling: float) -> None:
        """From now on alone; for ``settling`` seconds no more than it holds."""

    def rejoin(self) -> None:
        """From now on together. What ended since it was last claimed is given back."""

    def serve(self) -> None:
        """Lets go whoever may, while the fleet is not `returning`."""

    def claims(self, *, share: bool) -> tuple[str | float, ...]:
        """All that it holds, or its ``share``, as the script's claim wants it."""

    def hear(self, heard: Heard) -> None:
        """What Redis said of it last."""


class Fleet:
    """This process, as one of ``processes``. ``together`` says whether Redis keeps the limits now.

    ``returning``: Redis is being told of what this process holds, so nobody is let go whom it would not hear of.
    ``processes`` are at least as many as were ``expected``, and as many as Redis has heard of lately.
    """

    def __init__(
        self,
        url: str,
        expected: int,
        *,
        settling: float = SETTLING_SECONDS,
        look_every: float = LOOK_SECONDS,
        monotonic: Callable[[], float] = time.monotonic,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.processes = expected
        self._expected = expected
        self.monotonic = monotonic
        self.clock = clock
        self.id = uuid.uuid4().hex
        self.together = True
        self.returning = False
        self._settling = settling
        self._look_every = look_every
        self._redis = redis_client(url)
        self._patient = redis_client(url, blocking=LONGEST_WAIT)
        self._script = self._redis.register_script(_SCRIPT.read_text(encoding="utf-8"))
        self._members: list[Member] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._listening: dict[tuple[str, str], asyncio.Future[Any]] = {}
        self._born = ""
        self._back_at: float | None = None
        self._told = False
        self._watching: asyncio.Task[None] | None = None

    def join(self, member: Member) -> None:
        """A backend's limits are kept by this fleet, from now on."""
        self._members.append(member)

    async def __aenter__(self) -> Self:
        """Begins to look after Redis."""
        self._watching = self.aside(self._watch())
        return self

    def aside(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Does something that nobody waits for."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def ask(self, member: Member, what: str, *arguments: str | float) -> Heard:
        """Runs the script for a backend. Raises `Apart` where Redis does not answer."""
        keys = [f"{_PREFIX}:born", f"{_PREFIX}:fleet", *(f"{_PREFIX}:{{{member.name}}}:{key}" for key in _KEYS)]
        given = (what, self._settling * 1000, *member.arguments, *arguments)
        heard = Heard.of(await self._trying(self._script(keys=keys, args=given)))
        self.processes = max(self._expected, heard.processes)
        member.hear(heard)
        return heard

    async def take(
        self, member: Member, kind: str, lease: str, seconds: float, *, wanted: Callable[[], object]
    ) -> bool:
        """Waits for a permit that all processes know of, as long as it is ``wanted``. Raises `Apart`."""
        waiter = f"{kind}:{self.id}"
        bell = f"{_PREFIX}:{{{member.name}}}:queue:{waiter}"
        while wanted():
            heard = await self.ask(member, "take", waiter, lease, seconds * 1000, self._born)
            if heard.status > 0:
                self._born = heard.born
                return True
            if heard.status < 0:
                # Known to nobody and new to us: at a first start there is nothing that could have to settle.
                self.part("Redis has lost its memory" if self._born else None)
                raise Apart
            wait = heard.wait * random.uniform(1.0, 1.1)  # noqa: S311 - so that not all look at once
            await self._trying(self._listen(member, kind, self._patient.blpop([bell], timeout=wait)))
        await self.ask(member, "leave", waiter)
        return False

    async def _listen(self, member: Member, kind: str, bell: Awaitable[Any]) -> None:
        """Waits for the bell, or until `hush`."""
        listening = self._listening[member.name, kind] = asyncio.ensure_future(bell)
        try:
            await asyncio.wait([listening])
            if not listening.cancelled():
                listening.result()
        finally:
            listening.cancel()
            del self._listening[member.name, kind]

    def hush(self, member: Member, kind: str) -> None:
        """Looks at once whether a permit is still wanted.

        What Redis is being asked is not broken off: its answer, which may be a lease, would be lost.
        """
        listening = self._listening.get((member.name, kind))
        if listening is not None:
            listening.cancel()

    async def _trying(self, asked: Awaitable[Any]) -> Any:
        try:
            return await asked
        except REDIS_FAILURES as error:
            self._back_at = None
            self.part(type(error).__name__)
            raise Apart from None

    def part(self, why: str | None) -> None:
        """Goes on alone. ``why`` is None where there is nothing to settle, and nothing to tell."""
        if self.together:
            self.together = False
            self._back_at = None
            self._told = why is not None
            if why is not None:
                message = "limits are no longer kept with the other processes: this one keeps to its share"
                log.warning(message, processes=self.processes, reason=why)
            for member in self._members:
                member.part(0.0 if why is None else self._settling)

    async def _watch(self) -> None:
        """Notices by itself that Redis went or came back, and keeps what is told of budgets fresh."""
        while True:
            await asyncio.sleep(self._look_every * random.uniform(0.9, 1.1))  # noqa: S311
            try:
                await self._look()
            except Apart:
                continue

    async def _look(self) -> None:
        if self.together:
            for member in self._members:
                heard = await self.ask(member, "look", self.id)
                if self._born and heard.born != self._born:
                    self.part("Redis has lost its memory")
                    return
            return
        young = [(await self._claim(member, share=True)).wait for member in self._members]
        if self._back_at is None:
            self._back_at = self.monotonic() + (self._settling if self._told else 0.0)
        if self.monotonic() >= self._back_at and not any(young):
            await self._come_back()

    async def _come_back(self) -> None:
        self.returning = True
        try:
            for member in self._members:
                self._born = (await self._claim(member, share=False)).born
        except Apart:
            self.returning = False
            for member in self._members:
                member.serve()
            raise
        self.together, self.returning = True, False
        if self._told:
            log.info("limits are kept with the other processes again")
        for member in self._members:
            member.rejoin()

    async def _claim(self, member: Member, *, share: bool) -> Heard:
        return await self.ask(member, "claim", self.id, *member.claims(share=share))

    async def __aexit__(self, *_: object) -> None:
        """Gives what is being given back a moment, and lets the connections go."""
        if self._watching is not None:
            self._watching.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=REDIS_SECONDS)
        async with let_go(self._redis), let_go(self._patient):
            pass
