"""What every vendor's emulator shares: options, journal, outbox, injected faults, and the loopback-only control routes.

A vendor's ``sandbox.py`` builds a Starlette app for the documented routes and wraps it in `Sandbox`, which records each
request as it arrived, misbehaves when told to, and answers the control routes:

* ``GET /__sandbox/journal?since=N``: ``{"n", "entries": [...], "effects"}``; an entry has ``method``, ``raw_path``,
  ``query``, ``headers``, ``body`` and ``status``
* ``GET /__sandbox/outbox?since=N``: ``{"n", "items"}``, what left the house
* ``GET | POST | DELETE /__sandbox/faults``: the faults in force; add one; drop all
* ``GET /__sandbox/load?within=SECONDS``: ``{"most_at_once", "most_within"}``, the most requests that were under way at
  once, and that arrived within any so many seconds (1 if not given)
"""

import asyncio
import contextlib
import fnmatch
import itertools
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

import msgspec
from starlette.datastructures import QueryParams
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["Fault", "Mailing", "Sandbox", "SandboxAccess", "SandboxOptions", "SandboxState"]

JOURNAL_LIMIT = 50_000
"""Entries kept; a run of 10,000 statements is under 1,000 requests, so nothing a test counts falls out."""

CONTROL_PREFIX = "/__sandbox/"
TRANSPORT_EXTENSION = "postroom.transport"
"""Where the sandbox server puts the connection's asyncio transport in the ASGI scope, so that a fault can reset it."""


