"""A caller's mistake in a write is a problem that names it; a key is passed on to the vendors that have keys."""

from typing import Any

import pytest

from adapters.errors import InvalidInput
from gateway.context import Principal
from tests.gateway.asking import data, gateway_over, gid
from tests.gateway.fakes import fake
from tests.gateway.records import customer
from tests.gateway.writing import (
    CORRESPONDENCE,
    CUSTOMER,
    LETTER,
    MESSAGE,
    NEW_LETTER,
    TEMPLATE,
    TEXT,
    text_of,
    writer,
    written,
)

ELSEWHERE = gid("Customer", "b", "1")
BAD_KEYS = ("", "k" * 256, "a\0b", "\ud800", "b\udfff")
MISTAKES: list[tuple[str, dict[str, Any], str, str]] = [
    ("createCorrespondence", {"customer": LETTER, "type": "N"}, "NOT_FOUND", "customer"),
    ("createCorrespondence", {"customer": "nonsense", "type": "N"}, "NOT_FOUND", "customer"),
    ("createLetter", NEW_LETTER | {"vendorFields": [1]}, "INVALID_INPUT", "vendorFields"),
    ("createLetter", NEW_LETTER | {"vendorFields": "x"}, "INVALID_INPUT", "vendorFields"),
    ("updateLetter", {"id": CORRESPONDENCE}, "NOT_FOUND", "id"),
    ("updateLetter", {"id": LETTER, "customer": ELSEWHERE}, "INVALID_INPUT", "customer"),
    ("updateLetter", {"id": LETTER, "customer": None}, "INVALID_INPUT", "customer"),
    ("updateLetter", {"id": LETTER, "date": None}, "INVALID_INPUT", "date"),
    ("updateLetter", {"id": gid("Letter", "a", "../x")}, "NOT_FOUND", "id"),
    ("deleteLetter", {"id": gid("Letter", "nowhere", "1")}, "NOT_FOUND", "id"),
    ("createTemplate", {"customer": CUSTOMER, "emailTemplate": CUSTOMER}, "NOT_FOUND", "emailTemplate"),
    ("createTemplate", {"customer": ELSEWHERE, "emailTemplate": TEXT}, "INVALID_INPUT", "emailTemplate"),
    ("updateTemplate", {"id": TEMPLATE, "emailTemplate": None}, "INVALID_INPUT", "emailTemplate"),
    ("createMessage", {"backend": "nowhere", "code": "C", "text": "T"}, "INVALID_INPUT", "backend"),
    ("updateMessage", {"id": MESSAGE, "text": None}, "INVALID_INPUT", "text"),
    ("updateMessage", {"id": MESSAGE, "status": None}, "INVALID_INPUT", "status"),
    ("setDocumentStatus", {"id": CUSTOMER, "status": {"state": "READY"}}, "NOT_FOUND", "id"),
    ("setDocumentStatus", {"id": LETTER, "status": {"vendorStatus": ""}}, "INVALID_INPUT", "vendorStatus"),
    *(
        (mutation, members | {"idempotencyKey": key}, "INVALID_INPUT", "idempotencyKey")
        for mutation, members in (("createLetter", NEW_LETTER), ("updateLetter", {"id": LETTER}))
        for key in BAD_KEYS
    ),
]


@pytest.mark.parametrize(("mutation", "members", "code", "at_fault"), MISTAKES)
async def test_a_mistake_is_a_problem_by_name_and_makes_no_call(
    mutation: str, members: dict[str, Any], code: str, at_fault: str
) -> None:
    a, b = writer("a"), writer("b")
    payload = (await data(gateway_over(a, b), text_of(mutation), input=members))[mutation]
    assert [(one["code"], one["path"]) for one in payload.pop("problems")] == [(code, [at_fault])]
    assert list(payload.values()) == [None]
    assert [*a.behaviour.of("perform"), *b.behaviour.of("perform")] == []


@pytest.mark.parametrize(
    ("mutation", "members"),
    [
        ("createCorrespondence", {"customer": CUSTOMER, "type": "N"}),
        ("updateLetter", {"id": LETTER}),
        ("deleteLetter", {"id": LETTER}),
        ("createMessage", {"backend": "a", "code": "C", "text": "T"}),
        ("setDocumentStatus", {"id": LETTER, "status": {"state": "READY"}}),
    ],
)
async def test_what_a_backend_cannot_do_is_unsupported(mutation: str, members: dict[str, Any]) -> None:
    payload = await written(fake("a", customers=[customer("a", "1")]), mutation, **members)
    assert [(one["code"], one["backend"]) for one in payload["problems"]] == [("UNSUPPORTED", "a")]


async def test_what_the_adapter_finds_wrong_is_a_problem_that_names_the_input() -> None:
    a = writer()

    def refuse(request: Any, idempotency_key: str | None = None) -> Any:
        raise InvalidInput("No such template.", backend="a", field="email_template_id")

    a.backend.adapter.write_templates.create = refuse  # type: ignore[union-attr,method-assign]
    payload = await written(a, "createTemplate", customer=CUSTOMER, emailTemplate=TEXT)
    assert [(one["code"], one["path"]) for one in payload["problems"]] == [("INVALID_INPUT", ["emailTemplate"])]


# ── Idempotency keys ─────────────────────────────────────────────────────────────────────────────────────────────────


async def passed_on(principal: str = "ann", backend: str = "a", mutation: str = "createMessage", key: str = "k") -> str:
    made = writer(backend, takes_idempotency_keys=True)
    members: dict[str, Any] = {
        "createMessage": {"backend": backend, "code": "C", "text": "T"},
        "updateMessage": {"id": gid("CustomerMessage", backend, "m1"), "text": "T"},
        "createTemplate": {
            "customer": gid("Customer", backend, "1"),
            "emailTemplate": gid("EmailTemplate", backend, "Tt1"),
        },
    }[mutation]
    given = members | {"idempotencyKey": key}
    await data(gateway_over(made), text_of(mutation), principal=Principal(id=principal), input=given)
    ((_, _, digest),) = made.behaviour.prepared
    assert digest is not None
    return digest


async def test_the_same_key_is_passed_on_as_the_same_digest_and_never_as_it_is() -> None:
    digests = [await passed_on(key="secret-key") for _ in range(2)]
    assert (digests[0] == digests[1], "secret-key" in digests[0]) == (True, False)


@pytest.mark.parametrize(
    "other",
    [
        {"principal": "bob"},
        {"backend": "b"},
        {"mutation": "updateMessage"},
        {"mutation": "createTemplate"},
        {"key": "l"},
        {"key": "k" * 255},
    ],
)
async def test_another_principal_backend_mutation_or_key_is_another_digest(other: dict[str, str]) -> None:
    assert await passed_on() != await passed_on(**other)


@pytest.mark.parametrize(("vendors_keys", "members"), [(True, {}), (False, {"idempotencyKey": "k"})])
async def test_without_a_key_or_where_the_vendor_has_none_nothing_is_passed_on(
    vendors_keys: bool, members: dict[str, str]
) -> None:
    a = writer(takes_idempotency_keys=vendors_keys)
    await written(a, "createMessage", backend="a", code="C", text="T", **members)
    assert [key for _, _, key in a.behaviour.prepared] == [None]
