"""What a caller gives as an identifier never changes the path that is asked."""

from collections.abc import Callable

import pytest

from adapters.billing_platform import vendor
from adapters.billing_platform.writes import BillingPlatformWrites
from adapters.contract import Adapter
from adapters.errors import InvalidInput, NotFound
from adapters.writes import CreateCorrespondence, DeliverDocument, EmailDocument, PreparedCall, UpdateCorrespondence
from tests.connecting import RunningSandbox, asking
from tests.vendors.billing_platform.connections import calls

NOT_IDS = [
    "../customers/1",
    "1?x=2",
    "1#x",
    "%2e%2e",
    "..",
    ".",
    "",
    "a b",
    "1/2",
    "1\n",
    "٣",
    "0",
    "01",
    "-1",
    "1" * 20,
    "x" * 10_240,
]

pytestmark = pytest.mark.parametrize("native_id", NOT_IDS, ids=lambda native_id: native_id[:20])


async def test_reads_know_no_such_record_and_make_no_call(
    reader: Adapter, company: RunningSandbox, native_id: str
) -> None:
    assert reader.customers is not None
    assert reader.correspondence is not None
    assert reader.pdf is not None
    since = company.count()

    customers = await reader.customers.by_key([native_id], frozenset())
    letters = await reader.correspondence.by_key([native_id], frozenset())
    pages = await reader.correspondence.of_customers([native_id], asking())
    with pytest.raises(NotFound):
        await reader.pdf(native_id)

    assert (customers, letters, type(pages[native_id])) == ({native_id: None}, {native_id: None}, NotFound)
    assert company.count() == since


def test_writes_are_refused_before_any_call(native_id: str) -> None:
    writes = BillingPlatformWrites("test")
    prepared: list[Callable[[], PreparedCall]] = [
        lambda: writes.create(CreateCorrespondence(customer_id=native_id, type="Welcome")),
        lambda: writes.update(UpdateCorrespondence(native_id=native_id)),
        lambda: writes.delete(native_id),
        lambda: writes.email(EmailDocument(native_id=native_id)),
        lambda: writes.deliver(DeliverDocument(native_id=native_id)),
    ]

    for prepare in prepared:
        with pytest.raises(InvalidInput) as caught:
            prepare()
        assert caught.value.never_sent


def test_the_vendor_accepts_no_such_id(native_id: str) -> None:
    assert (vendor.accepts("Customer", native_id), vendor.accepts("Correspondence", native_id)) == (False, False)


async def test_a_code_stays_in_its_parameter(reader: Adapter, company: RunningSandbox, native_id: str) -> None:
    assert reader.customers is not None
    since = company.count()

    found = await reader.customers.by_code([native_id], frozenset())

    assert found == {native_id: None}
    assert {(call.method, call.path) for call in calls(company, since)} <= {("GET", "/customers/")}
    assert all(call.query.count("=") == 1 and "&" not in call.query for call in calls(company, since))
