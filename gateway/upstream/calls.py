"""What the policies know of a call to a vendor: each writes down its part, and the outermost tells it.

A `Call` is one call of an adapter, whatever is tried for it; it travels in the request's extensions. What belongs to
the caller, an `Operation`, is found from where the call is made.
"""

import contextvars
import secrets
import time
from collections.abc import Callable, MutableMapping
from enum import StrEnum
from typing import Any, Final

import httpx
import msgspec
from msgspec import Struct

from adapters.errors import Unavailable
from adapters.wire import EXTENSION, CallInfo
from gateway.upstream.needs import Need

__all__ = [
    "FAILURES",
    "CacheUse",
    "Call",
    "CallOutcome",
    "Operation",
    "TurnedAway",
    "begin_call",
    "call_of",
    "current_operation",
    "enter_operation",
    "leave_operation",
    "name_operation",
    "running",
    "with_call",
]

_CALL = "postroom.call"

MOST_CALLS = 1_000
"""The calls of an operation that are told; each is some 300 bytes."""


_AT_THE_DEADLINE = 0.05
"""Seconds by which two readings of the clock may differ; who leaves so shortly before the deadline is taken for it."""

_FAIR_SHARE = 0.5
"""Of its time-out, what a vendor must have had before a call that came to its deadline is held against it."""


class CacheUse(StrEnum):
    """What the cache had to do with a call."""

    HIT = "HIT"
    REVALIDATED = "REVALIDATED"
    MISS = "MISS"
    BYPASSED = "BYPASSED"


class CallOutcome(StrEnum):
    """What a call came to, as far as HTTP shows; a refusal under HTTP 200 is ANSWERED."""

    ANSWERED = "answered"
    NOT_FOUND = "not_found"
    REFUSED = "refused"
    SIGN_IN = "sign_in"
    LIMITED = "limited"
    SERVER_ERROR = "server_error"
    MALFORMED = "malformed"
    BROKEN_OFF = "broken_off"
    UNREACHABLE = "unreachable"
    TIMEOUT = "timeout"
    NO_TURN = "no_turn"
    TURNED_AWAY = "turned_away"
    LEFT = "left"


FAILURES = frozenset(CallOutcome) - {CallOutcome.ANSWERED, CallOutcome.NOT_FOUND, CallOutcome.LEFT}
"""Records are looked up that are not there, and callers leave: neither is a failure."""


class Call(Struct, kw_only=True):
    """One call of an adapter. Times are seconds of `time.monotonic`.

    ``deadline`` is when it must have an answer; ``cut_short`` says that its operation ends before the backend's own
    time for a call does. ``sent`` says that a byte of it may have left: before that, whatever happens proves that
    nothing was done. ``attempts`` counts how often it was tried, ``queued`` the seconds it waited for its turn;
    ``shared`` says that another call's answer was taken, ``status`` is the last answer's. ``need`` is why it is made,
    where that is asked; ``outcome`` what it came to.
    """

    info: CallInfo
    begun: float
    deadline: float
    cut_short: bool = False
    sent: bool = False
    attempts: int = 0
    queued: float = 0.0
    cache: CacheUse | None = None
    shared: bool = False
    status: int | None = None
    ended: float | None = None
    need: Need | None = None
    outcome: CallOutcome | None = None

    def remaining(self) -> float:
        """Seconds until the deadline; 0 when it is past."""
        return max(0.0, self.deadline - time.monotonic())

    def apart(self) -> "Call":
        """A call of nobody's, which may take as long as this one."""
        return Call(info=self.info, begun=time.monotonic(), deadline=self.deadline, cut_short=self.cut_short)

    def begin_anew(self) -> None:
        """Gives the call all its time from now.

        A write that waited long for its turn must not be sent with too little time left to hear what became of it.
        """
        self.deadline += time.monotonic() - self.begun

    def ran_out(self, had: float) -> bool:
        """Whether the call's time is over, no operation cut it short, and the vendor ``had`` its share of it."""
        enough = had >= _FAIR_SHARE * (self.deadline - self.begun)
        return enough and not self.cut_short and self.remaining() <= _AT_THE_DEADLINE


class TurnedAway(Unavailable):
    """A policy did not let a call through. Trying it again at once comes to the same."""


class Operation(Struct, kw_only=True):
    """A GraphQL operation, or whatever else asks vendors: until when its reads may take, and the calls it made.

    Of these it keeps `MOST_CALLS`; one that is followed for hours makes any number.
    """

    deadline: float
    calls: list[Call] = msgspec.field(default_factory=list)
    _id: str | None = None

    @property
    def id(self) -> str:
        """Its name in the log, made when something is logged: 12 hexadecimal digits."""
        if self._id is None:
            self._id = secrets.token_hex(6)
        return self._id


_operation: contextvars.ContextVar[Operation | None] = contextvars.ContextVar("operation", default=None)


def name_operation(logger: Any, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:  # noqa: ARG001
    """Adds ``operation_id`` to a line that an operation logs: a processor of structlog."""
    operation = _operation.get()
    if operation is not None:
        event["operation_id"] = operation.id
    return event


current_operation: Final[Callable[[], Operation | None]] = _operation.get
"""The operation that the code that asks belongs to; None for what runs by itself."""


enter_operation: Final[Callable[[Operation], "contextvars.Token[Operation | None]"]] = _operation.set
"""From here on all that is called, also by tasks begun here, belongs to an operation: until `leave_operation`."""

leave_operation: Final[Callable[["contextvars.Token[Operation | None]"], None]] = _operation.reset
"""Ends what `enter_operation` began."""


class running:  # noqa: N801 - it reads as the context manager that it is
    """Whatever is called inside, also by tasks begun inside, belongs to this operation."""

    __slots__ = ("_operation", "_token")

    def __init__(self, operation: Operation) -> None:
        self._operation = operation

    def __enter__(self) -> Operation:
        self._token = enter_operation(self._operation)
        return self._operation

    def __exit__(self, *_: object) -> None:
        leave_operation(self._token)


def begin_call(request: httpx.Request, seconds: float) -> Call:
    """Notes a request as a call that may take so long, and as the operation's.

    A read ends with its operation; a write does not: what was claimed is sent to its end.
    """
    info: CallInfo = request.extensions[EXTENSION]
    now = time.monotonic()
    call = Call(info=info, begun=now, deadline=now + seconds)
    operation = current_operation()
    if operation is not None:
        if len(operation.calls) < MOST_CALLS:
            operation.calls.append(call)
        if not info.write and operation.deadline < call.deadline:
            call.deadline, call.cut_short = operation.deadline, True
    request.extensions[_CALL] = call
    return call


def with_call(extensions: dict[str, Any], call: Call | None) -> dict[str, Any]:
    """A request's extensions for another call of the same; as they are, where there is none."""
    return extensions.copy() if call is None else {**extensions, _CALL: call}


def call_of(request: httpx.Request) -> Call | None:
    """The call that a request is made for; None for what a credential asks by itself, such as a sign-in."""
    call: Call | None = request.extensions.get(_CALL)
    return call
