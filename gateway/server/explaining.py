"""What an answer took, for whoever asks.

``extensions.vendorCalls``, with ``X-Postroom-Explain: 1``: the calls of vendors. ``extensions.cost``, with
``X-Postroom-Cost: 1``: what it could have taken at most, in reads, and what it may. A message of a WebSocket has no
header: there the request's own ``extensions`` ask for either by its name, with true.
"""

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Any, Final

from gateway.context import Principal, RequestContext
from gateway.server.fields import Fields
from gateway.upstream.calls import Call, Operation

__all__ = ["VENDOR_CALLS", "asks_cost", "asks_for", "costed", "explained", "may_ask_why"]

EXPLAIN: Final = b"x-postroom-explain"
COST: Final = b"x-postroom-cost"
VENDOR_CALLS: Final = "vendorCalls"


def may_ask_why(fields: Fields, principal: Principal) -> bool:  # noqa: ARG001 - the one place to decide by whom
    """Whether this answer is explained. Everybody may ask: the calls are those of the answer itself."""
    return fields.first.get(EXPLAIN) == b"1"


def asks_cost(fields: Fields) -> bool:
    """Whether the cost is asked for."""
    return fields.first.get(COST) == b"1"


def asks_for(extension: str, given: Mapping[str, Any] | None) -> bool:
    """Whether a request's extensions ask for this one in the answer."""
    return given is not None and given.get(extension) is True


async def explained(
    frames: AsyncGenerator[Mapping[str, Any], None], operation: Operation
) -> AsyncGenerator[Mapping[str, Any], None]:
    """The frames; the last of an incremental answer, and each of any other, with the calls made until then."""
    async with aclosing(frames):
        async for frame in frames:
            if frame.get("hasNext"):
                yield frame
                continue
            calls, operation.calls = operation.calls, []
            yield {**frame, "extensions": {**frame.get("extensions", {}), VENDOR_CALLS: list(map(_told, calls))}}


async def costed(
    frames: AsyncGenerator[Mapping[str, Any], None], context: RequestContext
) -> AsyncGenerator[Mapping[str, Any], None]:
    """The frames; the first with the operation's cost, and the most that one may cost."""
    async with aclosing(frames):
        cost = context.cost
        async for frame in frames:
            if cost is None:
                yield frame
                continue
            told = {"requested": cost.reads, "maximum": cost.maximum}
            yield {**frame, "extensions": {**frame.get("extensions", {}), "cost": told}}
            cost = None


def _told(call: Call) -> dict[str, Any]:
    """A call's members. ``ms`` is null while it goes on, as a write may after its operation has ended."""
    need = call.need
    return {
        "backend": call.info.backend,
        "operation": call.info.operation,
        "route": call.info.route,
        "fields": [] if need is None else list(need.fields),
        "loader": None if need is None else need.loader,
        "keys": None if need is None else need.keys,
        "outcome": None if call.outcome is None else call.outcome.value,
        "status": call.status,
        "ms": None if call.ended is None else _milliseconds(call.ended - call.begun),
        "queuedMs": _milliseconds(call.queued),
        "attempts": call.attempts,
        "cache": None if call.cache is None else call.cache.value,
        "shared": call.shared,
    }


def _milliseconds(seconds: float) -> float:
    return round(seconds * 1000, 1)
