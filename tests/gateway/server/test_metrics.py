"""``/metrics``: what a gateway counts of its own, in labels that nobody outside can make more of."""

import asyncio

import pytest

from adapters.errors import Unavailable
from gateway.app import Gateway
from gateway.metrics import Metrics
from tests.gateway.asking import gateway_over
from tests.gateway.fakes import fake
from tests.gateway.records import customer
from tests.gateway.server.endpoint import endpoint, posted, usual
from tests.gateway.server.test_leaving import Held, hang_up, shelf
from tests.gateway.serving import routes_of, serving
from tests.patience import PATIENCE


def value(gateway: Gateway, name: str, **labels: str) -> float | None:
    return gateway.watch.metrics.registry.get_sample_value(name, labels)


def operations(gateway: Gateway) -> dict[tuple[str, str], float]:
    """How many operations of each kind came to what."""
    (found,) = [one for one in gateway.watch.metrics.registry.collect() if one.name.startswith("postroom_graphql")]
    return {
        (sample.labels["kind"], sample.labels["outcome"]): sample.value
        for sample in found.samples
        if sample.name.endswith("_count")
    }


async def test_metrics_are_read_as_text() -> None:
    async with endpoint() as client:
        answer = await client.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert 'postroom_backend_health{backend="a",state="UNKNOWN"} 1.0' in answer.text


async def test_metrics_are_read_as_openmetrics_by_who_takes_them() -> None:
    async with endpoint() as client:
        answer = await client.get("/metrics", headers={"Accept": "application/openmetrics-text; version=1.0.0"})
    assert answer.headers["content-type"].startswith("application/openmetrics-text; version=1.0.0")
    assert answer.text.endswith("# EOF\n")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
async def test_metrics_are_only_read(method: str) -> None:
    async with endpoint() as client:
        assert (await client.request(method, "/metrics")).status_code == 405


def test_two_gateways_in_one_process_count_for_themselves() -> None:
    one, other = Metrics(), Metrics()
    one.items_became("ACCEPTED", 3)
    found = [
        each.registry.get_sample_value("postroom_dispatch_items_total", {"state": "ACCEPTED"}) for each in (one, other)
    ]
    assert found == [3.0, None]


@pytest.mark.parametrize(
    ("query", "kind", "outcome"),
    [
        ("{ backends { key } }", "query", "ok"),
        ("query Anybody4711 { backends { key } }", "query", "ok"),
        ('{ node(id: "nobody") { id } }', "query", "ok"),
        ("{ nothing }", "unknown", "refused"),
        ("{", "unknown", "refused"),
        (
            'mutation { createMessage(input: {backend: "b", code: "X", text: "Y"}) { problems { code } } }',
            "mutation",
            "ok",
        ),
        ("query ($n: Int!) { customers(first: $n) { nodes { id } } }", "query", "errors"),
    ],
)
async def test_an_operation_is_counted_by_its_kind_and_what_it_came_to(query: str, kind: str, outcome: str) -> None:
    gateway = usual()
    async with endpoint(gateway) as client:
        await posted(client, query)
    assert operations(gateway) == {(kind, outcome): 1.0}


@pytest.mark.parametrize(
    ("accept", "counted"),
    [("text/event-stream", ("subscription", "errors")), ("application/json", ("subscription", "refused"))],
)
async def test_a_subscription_fails_or_is_refused(accept: str, counted: tuple[str, str]) -> None:
    gateway = usual()
    async with endpoint(gateway) as client:
        await posted(client, 'subscription { dispatchProgress(id: "x") { id } }', accept)
    assert operations(gateway) == {counted: 1.0}


async def test_an_operation_with_a_failed_field_has_errors_whatever_it_answers_beside_them() -> None:
    broken = fake("a", customers=[customer("a", "1")])
    broken.behaviour.lasting["customers.by_code"] = Unavailable("Away.", backend="a")
    gateway = gateway_over(broken)
    async with endpoint(gateway) as client:
        await posted(client, '{ backends { key } customer(by: {code: {backend: "a", code: "1"}}) { id } }')
    assert operations(gateway) == {("query", "errors"): 1.0}


async def test_a_field_that_fails_later_counts_too() -> None:
    broken = shelf()
    broken.behaviour.lasting["letters.of_customers"] = Unavailable("Away.", backend="a")
    gateway = gateway_over(broken)
    query = "{ customers { nodes { name ... @defer { letters { nodes { title } } } } } }"
    async with endpoint(gateway) as client:
        await posted(client, query, "multipart/mixed")
    assert operations(gateway) == {("query", "errors"): 1.0}


async def test_what_is_no_request_is_no_operation() -> None:
    gateway = usual()
    async with endpoint(gateway) as client:
        await client.post("/graphql", content=b"{", headers={"Content-Type": "application/json"})
    assert operations(gateway) == {}


async def test_no_label_holds_what_a_caller_wrote() -> None:
    gateway = usual()
    async with endpoint(gateway) as client:
        await posted(client, "query Marker4711 { backends { key } }")
        await posted(client, '{ customers(backends: ["Marker4711"]) { nodes { id } } }')
        await posted(client, "{ backends { key } }", operation_name="Marker4711")
        text = (await client.get("/metrics")).text
    assert "4711" not in text


async def test_how_a_backend_stands_is_read_when_somebody_asks() -> None:
    gateway = usual()
    (backend,) = gateway.backends
    permit = await backend.limiter.acquire(write=False, seconds=1)
    assert value(gateway, "postroom_backend_permits_in_use", backend="a") == 1.0
    backend.limiter.release(permit)
    assert value(gateway, "postroom_backend_permits_in_use", backend="a") == 0.0
    assert value(gateway, "postroom_backend_queued", backend="a") == 0.0


async def test_an_open_breaker_is_shown() -> None:
    gateway = usual()
    (backend,) = gateway.backends
    backend.health.leaves_alone("sending", left=True)
    resting = [value(gateway, "postroom_backend_rests", backend="a", what=what) for what in ("reading", "sending")]
    assert resting == [0.0, 1.0]


async def test_a_client_that_leaves_is_counted_as_such() -> None:
    slow = shelf()
    held = Held(slow, "customers.page")
    gateway = gateway_over(slow)
    async with asyncio.timeout(PATIENCE), serving(routes_of(gateway)) as address:
        await hang_up(address, "{ customers { nodes { name } } }", held)
        await held.cancelled.wait()
    assert operations(gateway) == {("query", "left"): 1.0}
