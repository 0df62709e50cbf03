"""Reads by key, by code and by customer: what is asked on the wire, how often, and what comes of it."""

import pytest
from msgspec import UNSET

from adapters.contract import Adapter, Connection, Customers, Messages, Order, Templates, Vendor
from adapters.filters import Compare, Op
from adapters.model import Customer, EmailTemplate, Page
from adapters.sage_intacct import vendor
from tests.connecting import NOW, RunningSandbox, asking, connected
from tests.vendors.sage_intacct.watching import OBJECTS, QUERY, Watch

BASE_FIELDS = ["key", "id", "name", "status", "customerMessage.key"]
TEMPLATE_FIELDS = [
    "key",
    "customer.key",
    "txnDefinition.key",
    "txnDefinition.id",
    "emailTemplate.key",
    "emailTemplate.name",
    "emailTemplate.templateType",
]
BY_KEY = [{"key": "asc"}]
NOTHING: frozenset[str] = frozenset()


# ── By key and by code ───────────────────────────────────────────────────────────────────────────────────────────────


async def test_many_keys_are_one_query(sandbox: RunningSandbox, customers: Customers) -> None:
    keys = [one.native_id for one in (await customers.page(asking(50))).records]
    watch = Watch(sandbox)
    found = await customers.by_key([*keys, "999999"], frozenset({"currency"}))
    assert watch.bodies == [
        {
            "object": "accounts-receivable/customer",
            "fields": [*BASE_FIELDS, "currency"],
            "filters": [{"$in": {"key": [*keys, "999999"]}}],
            "filterParameters": {"includePrivate": True},
            "orderBy": BY_KEY,
            "start": 1,
            "size": 51,
        }
    ]
    assert {key: one and one.native_id for key, one in found.items() if not isinstance(one, Exception)} == {
        **{key: key for key in keys},
        "999999": None,
    }


async def test_keys_beyond_the_vendors_page_go_in_batches(sandbox: RunningSandbox) -> None:
    async with connected(vendor, sandbox, limits={"page_size": 20}) as adapter:
        assert adapter.customers is not None
        keys = [one.native_id for one in (await adapter.customers.page(asking(50))).records]
        watch = Watch(sandbox)
        found = await adapter.customers.by_key(keys, NOTHING)
        assert sorted(body["size"] for body in watch.bodies) == [10, 20, 20]
        assert [isinstance(found[key], Customer) for key in keys] == [True] * 50


async def test_an_address_costs_one_get_each_and_only_when_wanted(
    sandbox: RunningSandbox, customers: Customers
) -> None:
    keys = [one.native_id for one in (await customers.page(asking(3))).records]
    watch = Watch(sandbox)
    found = await customers.by_key([*keys, "999999"], frozenset({"emails"}))
    assert sorted(watch.lines) == sorted(
        f"GET {OBJECTS}accounts-receivable/customer/{key}" for key in [*keys, "999999"]
    )
    assert found["999999"] is None
    for key in keys:
        one = found[key]
        assert isinstance(one, Customer)
        assert isinstance(one.emails, tuple)
        assert one.raw is UNSET


async def test_raw_is_the_whole_record_as_it_came(customers: Customers) -> None:
    (key,) = [one.native_id for one in (await customers.page(asking(1))).records]
    one = (await customers.by_key([key], frozenset({"raw"})))[key]
    assert isinstance(one, Customer)
    assert isinstance(one.raw, dict)
    assert one.raw["href"] == f"/objects/accounts-receivable/customer/{key}"
    assert one.raw["customerRestriction"] == "unrestricted"


async def test_the_query_and_the_record_tell_the_same(customers: Customers) -> None:
    wanted = frozenset({"outstanding_balance", "currency", "message_id"})
    keys = [one.native_id for one in (await customers.page(asking(30))).records]
    queried, got = await customers.by_key(keys, wanted), await customers.by_key(keys, wanted | {"raw"})
    for key in keys:
        short, whole = queried[key], got[key]
        assert isinstance(short, Customer)
        assert isinstance(whole, Customer)
        for name in ("native_id", "code", "name", "status", "vendor_status", *wanted):
            assert (name, getattr(short, name)) == (name, getattr(whole, name))


async def test_codes_are_one_query_on_id(sandbox: RunningSandbox, customers: Customers) -> None:
    watch = Watch(sandbox)
    found = await customers.by_code(["10001", "10002", "no such", ""], NOTHING)
    assert [body["filters"] for body in watch.bodies] == [[{"$in": {"id": ["10001", "10002", "no such"]}}]]
    assert {code: one and getattr(one, "code", one) for code, one in found.items()} == {
        "10001": "10001",
        "10002": "10002",
        "no such": None,
        "": None,
    }


async def test_codes_with_an_address_cost_one_get_more_for_each_found(
    sandbox: RunningSandbox, customers: Customers
) -> None:
    watch = Watch(sandbox)
    found = await customers.by_code(["10001", "no such"], frozenset({"emails"}))
    assert len(watch.lines) == 2
    one = found["10001"]
    assert isinstance(one, Customer)
    assert one.emails != UNSET
    assert found["no such"] is None


