"""What is asked: each workload's document and variables, what it must be answered, and what it costs at the vendor."""

from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct

from bench.records import CORRESPONDENCE, CUSTOMERS, LETTERS, Tenant

__all__ = [
    "BILLING",
    "HOT",
    "LETTER_TENANTS",
    "MANY",
    "SLOW",
    "WORKLOADS",
    "Question",
    "Workload",
    "backends",
    "hot_page",
    "listed_letters",
]

TENANTS = 16
SLOW_TENANTS = 64
SLOW_MILLISECONDS = 80
"""What the quickest of the vendors' users report."""

BILLING = tuple(f"billing-{number}" for number in range(TENANTS))
LETTER_TENANTS = tuple(f"letters-{number}" for number in range(TENANTS))
SLOW = tuple(f"slow-{number}" for number in range(SLOW_TENANTS))
HOT = tuple(f"hot-{number}" for number in range(8))
MANY = "many"
"""Backends by key: tenants of the vendor of correspondence, and of that of letters."""


class Question(Struct, frozen=True):
    """One request's variables, and the data that it must be answered with."""

    variables: Mapping[str, Any]
    data: Any


class Workload(Struct, frozen=True, kw_only=True):
    """One kind of request. ``connections`` clients ask at once, each at a tenant of its own, so that nobody can share.

    ``calls`` is how many of the vendor's calls one operation needs, ``levels`` how many one after another.
    """

    name: str
    title: str
    document: str
    questions: Callable[[int], list[Question]]
    connections: int
    calls: int
    levels: int = 0


def backends(port: int) -> dict[str, str]:
    """Each backend's base URL at the stand-in."""
    urls = {key: f"http://127.0.0.1:{port}/0/{key}" for key in (*BILLING, *LETTER_TENANTS, MANY)}
    return urls | {key: f"http://127.0.0.1:{port}/{SLOW_MILLISECONDS}/{key}" for key in (*SLOW, *HOT)}


_W1 = """query W1($backend: String!, $id: String!) {
  customer(by: {nativeId: {backend: $backend, nativeId: $id}}) { nativeId code name emails }
}"""

_W2 = """query W2($backend: String!) {
  customers(first: 50, backends: [$backend]) {
    nodes { nativeId code name emails letters(first: 5) { nodes { nativeId date title state } } }
  }
}"""

_W3 = """query W3($backend: String!) {
  customers(first: 50, backends: [$backend]) {
    nodes { nativeId code name emails correspondence(first: 5) { nodes { nativeId date title state } } }
  }
}"""

_W5 = "query W5 { __typename }"

_W7 = """query W7($backend: String!) {
  letters(first: 50, backends: [$backend]) { nodes { nativeId date title state } }
}"""

_W8 = """query W8($backend: String!) {
  letters(first: 5000, backends: [$backend]) { nodes { nativeId date title state } }
}"""


def _one_customer(client: int) -> list[Question]:
    backend = BILLING[client % TENANTS]
    tenant = Tenant(backend)
    return [
        Question({"backend": backend, "id": str(1000 + number)}, {"customer": tenant.customer_answer(number)})
        for number in range(CUSTOMERS)
    ]


def _with_letters(backend: str) -> list[Question]:
    tenant = Tenant(backend)
    nodes = []
    for number in range(CUSTOMERS):
        letters = [tenant.letter_answer(number + turn * CUSTOMERS) for turn in range(LETTERS)]
        nodes.append({**tenant.customer_answer(number), "letters": {"nodes": letters}})
    return [Question({"backend": backend}, {"customers": {"nodes": nodes}})]


def _with_correspondence(client: int) -> list[Question]:
    backend = BILLING[client % TENANTS]
    tenant = Tenant(backend)
    nodes = []
    for number in range(CUSTOMERS):
        documents = [tenant.correspondence_answer(number, place) for place in range(CORRESPONDENCE)]
        nodes.append({**tenant.customer_answer(number), "correspondence": {"nodes": documents}})
    return [Question({"backend": backend}, {"customers": {"nodes": nodes}})]


def listed_letters(backend: str, count: int) -> list[Question]:
    """The first letters of a backend's, as one list."""
    tenant = Tenant(backend)
    nodes = [tenant.letter_answer(place) for place in range(count)]
    return [Question({"backend": backend}, {"letters": {"nodes": nodes}})]


_ALL = (
    Workload(
        name="W1",
        title="one customer by id",
        document=_W1,
        questions=_one_customer,
        connections=TENANTS,
        calls=1,
        levels=1,
    ),
    Workload(
        name="W2",
        title="50 customers with 5 documents each, by a batch",
        document=_W2,
        questions=lambda client: _with_letters(LETTER_TENANTS[client % TENANTS]),
        connections=TENANTS,
        calls=2,
        levels=2,
    ),
    Workload(
        name="W3",
        title="50 customers with 5 documents each, by one call a customer",
        document=_W3,
        questions=_with_correspondence,
        connections=TENANTS,
        calls=51,
        levels=2,
    ),
    Workload(
        name="W4",
        title=f"W2 at vendors that take {SLOW_MILLISECONDS} ms, {SLOW_TENANTS} clients at once",
        document=_W2.replace("W2", "W4"),
        questions=lambda client: _with_letters(SLOW[client % SLOW_TENANTS]),
        connections=SLOW_TENANTS,
        calls=2,
        levels=2,
    ),
    Workload(
        name="W5",
        title="`__typename`",
        document=_W5,
        questions=lambda _: [Question({}, {"__typename": "Query"})],
        connections=TENANTS,
        calls=0,
    ),
    Workload(
        name="W8",
        title="5,000 letters in one list",
        document=_W8,
        questions=lambda _: listed_letters(MANY, 5000),
        connections=1,
        calls=5,
        levels=5,
    ),
)


def hot_page(backend: str) -> Workload:
    """W7: what 64 clients ask for at once, all of one backend. Where answers are kept each is hot only once."""
    return Workload(
        name="W7",
        title="a page that 64 clients ask for at once",
        document=_W7,
        questions=lambda _: listed_letters(backend, 50),
        connections=64,
        calls=1,
        levels=1,
    )


WORKLOADS: Mapping[str, Workload] = {workload.name: workload for workload in _ALL}