def utc_now() -> datetime:
    """The time now, in UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxOptions:
    """How an emulator is to behave.

    ``seed``: ``company`` is the sample company (some 240 customers); ``examples`` holds just the records of the
    vendor's published examples. ``database`` is an SQLite file, or ``:memory:``. ``lenient`` takes what the field has
    been seen to take beyond the documentation. ``clock`` stamps new records and expires sessions. ``settings`` are the
    vendor's own knobs, each documented in its ``sandbox.py`` (for example a page cap).
    """

    seed: Literal["company", "examples"] = "company"
    database: str = ":memory:"
    lenient: bool = False
    clock: Callable[[], datetime] = utc_now
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxAccess:
    """How to connect to a running emulator: the path its API lies under, and the credentials it takes.

    ``credentials`` has the same keys as the vendor's credentials in the configuration file.
    """

    base_path: str
    credentials: Mapping[str, str]


class Mailing(msgspec.Struct, frozen=True, kw_only=True):
    """Something that left the house: an e-mail, a posted letter, a document marked as delivered."""

    n: int
    kind: str
    at: str
    recipients: tuple[str, ...]
    subject: str | None
    record: str
    detail: dict[str, Any]


FaultKind = Literal["latency", "hold", "status", "reset_before", "reset_after", "truncate", "garbage", "expire_session"]


class Fault(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """One way to misbehave, on the routes that ``route`` matches (``"METHOD /path*"``, shell wildcards, `*` for all).

    ``times`` is how often (null: until deleted); ``skip`` lets that many requests pass first. ``latency`` waits
    ``seconds`` and goes on, ``hold`` until all faults are deleted. ``status`` answers ``status`` with ``body``,
    ``headers`` and ``Retry-After: retry_after``, and does nothing. ``reset_before`` drops the connection before the
    work, ``reset_after`` and ``truncate`` (half of the body) after it. ``garbage`` does the work and answers a body
    that is not JSON. ``expire_session`` ends all sessions first.
    """

    kind: FaultKind
    route: str = "*"
    times: int | None = 1
    skip: int = 0
    seconds: float = 0.0
    status: int = 503
    body: str = ""
    content_type: str = "text/plain; charset=utf-8"
    headers: dict[str, str] = {}
    retry_after: int | None = None


class SandboxState:
    """The journal, the outbox, the effects and the faults of one emulator."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._entries: deque[tuple[int, dict[str, Any]]] = deque(maxlen=JOURNAL_LIMIT)
        self._count = itertools.count(1)
        self._arrivals: deque[float] = deque(maxlen=JOURNAL_LIMIT)
        self._under_way = 0
        self.most_at_once = 0
        self.requests = 0
        self.effects: Counter[str] = Counter(emails=0, letters=0, records=0)
        self.outbox: list[Mailing] = []
        self.faults: list[Fault] = []
        self._held: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []
        self.expire_sessions: Callable[[], None] = lambda: None
        """Set by an emulator that has sessions: ends them all."""

    @contextlib.contextmanager
    def under_way(self) -> Iterator[None]:
        """Counts a request from its arrival until it has been answered or dropped."""
        self._arrivals.append(time.monotonic())
        self._under_way += 1
        self.most_at_once = max(self.most_at_once, self._under_way)
        try:
            yield
        finally:
            self._under_way -= 1

    def most_within(self, seconds: float) -> int:
        """The most requests that arrived in any window of so many seconds."""
        window: deque[float] = deque()
        most = 0
        for arrival in list(self._arrivals):
            window.append(arrival)
            while window[0] <= arrival - seconds:
                window.popleft()
            most = max(most, len(window))
        return most

    def record_request(self, entry: dict[str, Any]) -> None:
        """Adds one request to the journal."""
        self.requests = next(self._count)
        self._entries.append((self.requests, entry))

    def journal_since(self, n: int) -> list[dict[str, Any]]:
        """The entries after the ``n``-th."""
        return [entry for number, entry in self._entries if number > n]

    def mail(
        self,
        kind: Literal["email", "post", "deliver"],
        *,
        record: str,
        recipients: tuple[str, ...] = (),
        subject: str | None = None,
        **detail: object,
    ) -> None:
        """Puts one thing that left the house into the outbox and counts it: ``emails`` for e-mail, else ``letters``."""
        self.outbox.append(
            Mailing(
                n=len(self.outbox) + 1,
                kind=kind,
                at=self._clock().isoformat(),
                recipients=recipients,
                subject=subject,
                record=record,
                detail=detail,
            )
        )
        if kind == "email":
            self.effects["emails"] += 1
        elif kind == "post":
            self.effects["letters"] += 1

    def changed(self, count: int = 1) -> None:
        """Counts records created, changed or deleted."""
        self.effects["records"] += count

    def drop_faults(self) -> None:
        """Behaves from now on, and lets go on what was held; from any thread."""
        self.faults.clear()
        held, self._held = self._held, []
        for loop, released in held:
            loop.call_soon_threadsafe(released.set)

    async def hold(self) -> None:
        """Waits until all faults are deleted."""
        released = asyncio.Event()
        self._held.append((asyncio.get_running_loop(), released))
        await released.wait()

    def take_fault(self, method: str, path: str) -> Fault | None:
        """The first fault in force for this request, used up once."""
        line = f"{method} {path}"
        for fault in list(self.faults):
            if not fnmatch.fnmatchcase(line, fault.route) and not fnmatch.fnmatchcase(path, fault.route):
                continue
            if fault.skip > 0:
                fault.skip -= 1
                continue
            if fault.times is not None:
                fault.times -= 1
                if fault.times <= 0:
                    self.faults.remove(fault)
            return fault
        return None


