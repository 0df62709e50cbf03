"""What is asked of backends is never more than the cost says: of queries made up at random."""

from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from gateway.app import Gateway
from gateway.documents.preparing import Documents
from gateway.schema.costs import field_costs
from tests.gateway.asking import MAX_PAGE, gateway_over, gid
from tests.gateway.documents.test_cost import EVERYTHING
from tests.gateway.fakes import Fake, fake
from tests.gateway.records import correspondence, customer, letter, message, template

KEYS = ("a", "b", "c")
CUSTOMERS = [str(number) for number in range(1, 5)]


def backend(key: str) -> Fake:
    """A backend whose lists carry nothing that could cost a call."""
    return fake(
        key,
        customers=[customer(key, one, message_id=f"m{one}") for one in CUSTOMERS],
        correspondence=[correspondence(key, f"c{one}{n}", one) for one in CUSTOMERS for n in range(3)],
        letters=[letter(key, f"l{one}{n}", one) for one in CUSTOMERS for n in range(2)],
        templates=[template(key, f"t{one}{n}", one) for one in CUSTOMERS for n in range(2)],
        messages=[message(key, f"m{one}") for one in CUSTOMERS],
        shares_codes_with=[other for other in KEYS if other != key],
    )


FIRST = st.sampled_from(["", "(first: 1)", "(first: 2)", "(first: 3)"])
IDS = st.lists(st.sampled_from([gid("Customer", key, one) for key in KEYS for one in CUSTOMERS]), max_size=3)
OF_TEMPLATE = st.sampled_from(["id", "raw", "emailTemplate { name }", "emailTemplate { subject body }"])


def selected(fields: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """A selection of some of these, aliased apart so that arguments never conflict."""

    def aliased(chosen: list[str]) -> str:
        return "{ " + " ".join(f"f{place}: {one}" for place, one in enumerate(chosen)) + " }"

    return st.lists(fields, min_size=1, max_size=3).map(aliased)


def connection(name: str, nodes: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """A list of records, as nodes or as edges."""
    form = st.sampled_from(["nodes {}", "edges {{ node {} }}", "totalCount alias: nodes {}"])
    return st.builds(lambda first, form, nodes: f"{name}{first} {{ {form.format(nodes)} }}", FIRST, form, nodes)


def of_customer(below: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """What is selected of a customer; ``below`` of the customers below it."""
    documents = selected(st.one_of(st.sampled_from(["id", "raw", "title"]), below.map(lambda one: f"customer {one}")))
    return selected(
        st.one_of(
            st.sampled_from(["id", "emails", "address { city }", "currency", "raw", "message { text raw }"]),
            connection("templates", selected(OF_TEMPLATE)),
            connection("documents", documents),
            connection("letters", documents),
            connection("correspondence", documents),
            below.map(lambda one: f"counterparts {one}"),
        )
    )


CUSTOMER = of_customer(of_customer(selected(st.sampled_from(["id", "emails"]))))
NAMED = IDS.map(lambda ids: "[" + ", ".join(f'"{one}"' for one in ids) + "]")
DOCUMENT = selected(st.one_of(st.sampled_from(["id", "raw"]), CUSTOMER.map(lambda one: f"customer {one}")))
ROOT = st.one_of(
    connection("customers", CUSTOMER),
    st.builds(lambda one: f'customers(first: 2, backends: ["a", "b"]) {{ nodes {one} }}', CUSTOMER),
    connection("documents", DOCUMENT),
    connection("letters", DOCUMENT),
    st.builds(lambda ids, one: f"nodes(ids: {ids}) {{ ... on Customer {one} }}", NAMED, CUSTOMER),
    st.builds(
        lambda ids, also, one: f"documents(customers: {ids}, withCounterparts: {also}) {{ nodes {one} }}",
        NAMED,
        st.sampled_from(["true", "false"]),
        DOCUMENT,
    ),
    st.builds(lambda one: f'customer(by: {{code: {{backend: "a", code: "C-1"}}}}) {one}', CUSTOMER),
    connection("messages", st.just("{ text raw }")),
    connection("templates", selected(OF_TEMPLATE)),
)
QUERIES = st.lists(ROOT, min_size=1, max_size=2).map(
    lambda roots: "{ " + " ".join(f"r{place}: {one}" for place, one in enumerate(roots)) + " }"
)


@pytest.fixture(scope="module")
def fakes() -> list[Fake]:
    return [backend(key) for key in KEYS]


async def asked(gateway: Gateway, fakes: list[Fake], query: str) -> tuple[int, int, list[Any]]:
    """The cost of a query, how many reads its backends were asked for, and its errors."""
    for one in fakes:
        one.behaviour.calls.clear()
    context = gateway.context()
    schema = gateway.schema.core
    documents = Documents(schema, field_costs(schema), EVERYTHING, most_records=MAX_PAGE)
    cost = documents.prepared(query).operation(None).cost.total(None, len(context.backends))
    result = await gateway.schema.execute(query, context_value=context)
    reads = sum(max(1, len(call.keys)) for one in fakes for call in one.behaviour.calls)
    return cost, reads, result.errors or []


@settings(max_examples=100, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
@given(query=QUERIES)
async def test_no_query_asks_for_more_reads_than_it_costs(fakes: list[Fake], query: str) -> None:
    gateway = gateway_over(*fakes)
    cost, reads, errors = await asked(gateway, fakes, query)
    assert errors == []
    assert reads <= cost


async def test_a_query_whose_lists_are_full_asks_for_as_much_as_it_costs(fakes: list[Fake]) -> None:
    query = "{ customers(first: 12) { nodes { emails correspondence(first: 3) { nodes { raw } } } } }"
    cost, reads, errors = await asked(gateway_over(*fakes), fakes, query)
    assert (cost, reads, errors) == (3 + 12 * (1 + 1 + 3), 3 + 12 * (1 + 1 + 3), [])
