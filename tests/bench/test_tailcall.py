"""Tailcall is asked for the same as the others, in what words its configuration has."""

from bench import tailcall
from bench.workloads import WORKLOADS


def test_a_list_of_customers_is_asked_for_by_the_name_of_its_vendor() -> None:
    lists = [tailcall.document(WORKLOADS[name].document).splitlines()[1].strip() for name in ("W2", "W3", "W4")]

    assert lists == [
        "customers: letterCustomers(first: 50, backends: [$backend]) {",
        "customers: billingCustomers(first: 50, backends: [$backend]) {",
        "customers: letterCustomers(first: 50, backends: [$backend]) {",
    ]


def test_one_customer_is_asked_for_as_it_is() -> None:
    assert tailcall.document(WORKLOADS["W1"].document) == WORKLOADS["W1"].document


def test_numbers_are_read_as_text_and_all_else_as_it_is() -> None:
    answer = {"nodes": [{"nativeId": 7, "date": None, "emails": ["a@b.example"]}]}

    assert tailcall.as_text(answer) == {"nodes": [{"nativeId": "7", "date": None, "emails": ["a@b.example"]}]}


def test_only_what_names_a_backend_has_its_place() -> None:
    places = {"letters-0": "0/letters-0"}

    assert tailcall.headers({"backend": "letters-0"}, places) == {"place": "0/letters-0"}
    assert tailcall.headers({}, places) == {}
