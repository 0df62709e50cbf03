"""Two ways out of one backend: through the policies one by one, and with what is plain carried on without them."""

import asyncio
import ssl
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx

from adapters.errors import AdapterError
from adapters.messages import changed_request
from adapters.redaction import tell_secrets
from adapters.signing import SigningTransport
from adapters.wire import EXTENSION, CallInfo
from gateway.metrics import Metrics
from gateway.upstream.breaker import BreakerTransport
from gateway.upstream.call_log import CallLogTransport
from gateway.upstream.calls import Operation, call_of, running
from gateway.upstream.coalesce import CoalesceTransport
from gateway.upstream.connections import Connection
from gateway.upstream.deadline import DeadlineTransport
from gateway.upstream.engine import EngineTransport
from gateway.upstream.health import Health, HealthTransport
from gateway.upstream.limits import Limiter, LimitsTransport
from gateway.upstream.limits_turns import Bounds
from gateway.upstream.plain_reads import PlainReads
from gateway.upstream.retry import RetryTransport
from gateway.upstream.shared_reads import SharedReads
from gateway.upstream.whole_answers import WholeAnswersTransport
from tests.patience import PATIENCE

__all__ = ["FEW", "WayOut"]

SECRET = "a-secret"


FEW = Bounds(concurrency=2, writes=1, calls=1000, seconds=60.0)


def _is_outage(_: int, body: bytes) -> bool:
    return body == b"outage"


class _Signing(SigningTransport):
    def signed(self, request: httpx.Request) -> httpx.Request | None:
        return changed_request(request, more=((b"Authorization", SECRET.encode()),))

    def cleared(self, request: httpx.Request, response: httpx.Response) -> httpx.Response:  # noqa: ARG002 - of all
        return tell_secrets(response, SECRET)


class WayOut:
    """All of one backend's policies; ``plain`` says whether plain reads are carried on without them."""

    def __init__(
        self,
        *,
        plain: bool,
        bounds: Bounds = FEW,
        is_outage: Callable[[int, bytes], bool] = _is_outage,
        verify: ssl.SSLContext | None = None,
    ) -> None:
        self.engine = EngineTransport(verify=verify)
        self.health = Health(lambda: datetime.now(UTC))
        self.limiter = Limiter(bounds)
        credential = _Signing(self.engine)
        answers = WholeAnswersTransport(HealthTransport(credential, self.health))
        self.breakers = BreakerTransport(LimitsTransport(answers, self.limiter), self.health, is_outage=is_outage)
        self.retry = RetryTransport(self.breakers, is_outage=is_outage, sleep=self._sleep, jitter=lambda: 0.0)
        reads = PlainReads(
            retry=self.retry,
            breakers=self.breakers,
            limiter=self.limiter,
            health=self.health,
            credential=credential,
            engine=self.engine,
        )
        self.slept: list[float] = []
        self.coalescing = CoalesceTransport(self.retry, reads if plain else None)
        self.metrics = Metrics()
        log = CallLogTransport(self.coalescing, self.metrics)
        self.deadline = DeadlineTransport(log, PATIENCE)
        self.transport = SharedReads(self.deadline, log, self.coalescing) if plain else self.deadline

    async def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)

    async def read(self, url: str) -> Any:
        """What one read comes to, and what its call has noted; times aside."""
        info = CallInfo(backend="a", operation="customer.list")
        timeouts = dict.fromkeys(("connect", "write", "pool", "read"), PATIENCE)
        request = httpx.Request("GET", url, extensions={EXTENSION: info, "timeout": timeouts})
        with running(Operation(deadline=time.monotonic() + 2 * PATIENCE)):
            came = await self._came(request)
        call = call_of(request)
        assert call is not None
        noted = (call.attempts, call.sent, call.status, call.outcome, call.cut_short, call.shared)
        return came, noted

    async def _came(self, request: httpx.Request) -> Any:
        try:
            response = await self.transport.handle_async_request(request)
        except (httpx.RequestError, AdapterError) as error:
            return type(error), str(error)
        told = {name: value for name, value in response.extensions.items() if name != "postroom.asked"}
        return response.status_code, response.content, response.headers.raw, told

    def noted(self) -> Any:
        """What the policies have noted of all reads; times aside."""
        breaker = self.breakers._reading
        return {
            "health": (self.health.state, self.health.problem),
            "breaker": (breaker.is_open, [failed for _, failed in breaker._outcomes], breaker._limited),
            "limits": (self.limiter.held, self.limiter.queued, self.limiter._turns.counted),
            "retry": (round(self.retry._budget._tokens, 6), self.slept),
            "under way": (len(self.coalescing._under_way), len(self.deadline.watches._under_way)),
            "told": self.told(),
            "connections": len(self.engine._open),
        }

    def told(self) -> dict[str, float]:
        """How many calls have come to what."""
        samples = [sample for metric in self.metrics.registry.collect() for sample in metric.samples]
        counts = [sample for sample in samples if sample.name == "postroom_vendor_calls_total"]
        return {sample.labels["outcome"]: sample.value for sample in counts}

    def busy(self) -> list[Connection]:
        """The connections on which an answer is waited for."""
        return [connection for connection in self.engine._open if not connection.is_idle()]

    async def aclose(self) -> None:
        await asyncio.wait_for(self.transport.aclose(), PATIENCE)
