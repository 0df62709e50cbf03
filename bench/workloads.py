"""What is asked: each workload's document and variables, what it must be answered, and what it costs at the vendor."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from bench.records import CUSTOMERS, Tenant

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

    ``calls`` is how many of the vendor's calls one operation needs.
    """

    name: str
    title: str
    document: str
    questions: Callable[[int], list[Question]]
    connections: int
    calls: int


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
    return _with_documents(backend, "letters", Tenant.letters_answer)


def _with_correspondence(client: int) -> list[Question]:
    return _with_documents(BILLING[client % TENANTS], "correspondence", Tenant.all_correspondence_answer)


def _with_documents(backend: str, field: str, of_customer: Callable[[Tenant, int], list[Any]]) -> list[Question]:
    tenant = Tenant(backend)
    nodes = [
        {**tenant.customer_answer(number), field: {"nodes": of_customer(tenant, number)}} for number in range(CUSTOMERS)
    ]
    return [Question({"backend": backend}, {"customers": {"nodes": nodes}})]


def listed_letters(backend: str, count: int) -> list[Question]:
    """The first letters of a backend's, as one list."""
    tenant = Tenant(backend)
    nodes = [tenant.letter_answer(place) for place in range(count)]
    return [Question({"backend": backend}, {"letters": {"nodes": nodes}})]


def _asked_of_each(
    name: str, title: str, document: str, questions: Callable[[int], list[Question]], *, calls: int
) -> Workload:
    """What a client for each tenant asks."""
    return Workload(name=name, title=title, document=document, questions=questions, connections=TENANTS, calls=calls)


def _list_of_letters(
    name: str, title: str, document: str, asked: Callable[[], list[Question]], *, clients: int, calls: int
) -> Workload:
    return Workload(
        name=name, title=title, document=document, questions=lambda _: asked(), connections=clients, calls=calls
    )


def _with_letters_of(tenants: Sequence[str]) -> Callable[[int], list[Question]]:
    return lambda client: _with_letters(tenants[client % len(tenants)])


_W2_ALL = _asked_of_each(
    "W2", "50 customers with 5 documents each, by a batch", _W2, _with_letters_of(LETTER_TENANTS), calls=2
)
_ALL = (
    _asked_of_each("W1", "one customer by id", _W1, _one_customer, calls=1),
    _W2_ALL,
    _asked_of_each(
        "W3", "50 customers with 5 documents each, by one call a customer", _W3, _with_correspondence, calls=51
    ),
    msgspec.structs.replace(
        _W2_ALL,
        name="W4",
        title=f"W2 at vendors that take {SLOW_MILLISECONDS} ms, {SLOW_TENANTS} clients at once",
        document=_W2.replace("W2", "W4"),
        questions=_with_letters_of(SLOW),
        connections=SLOW_TENANTS,
    ),
    _asked_of_each("W5", "`__typename`", _W5, lambda _: [Question({}, {"__typename": "Query"})], calls=0),
    _list_of_letters("W8", "5,000 letters in one list", _W8, lambda: listed_letters(MANY, 5000), clients=1, calls=5),
)


def hot_page(backend: str) -> Workload:
    """W7: what 64 clients ask for at once, all of one backend. Where answers are kept each is hot only once."""
    title = "a page that 64 clients ask for at once"
    return _list_of_letters("W7", title, _W7, lambda: listed_letters(backend, 50), clients=64, calls=1)


WORKLOADS: Mapping[str, Workload] = {workload.name: workload for workload in _ALL}
