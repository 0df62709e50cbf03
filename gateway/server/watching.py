"""A GraphQL operation on its way, whatever carries it: its deadline, its id in the log, its metrics and its span."""

import asyncio
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager
from types import TracebackType
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from gateway.context import RequestContext
from gateway.metrics import Metrics
from gateway.server.requests_reading import RequestRefusedError
from gateway.settings import ServerSettings
from gateway.upstream.calls import Operation, enter_operation, leave_operation

if TYPE_CHECKING:
    from gateway.tracing import Tracing

__all__ = ["OperationWatch"]

DEFAULT_SECONDS: float = ServerSettings().operation_seconds

_REFUSED = "refused"


class OperationWatch:
    """Watches operations. ``seconds`` is what the reads of one may take; a subscription's have their own time alone."""

    def __init__(
        self,
        metrics: Metrics | None = None,
        tracing: "Tracing | None" = None,
        *,
        seconds: float = DEFAULT_SECONDS,
    ) -> None:
        self.metrics = metrics or Metrics()
        self._tracing = tracing
        self._seconds = seconds

    def operation(self, context: RequestContext, headers: Mapping[str, str]) -> AbstractContextManager[Operation]:
        """Whatever is executed inside is this operation. Everything that it logs has its id, as ``operation_id``."""
        span = None if self._tracing is None else self._tracing.operation(headers, context)
        return _Watched(self.metrics, context, self._seconds, span)


class _Watched(Struct):
    """One operation, from its begin to its end."""

    metrics: Metrics
    context: RequestContext
    seconds: float
    span: AbstractContextManager[object] | None
    begun: float = 0.0
    token: Any = None

    def __enter__(self) -> Operation:
        self.begun = time.monotonic()
        operation = Operation(deadline=self.begun + self.seconds)
        self.token = enter_operation(operation)
        if self.span is not None:
            self.span.__enter__()
        return operation

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if self.span is not None:
                self.span.__exit__(kind, error, trace)
        finally:
            leave_operation(self.token)
            seconds = time.monotonic() - self.begun
            self.metrics.operation_ended(self.context.kind or "unknown", _outcome(self.context, error), seconds)


def _outcome(context: RequestContext, error: BaseException | None) -> str:
    """``ok``; ``errors``, however much data there is beside them; ``refused``: not even a valid document; ``left``."""
    if isinstance(error, asyncio.CancelledError):
        return "left"
    if error is not None:
        return _REFUSED if isinstance(error, RequestRefusedError) else "errors"
    if context.kind is None:
        return _REFUSED
    return "errors" if context.failed else "ok"
