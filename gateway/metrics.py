"""What a gateway counts and measures, for Prometheus. No label holds anything that a caller or a vendor wrote.

Each gateway has a registry of its own: two in one process count for themselves.
"""

import asyncio
import contextlib
from collections.abc import Iterable, Iterator

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from gateway.backends import Backend
from gateway.tallies import Count, Counts, Distribution, Distributions
from gateway.upstream.calls import Call
from gateway.upstream.health import HealthState

__all__ = ["Metrics"]

CALL_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 15.0, 30.0)
"""The vendors answer in 80 to 800 ms; calls are given 30 seconds."""

QUEUE_SECONDS = (0.001, 0.01, 0.05, 0.2, 0.8, 3.2, 10.0, 30.0)

OPERATION_SECONDS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)

TRANSACTION_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 2.5)
"""A transaction of the ledger takes milliseconds, most of them the disk's."""


class _Backends(Collector):
    """How each backend stands, read when somebody asks."""

    def __init__(self) -> None:
        self.backends: tuple[Backend, ...] = ()

    def describe(self) -> Iterator[Metric]:
        """The metrics without their values."""
        return iter(self._families())

    def collect(self) -> Iterator[Metric]:
        """The metrics as they are now."""
        health, in_use, queued, resting = self._families()
        for backend in self.backends:
            for state in HealthState:
                health.add_metric((backend.key, state.value), float(backend.health.state is state))
            in_use.add_metric((backend.key,), backend.limiter.held)
            queued.add_metric((backend.key,), backend.limiter.queued)
            for what in ("reading", "sending"):
                resting.add_metric((backend.key, what), float(backend.health.rests(what)))
        return iter((health, in_use, queued, resting))

    def _families(self) -> tuple[GaugeMetricFamily, ...]:
        return (
            GaugeMetricFamily("postroom_backend_health", "1 for the state it is in.", labels=("backend", "state")),
            GaugeMetricFamily("postroom_backend_permits_in_use", "Calls under way.", labels=("backend",)),
            GaugeMetricFamily("postroom_backend_queued", "Calls that wait for their turn.", labels=("backend",)),
            GaugeMetricFamily("postroom_backend_rests", "1 while its breaker is open.", labels=("backend", "what")),
        )


class _EventLoop(Collector):
    """What the event loop that asks has to do."""

    def describe(self) -> Iterator[Metric]:
        """The metric without its value."""
        return iter((self._family(),))

    def collect(self) -> Iterator[Metric]:
        """The metric as it is now; without a value outside of an event loop."""
        family = self._family()
        with contextlib.suppress(RuntimeError):
            family.add_metric((), len(asyncio.all_tasks()))
        return iter((family,))

    def _family(self) -> GaugeMetricFamily:
        return GaugeMetricFamily("postroom_event_loop_tasks", "Tasks that have not ended.", labels=())


class Metrics:
    """The metrics of one gateway. Times are in seconds."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        self._backends = _Backends()
        registry.register(self._backends)
        registry.register(_EventLoop())
        ProcessCollector(registry=registry)
        self._calls = Counts(
            "postroom_vendor_calls",
            "Calls of vendors, by what they came to.",
            ("backend", "operation", "outcome", "cache"),
        )
        self._call_seconds = Distributions(
            "postroom_vendor_call_seconds",
            "What calls took in all, waiting and repeating included; of a file, until it began to come.",
            ("backend", "operation"),
            CALL_SECONDS,
        )
        self._queue_seconds = Distributions(
            "postroom_vendor_queue_seconds", "What calls waited for their turn.", ("backend",), QUEUE_SECONDS
        )
        self._of_call: dict[tuple[str, str, str, str], tuple[Count, Distribution, Distribution]] = {}
        self._retries = Counts("postroom_vendor_retries", "Attempts after the first.", ("backend",))
        self._shared = Counts("postroom_vendor_shared_calls", "Calls that took another's answer.", ("backend",))
        self._operations = Distributions(
            "postroom_graphql_operation_seconds",
            "GraphQL operations; of a subscription, how long it was followed.",
            ("kind", "outcome"),
            OPERATION_SECONDS,
        )
        self._plans = Counts("postroom_engine_plans", "Operations executed by a plan, known or made new.", ("known",))
        self._fallbacks = Counts("postroom_engine_fallbacks", "Operations left to the interpreter.", ("reason",))
        for family in (
            self._calls,
            self._call_seconds,
            self._queue_seconds,
            self._retries,
            self._shared,
            self._operations,
            self._plans,
            self._fallbacks,
        ):
            registry.register(family)
        self._transactions = Histogram(
            "postroom_ledger_transaction_seconds",
            "Transactions of the ledger, waiting included.",
            ("kind", "outcome"),
            buckets=TRANSACTION_SECONDS,
            registry=registry,
        )
        self._items = Counter(
            "postroom_dispatch_items",
            "Items of dispatches, by the state they were brought to.",
            ("state",),
            registry=registry,
        )

    def watch(self, backends: Iterable[Backend]) -> None:
        """Shows how these backends stand."""
        self._backends.backends = tuple(backends)

    def call_ended(self, call: Call, seconds: float) -> None:
        """Counts a call of a vendor."""
        backend, operation = call.info.backend, call.info.operation
        cache = "none" if call.cache is None else call.cache.value.lower()
        outcome = "none" if call.outcome is None else call.outcome._value_  # which `value` looks up
        key = (backend, operation, outcome, cache)
        known = self._of_call.get(key)
        if known is None:
            calls, lasting = self._calls.of(*key), self._call_seconds.of(backend, operation)
            known = self._of_call[key] = (calls, lasting, self._queue_seconds.of(backend))
        calls, lasting, queueing = known
        calls.inc()
        lasting.observe(seconds)
        queueing.observe(call.queued)
        if call.attempts > 1:
            self._retries.of(backend).inc(call.attempts - 1)
        if call.shared:
            self._shared.of(backend).inc()

    def operation_ended(self, kind: str, outcome: str, seconds: float) -> None:
        """Counts a GraphQL operation."""
        self._operations.of(kind, outcome).observe(seconds)

    def planned(self, *, known: bool) -> None:
        """Counts an operation that is executed by a plan."""
        self._plans.of("yes" if known else "no").inc()

    def fell_back(self, reason: str) -> None:
        """Counts an operation that is not."""
        self._fallbacks.of(reason).inc()

    def transaction_ended(self, kind: str, outcome: str, seconds: float) -> None:
        """Counts a transaction of the ledger."""
        self._transactions.labels(kind, outcome).observe(seconds)

    def items_became(self, state: str, count: int = 1) -> None:
        """Counts items of dispatches that were brought to a state."""
        if count:
            self._items.labels(state).inc(count)
