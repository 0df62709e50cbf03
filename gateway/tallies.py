"""Counters and histograms of one event loop: what happens thousands of times a second is counted at next to no cost.

Prometheus' own are for threads, and take a lock for each number that they change. These are read by the same registry
and tell the same. They may be changed by the event loop's thread alone.
"""

import math
import time
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Generic, TypeVar

from prometheus_client.metrics_core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

__all__ = ["Count", "Counts", "Distribution", "Distributions"]

T = TypeVar("T")


class Count:
    """How often something happened."""

    __slots__ = ("created", "value")

    def __init__(self) -> None:
        self.value = 0.0
        self.created = time.time()

    def inc(self, by: float = 1) -> None:
        """Counts it."""
        self.value += by


class Distribution:
    """How often each size occurred, by the least bound that is not below it."""

    __slots__ = ("_bounds", "counts", "created", "sum")

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.sum = 0.0
        self.created = time.time()

    def observe(self, size: float) -> None:
        """Counts one of this size."""
        self.counts[bisect_left(self._bounds, size)] += 1
        self.sum += size


class _Family(Collector, Generic[T]):
    """One metric, and what was counted under each of its labels' values."""

    def __init__(self, name: str, documentation: str, labels: Sequence[str]) -> None:
        self._name = name
        self._documentation = documentation
        self._labels = tuple(labels)
        self._children: dict[tuple[str, ...], T] = {}

    def of(self, *values: str) -> T:
        """What is counted under these values of the labels."""
        child = self._children.get(values)
        if child is None:
            child = self._children[values] = self._new()
        return child

    def describe(self) -> Iterator[Metric]:
        """The metric without its values."""
        return iter((self._metric(),))

    def _new(self) -> T:
        raise NotImplementedError

    def _metric(self) -> Metric:
        raise NotImplementedError


class Counts(_Family[Count]):
    """A counter."""

    def collect(self) -> Iterator[Metric]:
        """The metric as it is now."""
        metric = self._metric()
        for values, child in self._children.items():
            metric.add_metric(values, child.value, created=child.created)
        yield metric

    def _new(self) -> Count:
        return Count()

    def _metric(self) -> CounterMetricFamily:
        return CounterMetricFamily(self._name, self._documentation, labels=self._labels)


class Distributions(_Family[Distribution]):
    """A histogram. ``bounds`` are those of its buckets, from the least on."""

    def __init__(self, name: str, documentation: str, labels: Sequence[str], bounds: Sequence[float]) -> None:
        super().__init__(name, documentation, labels)
        self._bounds = tuple(bounds)
        self._told: list[str] = [floatToGoString(bound) for bound in (*bounds, math.inf)]  # type: ignore[no-untyped-call]

    def collect(self) -> Iterator[Metric]:
        """The metric as it is now."""
        metric = self._metric()
        for values, child in self._children.items():
            metric.add_metric(values, [*zip(self._told, map(float, accumulate(child.counts)), strict=True)], child.sum)
            metric.add_sample(f"{self._name}_created", dict(zip(self._labels, values, strict=True)), child.created)
        yield metric

    def _new(self) -> Distribution:
        return Distribution(self._bounds)

    def _metric(self) -> HistogramMetricFamily:
        return HistogramMetricFamily(self._name, self._documentation, labels=self._labels)
