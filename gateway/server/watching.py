"""A GraphQL operation on its way, whatever carries it: its deadline, its id in the log, its metrics and its span."""

import asyncio
import contextlib
import secrets
import time
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import structlog

from gateway.context import RequestContext
from gateway.metrics import Metrics
from gateway.server.requests_reading import RequestRefusedError
from gateway.settings import ServerSettings
from gateway.upstream.calls import Operation, running

if TYPE_CHECKING:
    from gateway.tracing import Tracing

__all__ = ["OperationWatch"]

DEFAULT_SECONDS: float = ServerSettings.model_fields["operation_seconds"].default

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

    @contextlib.contextmanager
    def operation(self, context: RequestContext, headers: Mapping[str, str]) -> Iterator[Operation]:
        """Whatever is executed inside is this operation. Everything that it logs has its id, as ``operation_id``."""
        begun = time.monotonic()
        bound = structlog.contextvars.bind_contextvars(operation_id=secrets.token_hex(6))
        outcome = "left"
        try:
            with running(Operation(deadline=begun + self._seconds)) as operation:
                if self._tracing is None:
                    yield operation
                else:
                    with self._tracing.operation(headers, context):
                        yield operation
            outcome = _outcome(context)
        except RequestRefusedError:
            outcome = _REFUSED
            raise
        except asyncio.CancelledError:
            raise
        except BaseException:
            outcome = "errors"
            raise
        finally:
            structlog.contextvars.reset_contextvars(**bound)
            self.metrics.operation_ended(context.kind or "unknown", outcome, time.monotonic() - begun)


def _outcome(context: RequestContext) -> str:
    """``ok``, ``errors`` (however much data there is beside them), or ``refused``: not even a valid document."""
    if context.kind is None:
        return _REFUSED
    return "errors" if context.failed else "ok"
