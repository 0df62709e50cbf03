"""How many calls a query costs at each vendor, exactly, counted where they arrive. Sign-ins are not counted."""

import asyncio
from typing import Any

from adapters.sandbox_server import SandboxServer
from adapters.sandboxing import Sandbox
from tests.end_to_end.stage import Reply, Stage, configured, id_of, staged
from tests.patience import PATIENCE

CUSTOMERS = """query ($backend: String!) {
  customers(first: 50, backends: [$backend]) {
    nodes {
      id code name
      documents(first: 5) { nodes { id title date } }
      templates(first: 25) { nodes { id emailTemplate { name } } }
      message { text }
    }
    problems { code }
  }
}"""


async def test_fifty_customers_with_all_that_hangs_on_them(stage: Stage) -> None:
    """One list of customers and one list of each kind; the first vendor alone has a list per customer."""
    counts: dict[str, int] = {}
    for backend in stage.sandboxes:
        reply = await stage.ask(CUSTOMERS, backend=backend)
        assert (reply.errors, reply.data["customers"]["problems"]) == ([], [])
        assert len(reply.data["customers"]["nodes"]) == 50
        counts |= reply.counts

    assert counts == {"billing-platform": 51, "kashflow": 1, "sage-intacct": 3, "smallinvoice": 2}


async def test_fifty_customers_where_the_tenant_may_be_read_whole(company: SandboxServer) -> None:
    async with staged(company, configured(company, billing_platform={"settings": {"list_whole": True}})) as stage:
        reply = await stage.ask(CUSTOMERS, backend="billing-platform")

    assert reply.lines("billing-platform") == [
        "GET /backend/api/v1/customers/",
        "GET /backend/api/v1/correspondence/",
    ]


DOCUMENTS = """query ($customers: [ID!], $after: String) {
  documents(customers: $customers, first: 100, after: $after, orderBy: {field: DATE, direction: DESC}) {
    nodes { id } pageInfo { endCursor hasNextPage } problems { code }
  }
}"""


async def _both_pages(stage: Stage, backend: str) -> list[Reply]:
    """The first page of fifty customers' documents, each of which has more of its own, and the next."""
    listed = await stage.ask(
        "query ($backend: String!) { customers(first: 50, backends: [$backend]) { nodes { id } } }", backend=backend
    )
    customers = [node["id"] for node in listed.data["customers"]["nodes"]]
    one = await stage.ask(DOCUMENTS, customers=customers)
    other = await stage.ask(DOCUMENTS, customers=customers, after=one.data["documents"]["pageInfo"]["endCursor"])
    return [one, other]


async def test_the_second_page_of_fifty_customers_documents_costs_what_the_first_does(stage: Stage) -> None:
    pages = await _both_pages(stage, "smallinvoice")

    found = [(reply.counts, len(reply.data["documents"]["nodes"])) for reply in pages]
    assert found == [({"smallinvoice": 1}, 100)] * 2


async def test_so_it_does_where_the_tenant_may_be_read_whole(company: SandboxServer) -> None:
    settings = configured(company, billing_platform={"settings": {"list_whole": True}})
    async with staged(company, settings) as stage:
        pages = await _both_pages(stage, "billing-platform")

    found = [(reply.counts, len(reply.data["documents"]["nodes"])) for reply in pages]
    assert found == [({"billing-platform": 1}, 100)] * 2


async def test_so_do_the_second_pages_of_many_customers_templates(stage: Stage) -> None:
    listed = await stage.ask(
        'query { customers(first: 50, backends: ["sage-intacct"]) { nodes { id templates(first: 1) {'
        " pageInfo { endCursor hasNextPage } } } } }"
    )
    nodes = [node for node in listed.data["customers"]["nodes"] if node["templates"]["pageInfo"]["hasNextPage"]]
    fields = [
        f'c{number}: customer(by: {{id: "{node["id"]}"}})'
        f' {{ templates(first: 1, after: "{node["templates"]["pageInfo"]["endCursor"]}") {{ nodes {{ id }} }} }}'
        for number, node in enumerate(nodes[:10])
    ]
    reply = await stage.ask(f"{{ {' '.join(fields)} }}")

    assert reply.errors == []
    assert [len(one["templates"]["nodes"]) for one in reply.data.values()] == [1] * len(fields)
    assert (len(fields), reply.counts) == (10, {"sage-intacct": 2})  # the customers, then their templates