@pytest.mark.parametrize("key", ["../customers/1", "1?x=2", "%2e%2e", "a b", "", ".", "01", "1" * 10_000, "1\n"])
@pytest.mark.parametrize("wanted", [NOTHING, frozenset({"raw"})])
async def test_what_is_no_key_is_nowhere_and_asked_of_nobody(
    sandbox: RunningSandbox, adapter: Adapter, key: str, wanted: frozenset[str]
) -> None:
    assert adapter.customers is not None
    assert adapter.templates is not None
    assert adapter.messages is not None
    watch = Watch(sandbox)
    for part in (adapter.customers, adapter.templates, adapter.messages):
        assert await part.by_key([key], wanted) == {key: None}
    assert await adapter.templates.email_templates([key], wanted) == {key: None}
    assert await adapter.templates.of_customers([key], asking()) == {
        key: Page(records=(), positions=(), end=None, total=0)
    }
    assert watch.lines == []


# ── Templates of customers ───────────────────────────────────────────────────────────────────────────────────────────


async def keys_with_templates(templates: Templates) -> dict[str, list[str]]:
    """Per customer, its templates' keys in order."""
    everything = await templates.page(asking(4000))
    owned: dict[str, list[str]] = {}
    for one in everything.records:
        owned.setdefault(str(one.customer_id), []).append(one.native_id)
    return owned


async def test_many_customers_templates_are_one_query(sandbox: RunningSandbox, templates: Templates) -> None:
    owned = await keys_with_templates(templates)
    ids = [*list(owned)[:49], "999999"]
    watch = Watch(sandbox)
    found = await templates.of_customers(ids, asking(5))
    assert watch.bodies == [
        {
            "object": "accounts-receivable/customer-email-template",
            "fields": TEMPLATE_FIELDS,
            "filters": [{"$in": {"customer.key": ids}}],
            "orderBy": [{"customer.key": "asc"}, {"key": "asc"}],
            "start": 1,
            "size": 300,
        }
    ]
    for key in ids:
        page = found[key]
        assert isinstance(page, Page)
        assert [one.native_id for one in page.records] == owned.get(key, [])[:5]
        assert page.total == len(owned.get(key, []))


async def test_a_customers_list_goes_on_where_its_part_ended(templates: Templates) -> None:
    owned = await keys_with_templates(templates)
    ids = list(owned)[:40]
    order = Order("template_name", descending=True)
    parts = await templates.of_customers(ids, asking(1, order=order))
    for key in ids:
        page, keys = parts[key], []
        while True:
            assert isinstance(page, Page)
            keys += [one.native_id for one in page.records]
            if page.end is None:
                break
            page = (await templates.of_customers([key], asking(1, order=order), {key: page.end}))[key]
        assert sorted(keys) == sorted(owned[key])


async def test_lists_that_go_on_are_one_query_too_which_reads_what_went_before_once_more(
    sandbox: RunningSandbox, templates: Templates
) -> None:
    owned = {key: keys for key, keys in (await keys_with_templates(templates)).items() if len(keys) > 2}
    ids = list(owned)[:3]
    begun = await templates.of_customers(ids, asking(1))
    positions = {key: page.end for key, page in begun.items() if isinstance(page, Page) and page.end}
    watch = Watch(sandbox)
    found = await templates.of_customers(ids, asking(1), positions)
    assert [(body["start"], body["size"]) for body in watch.bodies] == [(1, 3 * (1 + 1 + 1))]
    for key in ids:
        page = found[key]
        assert isinstance(page, Page)
        assert [one.native_id for one in page.records] == owned[key][1:2]


async def test_a_list_that_is_further_on_than_a_querys_rows_is_a_query_of_its_own(sandbox: RunningSandbox) -> None:
    async with connected(vendor, sandbox, limits={"page_size": 20}) as adapter:
        assert adapter.templates is not None
        await adapter.templates.page(asking(1))  # signs in
        watch = Watch(sandbox)
        await adapter.templates.of_customers(["21", "22", "23"], asking(2), {"22": "[20,null]"})
    assert sorted((body["start"], body["size"]) for body in watch.bodies) == [(1, 6), (20, 2)]


async def test_a_scan_budget_leaves_no_customer_out_silently(sandbox: RunningSandbox, templates: Templates) -> None:
    owned = await keys_with_templates(templates)
    ids = sorted(owned, key=lambda key: len(owned[key]), reverse=True)[:10]
    async with connected(vendor, sandbox, limits={"page_size": 7, "scan_budget": 7}) as adapter:
        assert adapter.templates is not None
        seen: dict[str, list[str]] = {}
        problems = 0
        for key, first_page in (await adapter.templates.of_customers(ids[:5], asking(50))).items():
            page = first_page
            seen[key] = []
            while True:
                assert isinstance(page, Page)
                problems += page.problem is not None
                seen[key] += [one.native_id for one in page.records]
                if page.end is None:
                    break
                page = (await adapter.templates.of_customers([key], asking(50), {key: page.end}))[key]
        assert problems > 0
        assert seen == {key: owned[key] for key in ids[:5]}


