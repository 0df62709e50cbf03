from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.dispatch.fingerprint import document_fingerprint, input_hash, normalised, statement_fingerprint
from gateway.dispatch.records import DispatchAction

ADDRESSES = st.lists(st.emails(), max_size=5)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
DOCUMENT: dict[str, Any] = {
    "backend": "uk",
    "record_type": "Invoice",
    "stable_id": "17",
    "action": DispatchAction.EMAIL,
    "recipients": ["a@example.com"],
}
STATEMENT: dict[str, Any] = {
    "backend": "uk",
    "stable_id": "17",
    "start": date(2026, 1, 1),
    "end": date(2026, 3, 31),
    "all_invoices": False,
    "exclude_paid": True,
    "day": date(2026, 4, 1),
}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ([], ()),
        ([" a@Example.COM\t"], ("a@example.com",)),
        (["b@example.com", "a@example.com", "b@EXAMPLE.com"], ("a@example.com", "b@example.com")),
        (["Ann@example.com", "ann@example.com"], ("Ann@example.com", "ann@example.com")),
        (['"odd@place"@Example.com'], ('"odd@place"@example.com',)),
        (["a@BÜCHER.example"], ("a@bücher.example",)),
        (["no address"], ("no address",)),
    ],
)
def test_addresses_are_compared_without_what_does_not_tell_them_apart(
    given: list[str], expected: tuple[str, ...]
) -> None:
    assert normalised(given) == expected


@given(ADDRESSES)
def test_normalising_again_changes_nothing(addresses: list[str]) -> None:
    assert normalised(normalised(addresses)) == normalised(addresses)


@given(ADDRESSES, st.randoms())
def test_order_repetition_blanks_and_the_domains_case_make_no_other_sending(addresses: list[str], random: Any) -> None:
    other = [f" {local}@{domain.swapcase()} " for local, domain in (a.rsplit("@", 1) for a in addresses * 2)]
    random.shuffle(other)
    assert document_fingerprint(**DOCUMENT | {"recipients": other}) == document_fingerprint(
        **DOCUMENT | {"recipients": addresses}
    )


@given(ADDRESSES, ADDRESSES)
def test_other_recipients_are_another_sending(one: list[str], other: list[str]) -> None:
    same = document_fingerprint(**DOCUMENT | {"recipients": one}) == document_fingerprint(
        **DOCUMENT | {"recipients": other}
    )
    assert same == (normalised(one) == normalised(other))


@pytest.mark.parametrize(
    "other",
    [
        {"backend": "ch"},
        {"record_type": "Estimate"},
        {"stable_id": "18"},
        {"action": DispatchAction.POST},
        {"recipients": None},
        {"recipients": []},
        {"recipients": ["vendor's choice"]},
        {"backend": "ukInvoice", "record_type": ""},
    ],
)
def test_another_document_channel_or_recipient_is_another_sending(other: dict[str, Any]) -> None:
    assert document_fingerprint(**DOCUMENT | other) != document_fingerprint(**DOCUMENT)


def test_recipients_that_the_vendor_chooses_are_not_those_of_another_name() -> None:
    assert document_fingerprint(**DOCUMENT | {"recipients": None}) not in {
        document_fingerprint(**DOCUMENT | {"recipients": recipients}) for recipients in ([], ["vendor's choice"])
    }


@pytest.mark.parametrize(
    "other",
    [
        {"backend": "ch"},
        {"stable_id": "18"},
        {"start": date(2026, 1, 2)},
        {"end": date(2026, 3, 30)},
        {"start": None},
        {"end": None},
        {"start": None, "end": None},
        {"all_invoices": True},
        {"exclude_paid": False},
        {"all_invoices": True, "exclude_paid": False},
    ],
)
def test_another_customer_period_or_flag_is_another_statement(other: dict[str, Any]) -> None:
    assert statement_fingerprint(**STATEMENT | other) != statement_fingerprint(**STATEMENT)


def test_a_statement_of_a_given_period_is_the_same_on_any_day() -> None:
    assert statement_fingerprint(**STATEMENT | {"day": date(2026, 4, 2)}) == statement_fingerprint(**STATEMENT)


@pytest.mark.parametrize("period", [{"start": None, "end": None}, {"start": None}, {"end": None}])
def test_a_statement_of_the_vendors_period_is_another_on_another_day(period: dict[str, None]) -> None:
    one = STATEMENT | period
    assert statement_fingerprint(**one) == statement_fingerprint(**one)
    assert statement_fingerprint(**one) != statement_fingerprint(**one | {"day": date(2026, 4, 2)})


@pytest.mark.parametrize("ends", [("start", "end"), ("end", "start")])
def test_statements_whose_given_ends_differ_are_apart_also_on_one_day(ends: tuple[str, str]) -> None:
    fixed, absent = ends
    one = STATEMENT | {absent: None}
    assert statement_fingerprint(**one) != statement_fingerprint(**one | {fixed: date(2025, 12, 31)})


def test_a_document_and_a_statement_are_never_the_same() -> None:
    document = DOCUMENT | {"record_type": "Customer", "action": DispatchAction.EMAIL_STATEMENT, "recipients": None}
    assert document_fingerprint(**document) != statement_fingerprint(**STATEMENT)


@given(JSON, JSON)
def test_inputs_hash_alike_when_they_are_the_same_json(one: Any, other: Any) -> None:
    assert (input_hash("m", one) == input_hash("m", other)) == (_typed(one) == _typed(other))


@given(st.dictionaries(st.text(), JSON, max_size=5))
def test_the_order_of_members_tells_no_inputs_apart(given: dict[str, Any]) -> None:
    assert input_hash("m", dict(reversed(given.items()))) == input_hash("m", given)


def test_the_same_input_of_another_mutation_is_another() -> None:
    assert input_hash("emailDocuments", {}) != input_hash("postDocuments", {})


def _typed(value: Any) -> Any:
    """Apart where JSON is, also where Python's == says that 1 is true."""
    if isinstance(value, dict):
        return {key: _typed(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_typed(inner) for inner in value]
    return type(value), value
