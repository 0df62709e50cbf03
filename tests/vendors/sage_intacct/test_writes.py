"""Writes: the exact call, at the emulator too."""

import json
from collections.abc import Callable

import pytest

from adapters.contract import (
    Adapter,
    Outcome,
    OutcomeState,
    PreparedCall,
)
from adapters.errors import (
    Conflict,
    InvalidInput,
    NotFound,
    UnsupportedByVendor,
)
from adapters.model import RecordStatus
from tests.connecting import RunningSandbox
from tests.vendors.sage_intacct.answering import adapter_over, answering, nested_error
from tests.vendors.sage_intacct.watching import OBJECTS, Watch
from tests.vendors.sage_intacct.writing import (
    OFFLINE,
    Prepare,
    create_message,
    create_template,
    delete_template,
    update_message,
    update_template,
)

TEMPLATES = "accounts-receivable/customer-email-template"
MESSAGES = "accounts-receivable/customer-message"
DONE, UNDONE, UNKNOWN = OutcomeState.DONE, OutcomeState.UNDONE, OutcomeState.UNKNOWN

# ── The exact call ───────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("prepare", "line", "body"),
    [
        (create_template, f"POST {TEMPLATES}", {"customer": {"key": "21"}, "emailTemplate": {"key": "4"}}),
        (
            lambda adapter: create_template(
                adapter, transaction_definition="Customer Sales Invoice", vendor_fields={"nsp::NOTE": "x"}
            ),
            f"POST {TEMPLATES}",
            {
                "customer": {"key": "21"},
                "emailTemplate": {"key": "4"},
                "txnDefinition": {"id": "Customer Sales Invoice"},
                "nsp::NOTE": "x",
            },
        ),
        (
            lambda adapter: update_template(adapter, email_template_id="10"),
            f"PATCH {TEMPLATES}/3",
            {"emailTemplate": {"key": "10"}},
        ),
        (
            lambda adapter: update_template(adapter, customer_id="22", transaction_definition=None),
            f"PATCH {TEMPLATES}/3",
            {"customer": {"key": "22"}, "txnDefinition": {"id": None}},
        ),
        (delete_template, f"DELETE {TEMPLATES}/3", None),
        (create_message, f"POST {MESSAGES}", {"id": "New", "message": "Hello", "status": "active"}),
        (
            lambda adapter: create_message(adapter, status=RecordStatus.INACTIVE),
            f"POST {MESSAGES}",
            {"id": "New", "message": "Hello", "status": "inactive"},
        ),
        (lambda adapter: update_message(adapter, text="Hi"), f"PATCH {MESSAGES}/2", {"message": "Hi"}),
        (
            lambda adapter: update_message(adapter, status=RecordStatus.INACTIVE),
            f"PATCH {MESSAGES}/2",
            {"status": "inactive"},
        ),
    ],
)
def test_a_write_is_prepared_as_the_exact_call(prepare: Prepare, line: str, body: object) -> None:
    request = prepare(OFFLINE).request
    assert f"{request.method} {'/'.join(request.path)}" == line.replace(" ", " objects/")
    assert (request.body and json.loads(request.body)) == body
    assert request.write
    assert request.headers == ((("Content-Type", "application/json"),) if body else ())


@pytest.mark.parametrize(
    ("prepare", "target"),
    [
        (create_template, "21"),
        (lambda adapter: update_template(adapter, customer_id="22"), "3"),
        (delete_template, "3"),
        (create_message, "New"),
        (lambda adapter: update_message(adapter, text="Hi"), "2"),
    ],
)
def test_a_write_has_one_target(prepare: Prepare, target: str) -> None:
    assert prepare(OFFLINE).targets == (target,)


@pytest.mark.parametrize(
    "prepare",
    [
        lambda key: create_template(OFFLINE, key),
        lambda key: update_template(OFFLINE, key, customer_id="22"),
        lambda key: create_message(OFFLINE, key),
        lambda key: update_message(OFFLINE, key, text="Hi"),
    ],
)
def test_an_idempotency_key_goes_with_post_and_patch(prepare: Callable[[str], PreparedCall]) -> None:
    request = prepare("k-1").request
    assert dict(request.headers)["Idempotency-Key"] == request.idempotency_key == "k-1"


@pytest.mark.parametrize("key", ["", "x" * 257, "ключ", "a\r\nb"])
def test_an_idempotency_key_that_no_header_can_hold_is_invalid(key: str) -> None:
    with pytest.raises(InvalidInput) as raised:
        create_message(OFFLINE, key)
    assert raised.value.field == "idempotency_key"


def test_the_entity_is_part_of_the_prepared_call() -> None:
    adapter = adapter_over(answering(b"", 500), entity="E200")
    assert delete_template(adapter).request.headers == (("X-IA-API-Param-Entity", "E200"),)


