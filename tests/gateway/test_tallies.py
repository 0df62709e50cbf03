"""What is counted without locks is told as Prometheus' own library tells what it counts."""

from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics.exposition import generate_latest

from gateway.tallies import Counts, Distributions

BOUNDS = (0.01, 0.5, 2.0, 30.0)
LABELS = st.tuples(st.sampled_from(("a", "b")), st.sampled_from(("c", "d")))
SIZES = st.sampled_from((0.0, 0.005, 0.01, 0.010001, 0.5, 1.0, 29.0, 30.0, 31.0))


def told(
    families: Iterable[Metric],
) -> list[tuple[str, str, str, dict[tuple[str, tuple[tuple[str, str], ...]], float]]]:
    """What is told, but for when it was begun."""
    return [
        (
            family.name,
            family.documentation,
            family.type,
            {
                (one.name, tuple(sorted(one.labels.items()))): 0.0 if one.name.endswith("_created") else one.value
                for one in family.samples
            },
        )
        for family in families
    ]


@given(st.lists(st.tuples(LABELS, SIZES), max_size=8))
def test_a_histogram_is_prometheus_own(observed: list[tuple[tuple[str, str], float]]) -> None:
    registry, ours = CollectorRegistry(), Distributions("seconds", "What it took.", ("one", "other"), BOUNDS)
    theirs = Histogram("seconds", "What it took.", ("one", "other"), buckets=BOUNDS, registry=registry)
    for labels, size in observed:
        ours.of(*labels).observe(size)
        theirs.labels(*labels).observe(size)
    assert told(ours.collect()) == told(registry.collect())


@given(st.lists(st.tuples(LABELS, st.sampled_from((1, 3))), max_size=8))
def test_a_counter_is_prometheus_own(counted: list[tuple[tuple[str, str], int]]) -> None:
    registry, ours = CollectorRegistry(), Counts("calls", "How many.", ("one", "other"))
    theirs = Counter("calls", "How many.", ("one", "other"), registry=registry)
    for labels, by in counted:
        ours.of(*labels).inc(by)
        theirs.labels(*labels).inc(by)
    assert told(ours.collect()) == told(registry.collect())


def test_a_registry_writes_them_as_openmetrics() -> None:
    registry = CollectorRegistry()
    ours = Distributions("seconds", "What it took.", ("one",), (0.5,))
    registry.register(ours)
    ours.of("a").observe(0.25)
    ours.of("a").created = 0.0
    assert generate_latest(registry).decode().splitlines() == [  # type: ignore[no-untyped-call]
        "# HELP seconds What it took.",
        "# TYPE seconds histogram",
        'seconds_bucket{le="0.5",one="a"} 1.0',
        'seconds_bucket{le="+Inf",one="a"} 1.0',
        'seconds_count{one="a"} 1.0',
        'seconds_sum{one="a"} 0.25',
        'seconds_created{one="a"} 0.0',
        "# EOF",
    ]