class Watched:
    """An emulator that notes how many requests were with it at once."""

    def __init__(self, sandbox: Sandbox, enough: int) -> None:
        self._app = sandbox.app
        self._enough = enough
        self._full = asyncio.Event()
        self.under_way = self.most = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Keeps each request until as many are there as are waited for."""
        self.under_way += not scope["path"].endswith("/customers/")
        self.most = max(self.most, self.under_way)
        if self.under_way == self._enough:
            self._full.set()
        if self.under_way:
            await self._full.wait()
        await self._app(scope, receive, send)
        self.under_way -= not scope["path"].endswith("/customers/")


async def test_the_lists_of_fifty_customers_are_read_at_once_as_far_as_the_vendor_bears(
    company: SandboxServer,
) -> None:
    """No answer comes before eight requests are there: one after the other they would wait for ever."""
    watched = Watched(company.sandboxes["billing_platform"], enough=8)
    object.__setattr__(company.sandboxes["billing_platform"], "app", watched)
    try:
        async with staged(company) as stage, asyncio.timeout(PATIENCE):
            reply = await stage.ask(CUSTOMERS, backend="billing-platform")
    finally:
        object.__setattr__(company.sandboxes["billing_platform"], "app", watched._app)

    assert (len(reply.at("billing-platform")), watched.most) == (51, 8)


async def test_an_address_costs_a_call_per_customer_only_when_it_is_selected(stage: Stage) -> None:
    query = 'query {{ customers(first: 5, backends: ["sage-intacct"]) {{ nodes {{ code {} }} }} }}'
    plain = await stage.ask(query.format("name outstandingBalance currency"))
    emails = await stage.ask(query.format("emails"))

    assert (plain.counts, emails.counts) == ({"sage-intacct": 1}, {"sage-intacct": 6})
    assert [call.method for call in emails.at("sage-intacct")] == ["POST", "GET", "GET", "GET", "GET", "GET"]


async def test_a_field_that_is_not_selected_costs_nothing(stage: Stage) -> None:
    reply = await stage.ask("{ customers(first: 10) { nodes { id } } }")

    assert reply.counts == {"billing-platform": 1, "kashflow": 1, "sage-intacct": 1, "smallinvoice": 1}


PAGE = """query ($backend: String!, $code: String!) {
  customer(by: {code: {backend: $backend, code: $code}}) {
    id name emails address { city }
    counterparts { id name }
    documents(first: 10) { nodes { title } }
    templates { nodes { emailTemplate { name subject } } }
    message { text }
  }
}"""


async def test_a_customers_page(stage: Stage) -> None:
    """Each other vendor is asked for the counterpart once."""
    counts = {}
    for backend in stage.sandboxes:
        reply = await stage.ask(PAGE, backend=backend, code="10001")
        assert reply.errors == []
        counts[backend] = reply.counts

    others = dict.fromkeys(stage.sandboxes, 1)
    assert {key: found | {key: 0} for key, found in counts.items()} == {key: others | {key: 0} for key in counts}
    own = {key: found[key] for key, found in counts.items()}
    # At Intacct: customer, its GET for the addresses, message, templates, and a GET for each of the two texts.
    assert own == {"billing-platform": 2, "kashflow": 1, "sage-intacct": 6, "smallinvoice": 2}


async def test_a_customers_timeline_with_counterparts(stage: Stage) -> None:
    reply = await stage.ask(
        "query ($ids: [ID!]) { documents(customers: $ids, withCounterparts: true, first: 20) {"
        " nodes { __typename title date } problems { code } } }",
        ids=[id_of("Customer", "kashflow", "10001")],
    )

    assert reply.data["documents"]["problems"] == []
    assert {node["__typename"] for node in reply.data["documents"]["nodes"]} == {"Correspondence", "Letter"}
    assert reply.counts == {"billing-platform": 2, "kashflow": 1, "sage-intacct": 1, "smallinvoice": 2}


async def test_nodes_of_one_type_are_read_together(stage: Stage) -> None:
    ids = [id_of("CustomerMessage", "sage-intacct", key) for key in (1, 2, 3)]
    ids += [id_of("CustomerEmailTemplate", "sage-intacct", key) for key in (1, 3)]
    reply = await stage.ask("query ($ids: [ID!]!) { nodes(ids: $ids) { id } }", ids=ids)

    assert [node["id"] for node in reply.data["nodes"]] == ids
    assert reply.counts == {"sage-intacct": 2}


async def test_lists_of_messages_and_templates_are_one_call_each(stage: Stage) -> None:
    reply = await stage.ask(
        "{ messages { nodes { code text status createdAt } } templates(first: 100) {"
        " nodes { customer { code } emailTemplate { name templateType } transactionDefinition { name } } } }"
    )

    assert reply.counts == {"sage-intacct": 3}  # messages, templates, and all of their customers together


async def test_a_record_that_many_fields_name_is_read_once(stage: Stage) -> None:
    reply = await stage.ask("{ letters(first: 30) { nodes { title customer { name } } } }")

    assert reply.counts == {"smallinvoice": 2}


async def test_a_list_costs_as_many_calls_as_its_rows_have_pages(company: SandboxServer) -> None:
    settings = configured(company, kashflow={"limits": {"page_size": 50}}, smallinvoice={"limits": {"page_size": 100}})
    async with staged(company, settings) as stage:
        reply = await stage.ask('{ customers(first: 500, backends: ["kashflow", "smallinvoice"]) { nodes { id } } }')

    assert len(reply.data["customers"]["nodes"]) == 483
    assert reply.counts == {"kashflow": 5, "smallinvoice": 3}