async def test_a_filter_goes_with_the_customers(sandbox: RunningSandbox, templates: Templates) -> None:
    watch = Watch(sandbox)
    await templates.of_customers(["21", "22"], asking(5, filter=Compare("template_type", Op.EQ, "arInvoice")))
    assert [body["filters"] for body in watch.bodies] == [
        [{"$in": {"customer.key": ["21", "22"]}}, {"$eq": {"emailTemplate.templateType": "arInvoice"}}]
    ]


async def test_names_of_email_templates_are_one_query(sandbox: RunningSandbox, templates: Templates) -> None:
    watch = Watch(sandbox)
    found = await templates.email_templates(["1", "2"], frozenset({"name", "template_type"}))
    assert [(body["object"], body["fields"]) for body in watch.bodies] == [
        ("company-config/email-template", ["key", "name", "templateType"])
    ]
    assert found["1"] == EmailTemplate(
        backend="test", native_id="1", name="Invoice, standard", template_type="arInvoice"
    )


async def test_texts_of_email_templates_are_a_get_each(sandbox: RunningSandbox, templates: Templates) -> None:
    watch = Watch(sandbox)
    found = await templates.email_templates(["1", "2", "999999"], frozenset({"subject", "body"}))
    assert sorted(watch.lines) == sorted(f"GET {OBJECTS}company-config/email-template/{key}" for key in (1, 2, 999999))
    one = found["1"]
    assert isinstance(one, EmailTemplate)
    assert one.subject == "Your invoice {!ARINVOICE.RECORDID!}"
    assert found["999999"] is None


async def test_a_customer_page_with_templates_and_messages_is_three_calls(
    sandbox: RunningSandbox, customers: Customers, templates: Templates, messages: Messages
) -> None:
    watch = Watch(sandbox)
    page = await customers.page(asking(50))
    await templates.of_customers([one.native_id for one in page.records], asking(5))
    ids = sorted({one.message_id for one in page.records if one.message_id})
    found = await messages.by_key(ids, frozenset({"text"}))
    assert watch.lines == [f"POST {QUERY}"] * 3
    assert None not in found.values()


# ── The rest ─────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_checking_reads_the_two_plain_lists(sandbox: RunningSandbox, adapter: Adapter) -> None:
    watch = Watch(sandbox)
    assert await adapter.check() == ("12 customer messages.", "350 customers' e-mail templates.")
    assert watch.lines == [
        f"GET {OBJECTS}accounts-receivable/customer-message",
        f"GET {OBJECTS}accounts-receivable/customer-email-template",
    ]


async def test_the_entity_goes_with_every_call(sandbox: RunningSandbox) -> None:
    async with connected(vendor, sandbox, entity="E200") as adapter:
        assert adapter.customers is not None
        assert adapter.delete_template is not None
        watch = Watch(sandbox)
        page = await adapter.customers.page(asking(1))
        await adapter.customers.by_key([page.records[0].native_id], frozenset({"raw"}))
        await adapter.perform(adapter.delete_template("999999"))
        assert [one.get("x-ia-api-param-entity") for one in watch.headers[1:]] == ["E200"] * 3


async def test_a_failing_get_fails_alone(sandbox: RunningSandbox, customers: Customers) -> None:
    keys = [one.native_id for one in (await customers.page(asking(3))).records]
    sandbox.fault(kind="status", status=500, route=f"GET {OBJECTS}accounts-receivable/customer/{keys[1]}")
    found = await customers.by_key(keys, frozenset({"emails"}))
    assert [type(found[key]).__name__ for key in keys] == ["Customer", "Unavailable", "Customer"]


async def test_a_failing_batch_fails_its_own_keys(sandbox: RunningSandbox) -> None:
    async with connected(vendor, sandbox, limits={"page_size": 2, "concurrency": 1}) as adapter:
        assert adapter.customers is not None
        keys = [one.native_id for one in (await adapter.customers.page(asking(4))).records]
        sandbox.fault(kind="status", status=503, route=f"POST {QUERY}")
        found = await adapter.customers.by_key(keys, NOTHING)
        assert [type(found[key]).__name__ for key in keys] == ["Unavailable", "Unavailable", "Customer", "Customer"]


def test_the_vendor_offers_what_it_has() -> None:
    connection = Connection(
        key="x",
        base_url=str(vendor.base_url),
        transport=None,  # type: ignore[arg-type]
        settings=vendor.settings(),
        limits=vendor.limits,
        clock=lambda: NOW,
    )
    assert vendor.connect(connection).offers() == {
        "perform",
        "check",
        "customers",
        "templates",
        "messages",
        "aggregate",
        "write_templates",
        "delete_template",
        "write_messages",
    }
    assert isinstance(vendor, Vendor)
