"""What a vendor offers is what its adapter has: nothing that is there is half there."""

from inspect import signature

from adapters.contract import Adapter, SendAction, Vendor
from tests.contract.offers import LISTS, offered, unconnected
from tests.contract.writing import WRITES

VERBS = {
    "customers": {"page": 1, "by_key": 2, "by_code": 2},
    "correspondence": {"page": 1, "by_key": 2, "of_customers": 3},
    "letters": {"page": 1, "by_key": 2, "of_customers": 3},
    "templates": {"page": 1, "by_key": 2, "of_customers": 3, "email_templates": 2},
    "messages": {"page": 1, "by_key": 2},
    "write_correspondence": {"create": 2, "update": 2},
    "write_letters": {"create": 2, "update": 2},
    "write_templates": {"create": 2, "update": 2},
    "write_messages": {"create": 2, "update": 2},
}
"""The verbs of each part that is no function itself, and how many arguments each takes."""

FUNCTIONS = {
    "perform": 1,
    "check": 0,
    "aggregate": 1,
    "delete_correspondence": 1,
    "delete_letter": 1,
    "delete_template": 1,
    "set_document_status": 1,
    "email_document": 1,
    "deliver_document": 1,
    "post_document": 1,
    "email_statements": 1,
    "pdf": 1,
    "preview": 3,
    "evidence": 1,
}


def test_the_parts_of_the_contract_are_the_fields_of_an_adapter() -> None:
    assert set(Adapter.__dataclass_fields__) == VERBS.keys() | FUNCTIONS.keys()


def test_an_undeclared_part_is_none(vendor: Vendor) -> None:
    adapter = unconnected(vendor)

    absent = {name for name in Adapter.__dataclass_fields__ if getattr(adapter, name) is None}
    assert set(Adapter.__dataclass_fields__) - offered(vendor.name) == absent


def test_a_status_that_stops_a_send_is_of_a_vendor_that_sends_so_and_shows_it(vendor: Vendor) -> None:
    adapter = unconnected(vendor)

    senders = {SendAction.EMAIL: "email_document", SendAction.DELIVER: "deliver_document"}
    senders[SendAction.POST] = "post_document"
    assert all(names for names in vendor.sent_statuses.values())
    assert [action for action in vendor.sent_statuses if getattr(adapter, senders[action]) is None] == []
    assert not vendor.sent_statuses or adapter.correspondence is not None or adapter.letters is not None


def test_every_declared_part_has_its_verbs(vendor: Vendor) -> None:
    adapter = unconnected(vendor)

    for name in offered(vendor.name):
        part = getattr(adapter, name)
        verbs = {verb: getattr(part, verb) for verb in VERBS.get(name, {})} or {name: part}
        expected = VERBS.get(name) or {name: FUNCTIONS[name]}
        assert expected == {verb: len(signature(function).parameters) for verb, function in verbs.items()}, name


def test_every_vendor_can_be_read_and_asked_for_something(vendor: Vendor) -> None:
    assert "customers" in offered(vendor.name)
    assert offered(vendor.name) & {write.part_name for write in WRITES}


def test_a_vendor_names_the_ids_of_the_records_that_it_lists(vendor: Vendor) -> None:
    listed = {part.record_type for part in LISTS if part.name in offered(vendor.name)}
    also = {"EmailTemplate"} if "templates" in offered(vendor.name) else set()

    assert listed | also == set(vendor.native_ids)


def test_remarks_are_about_parts_that_are_there(vendor: Vendor) -> None:
    assert set(vendor.notes) <= offered(vendor.name)


def test_what_every_refusal_proves_is_proved_by_no_server_error(vendor: Vendor) -> None:
    """401, 403, 404 and 429 are said before the work; a 5xx may be said after it."""
    assert {401, 403, 404, 429} <= vendor.outcomes.undone_statuses
    assert not [status for status in vendor.outcomes.undone_statuses if status >= 500]