@dataclass(frozen=True, kw_only=True)
class Sandbox:
    """One vendor's emulator as an ASGI application, with its state, how to connect, and what had to be invented."""

    app: ASGIApp
    state: SandboxState
    access: SandboxAccess
    assumptions: tuple[str, ...]
    close: Callable[[], None] = lambda: None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one ASGI connection."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
        elif scope["path"].startswith(CONTROL_PREFIX):
            await self._control(scope, receive, send)
        else:
            with self.state.under_way():
                await self._emulate(scope, receive, send)

    async def _emulate(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = await read_body(receive)
        answer = _Answer()
        entry: dict[str, Any] = {
            "method": scope["method"],
            "raw_path": scope["raw_path"].decode("latin-1"),
            "query": scope["query_string"].decode("latin-1"),
            "headers": [[k.decode("latin-1"), v.decode("latin-1")] for k, v in scope["headers"]],
            "body": body.decode("utf-8", "replace"),
            "status": None,
        }
        self.state.record_request(entry)
        fault = self.state.take_fault(scope["method"], scope["path"])
        if fault is not None and fault.kind == "latency":
            await asyncio.sleep(fault.seconds)
        elif fault is not None and fault.kind == "hold":
            await self.state.hold()
        elif fault is not None and fault.kind == "expire_session":
            self.state.expire_sessions()
        elif fault is not None and fault.kind == "reset_before":
            return await _reset(scope)
        elif fault is not None and fault.kind == "status":
            entry["status"] = fault.status
            return await _fault_response(fault)(scope, receive, send)
        await self.app(scope, _replay(body), answer.take)
        entry["status"] = answer.status
        if fault is not None and fault.kind == "reset_after":
            return await _reset(scope)
        if fault is not None and fault.kind == "truncate":
            await answer.send_half(send)
            return await _reset(scope)
        if fault is not None and fault.kind == "garbage":
            garbage = Response(fault.body or "<html>Bad gateway</html>", answer.status, media_type=fault.content_type)
            return await garbage(scope, receive, send)
        await answer.send_whole(send)
        return None

    async def _control(self, scope: Scope, receive: Receive, send: Send) -> None:
        client = scope.get("client")
        if client is None or not (client[0].startswith("127.") or client[0] == "::1"):
            await Response(status_code=404)(scope, receive, send)
            return
        name = scope["path"].removeprefix(CONTROL_PREFIX)
        since = QueryParams(scope["query_string"]).get("since", "0")
        response: Response
        if not since.isdecimal():
            response = JSONResponse({"error": "since: a whole number"}, 400)
        elif name == "journal" and scope["method"] == "GET":
            entries = self.state.journal_since(int(since))
            response = JSONResponse({"n": self.state.requests, "entries": entries, "effects": dict(self.state.effects)})
        elif name == "outbox" and scope["method"] == "GET":
            items = [msgspec.to_builtins(item) for item in self.state.outbox[int(since) :]]
            response = JSONResponse({"n": len(self.state.outbox), "items": items})
        elif name == "load" and scope["method"] == "GET":
            response = self._load(QueryParams(scope["query_string"]).get("within", "1"))
        elif name == "faults":
            response = self._faults(scope["method"], await read_body(receive))
        else:
            response = Response(status_code=404)
        await response(scope, receive, send)

    def _load(self, within: str) -> JSONResponse:
        try:
            seconds = float(within)
        except ValueError:
            return JSONResponse({"error": "within: a number of seconds"}, 400)
        return JSONResponse({"most_at_once": self.state.most_at_once, "most_within": self.state.most_within(seconds)})

    def _faults(self, method: str, body: bytes) -> Response:
        if method == "POST":
            try:
                self.state.faults.append(msgspec.json.decode(body, type=Fault))
            except msgspec.MsgspecError as error:
                return JSONResponse({"error": str(error)}, 400)
        elif method == "DELETE":
            self.state.drop_faults()
        elif method != "GET":
            return Response(status_code=405)
        return JSONResponse({"faults": [msgspec.to_builtins(fault) for fault in self.state.faults]})


class _Answer:
    """What the emulator said, held back until it is known whether it is to arrive."""

    def __init__(self) -> None:
        self.status = 0
        self._messages: list[Message] = []

    async def take(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
        self._messages.append(message)

    async def send_whole(self, send: Send) -> None:
        for message in self._messages:
            await send(message)

    async def send_half(self, send: Send) -> None:
        body = b"".join(m.get("body", b"") for m in self._messages if m["type"] == "http.response.body")
        await send(self._messages[0])
        await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})


async def read_body(receive: Receive) -> bytes:
    """The whole request body."""
    chunks: list[bytes] = []
    while True:
        message = await receive()
        chunks.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(chunks)


def _replay(body: bytes) -> Receive:
    messages = iter([{"type": "http.request", "body": body, "more_body": False}])

    async def receive() -> Message:
        return next(messages, {"type": "http.disconnect"})

    return receive


async def _reset(scope: Scope) -> None:
    scope["extensions"][TRANSPORT_EXTENSION]["transport"].abort()
    await asyncio.sleep(0)  # lets the server see the connection go before the application returns


def _fault_response(fault: Fault) -> Response:
    headers = dict(fault.headers)
    if fault.retry_after is not None:
        headers["Retry-After"] = str(fault.retry_after)
    return Response(fault.body, fault.status, headers=headers, media_type=fault.content_type)
