"""Any backend may be down: the others answer, the missing ones are named, and nothing is lost or shown twice."""

import itertools
from typing import Any

import pytest

from adapters.sandbox_server import SandboxServer
from tests.end_to_end.stage import Stage, configured, staged

KEYS = ("billing-platform", "kashflow", "sage-intacct", "smallinvoice")
SOME = [down for count in (1, 2, 3, 4) for down in itertools.combinations(KEYS, count)]
CUSTOMERS = (
    "query ($after: String, $first: Int!) { customers(first: $first, after: $after) { nodes { id backend { key } }"
    " pageInfo { hasNextPage endCursor } problems { code backend retryable } } }"
)


def bring_down(stage: Stage, keys: tuple[str, ...], **fault: Any) -> None:
    for key in keys:
        stage.fault(key, times=None, **fault)


@pytest.mark.parametrize("down", SOME, ids="+".join)
async def test_the_others_answer_and_each_missing_one_is_named(stage: Stage, down: tuple[str, ...]) -> None:
    bring_down(stage, down, kind="reset_before")
    data = await stage.data(CUSTOMERS, first=500)

    customers = data["customers"]
    assert {node["backend"]["key"] for node in customers["nodes"]} == set(KEYS) - set(down)
    assert customers["problems"] == [{"code": "UNAVAILABLE", "backend": key, "retryable": True} for key in down]
    assert customers["pageInfo"]["hasNextPage"]


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ({"kind": "reset_after"}, "UNAVAILABLE"),
        ({"kind": "status", "status": 500}, "UNAVAILABLE"),
        ({"kind": "status", "status": 429, "retry_after": 5}, "RATE_LIMITED"),
        ({"kind": "garbage"}, "MALFORMED_RESPONSE"),
    ],
)
async def test_a_backend_may_be_down_in_many_ways(stage: Stage, fault: dict[str, Any], code: str) -> None:
    down = ("kashflow", "smallinvoice")
    await stage.data(CUSTOMERS, first=1)  # signed in
    bring_down(stage, down, **fault)
    data = await stage.data(CUSTOMERS, first=10)

    assert [(one["code"], one["backend"]) for one in data["customers"]["problems"]] == [(code, key) for key in down]


async def test_a_backend_that_is_too_slow_times_out_alone(company: SandboxServer) -> None:
    async with staged(company, configured(company, sage_intacct={"timeout": 0.2})) as stage:
        bring_down(stage, ("sage-intacct",), kind="hold")
        data = await stage.data(CUSTOMERS, first=500)

    assert data["customers"]["problems"] == [{"code": "TIMEOUT", "backend": "sage-intacct", "retryable": True}]
    assert {node["backend"]["key"] for node in data["customers"]["nodes"]} == set(KEYS) - {"sage-intacct"}


async def walk(stage: Stage, query: str, field: str, first: int, failing: dict[int, tuple[str, ...]]) -> list[str]:
    """All ids, page after page; before the ``n``-th page the backends that ``failing`` names are brought down."""
    found: list[str] = []
    after = None
    for number in range(500):
        stage.clear_faults()
        bring_down(stage, failing.get(number, ()), kind="status", status=503)
        page = (await stage.data(query, first=first, after=after))[field]
        assert {one["backend"] for one in page["problems"]} <= set(failing.get(number, ()))
        found += [node["id"] for node in page["nodes"]]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            return found
    raise AssertionError("the list has no end")


FAILING: dict[int, tuple[str, ...]] = {
    0: ("kashflow",),
    1: KEYS,
    3: ("billing-platform", "smallinvoice"),
    6: ("sage-intacct",),
}


@pytest.mark.parametrize("failing", [{}, FAILING], ids=["all up", "some down"])
async def test_paging_shows_every_customer_once_whatever_fails_in_between(stage: Stage, failing: Any) -> None:
    ids = await walk(stage, CUSTOMERS, "customers", 90, failing)

    assert (len(ids), len(set(ids))) == (963, 963)


DOCUMENTS = (
    "query ($after: String, $first: Int!) { documents(first: $first, after: $after) { nodes { id date }"
    " pageInfo { hasNextPage endCursor } problems { code backend } } }"
)


@pytest.mark.parametrize("failing", [{}, {1: ("smallinvoice",), 3: ("billing-platform",)}], ids=["all up", "some down"])
async def test_paging_the_timeline_shows_every_document_once(stage: Stage, failing: Any) -> None:
    ids = await walk(stage, DOCUMENTS, "documents", 300, failing)

    assert (len(ids), len(set(ids))) == (1222 + 960, 1222 + 960)


async def test_one_backend_down_nulls_its_own_fields_only(stage: Stage) -> None:
    """A customer of a backend that is up keeps its fields; what hangs on one that is down is null."""
    query = (
        '{ customers(first: 3, backends: ["smallinvoice"]) { nodes { name counterparts { name backend { key } }'
        " documents { nodes { title } } } } }"
    )
    await stage.data(query)
    bring_down(stage, ("kashflow",), kind="status", status=500)
    reply = await stage.ask(query)

    for node in reply.data["customers"]["nodes"]:
        assert node["name"]
        assert node["documents"]["nodes"] is not None
        assert [one and one["backend"]["key"] for one in node["counterparts"]] == [
            "billing-platform",
            None,
            "sage-intacct",
        ]
    assert {error["extensions"]["code"] for error in reply.errors} == {"UNAVAILABLE"}
    assert {error["extensions"]["backend"] for error in reply.errors} == {"kashflow"}
    assert len(reply.errors) == 3


async def test_a_list_that_fails_below_a_customer_is_null_with_one_incident(stage: Stage) -> None:
    query = '{ customers(first: 3, backends: ["smallinvoice"]) { nodes { name letters { nodes { title } } } } }'
    stage.fault("smallinvoice", kind="status", status=500, route="GET /letter/list/*", times=None)
    reply = await stage.ask(query)

    assert [node["letters"] for node in reply.data["customers"]["nodes"]] == [None] * 3
    assert len({error["extensions"]["incident"] for error in reply.errors}) == 1
    assert [error["path"][-1] for error in reply.errors] == ["letters"] * 3