@pytest.mark.parametrize(
    ("prepare", "field"),
    [
        (lambda: create_template(OFFLINE, customer_id="../1"), "customer_id"),
        (lambda: create_template(OFFLINE, email_template_id=""), "email_template_id"),
        (lambda: create_template(OFFLINE, vendor_fields={"customer": {"id": "x"}}), "vendor_fields"),
        (lambda: update_template(OFFLINE, native_id="1?x=2", customer_id="1"), "native_id"),
        (lambda: update_template(OFFLINE, customer_id="%2e%2e"), "customer_id"),
        (lambda: update_template(OFFLINE, email_template_id="a b"), "email_template_id"),
        (lambda: update_template(OFFLINE, email_template_id="1", vendor_fields={"emailTemplate": 1}), "vendor_fields"),
        (lambda: update_template(OFFLINE), "input"),
        (lambda: delete_template(OFFLINE, "../2"), "native_id"),
        (lambda: update_message(OFFLINE, native_id="1" * 10_000, text="x"), "native_id"),
        (lambda: update_message(OFFLINE), "input"),
    ],
)
def test_what_cannot_be_right_is_refused_before_any_call(prepare: Callable[[], PreparedCall], field: str) -> None:
    with pytest.raises(InvalidInput) as raised:
        prepare()
    assert (raised.value.field, raised.value.backend, raised.value.never_sent) == (field, "test", True)


def test_a_message_is_active_or_inactive() -> None:
    with pytest.raises(UnsupportedByVendor) as raised:
        create_message(OFFLINE, status=RecordStatus.UNKNOWN)
    assert raised.value.field == "status"


# ── At the emulator ──────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_template_is_assigned_changed_and_removed(sandbox: RunningSandbox, adapter: Adapter) -> None:
    assert adapter.templates is not None
    watch = Watch(sandbox)
    (created,) = await adapter.perform(create_template(adapter, "key-1"))
    key = str(created.native_id)
    assert created == Outcome(state=DONE, native_id=key)
    (changed,) = await adapter.perform(update_template(adapter, "key-2", native_id=key, email_template_id="2"))
    assert changed == Outcome(state=DONE, native_id=key)
    found = (await adapter.templates.by_key([key], frozenset()))[key]
    assert getattr(found, "customer_id", None) == "21"
    assert getattr(getattr(found, "email_template", None), "native_id", None) == "2"
    assert await adapter.perform(delete_template(adapter, key)) == (Outcome(state=DONE, native_id=key),)
    assert (await adapter.templates.by_key([key], frozenset({"raw"})))[key] is None
    assert [line for line in watch.lines if "query" not in line] == [
        f"POST {OBJECTS}{TEMPLATES}",
        f"PATCH {OBJECTS}{TEMPLATES}/{key}",
        f"DELETE {OBJECTS}{TEMPLATES}/{key}",
        f"GET {OBJECTS}{TEMPLATES}/{key}",
    ]
    assert [one.get("idempotency-key") for one in watch.headers[:2]] == ["key-1", "key-2"]


async def test_a_message_is_created_and_changed(adapter: Adapter) -> None:
    assert adapter.messages is not None
    (created,) = await adapter.perform(create_message(adapter, code="Spring offer", text="Ten per cent off."))
    key = str(created.native_id)
    await adapter.perform(update_message(adapter, native_id=key, status=RecordStatus.INACTIVE))
    found = (await adapter.messages.by_key([key], frozenset({"text", "status"})))[key]
    assert [getattr(found, name) for name in ("code", "text", "status")] == [
        "Spring offer",
        "Ten per cent off.",
        RecordStatus.INACTIVE,
    ]


async def test_the_same_call_with_the_same_key_is_done_once(sandbox: RunningSandbox, adapter: Adapter) -> None:
    call = create_message(adapter, "once", code="Only once")
    before = sandbox.effects()["records"]
    first, second = await adapter.perform(call), await adapter.perform(call)
    assert first == second
    assert sandbox.effects()["records"] == before + 1


async def test_a_taken_code_is_a_conflict_and_undone(adapter: Adapter) -> None:
    await adapter.perform(create_message(adapter, code="Taken"))
    (outcome,) = await adapter.perform(create_message(adapter, code="Taken"))
    assert (outcome.state, type(outcome.error)) == (UNDONE, Conflict)


async def test_a_missing_record_is_not_found_and_undone(adapter: Adapter) -> None:
    for call in (
        update_message(adapter, native_id="999999", text="x"),
        update_template(adapter, native_id="999999", customer_id="21"),
        delete_template(adapter, "999999"),
    ):
        (outcome,) = await adapter.perform(call)
        assert (outcome.state, type(outcome.error)) == (UNDONE, NotFound)


async def test_a_field_that_the_vendor_refuses_is_named_in_our_words() -> None:
    error = nested_error(
        errorId="REST-1064",
        message="Payload contains errors",
        details=[{"errorId": "REST-1043", "message": "/message is not valid", "target": "/message"}],
    )
    adapter = adapter_over(answering(error, 400))
    (outcome,) = await adapter.perform(update_message(adapter, text="x"))
    assert outcome.error is not None
    assert (outcome.state, outcome.error.field, outcome.error.vendor_code) == (UNDONE, "text", "REST-1064")
    assert outcome.message == "Payload contains errors /message is not valid"
