"""What became of a write: what an answer proves, and what it does not."""

import httpx
import pytest

from adapters.contract import (
    Adapter,
    OutcomeState,
)
from adapters.errors import (
    BadCredentials,
    OutcomeUnknown,
    RateLimited,
    Unavailable,
)
from adapters.sage_intacct import vendor
from tests.connecting import RunningSandbox, connected, running_sandbox
from tests.vendors.sage_intacct.answering import adapter_over, answering, nested_error, one
from tests.vendors.sage_intacct.watching import OBJECTS
from tests.vendors.sage_intacct.writing import (
    Prepare,
    create_message,
    delete_template,
    update_message,
)

TEMPLATES = "accounts-receivable/customer-email-template"
MESSAGES = "accounts-receivable/customer-message"
DONE, UNDONE, UNKNOWN = OutcomeState.DONE, OutcomeState.UNDONE, OutcomeState.UNKNOWN


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 409, 422, 429])
async def test_a_refusal_proves_that_nothing_was_done(status: int) -> None:
    adapter = adapter_over(answering(nested_error(code="operationFailed", errorId="X"), status))
    (outcome,) = await adapter.perform(create_message(adapter))
    assert (outcome.state, outcome.native_id) == (UNDONE, None)


@pytest.mark.parametrize("status", [408, 500, 502, 503, 504])
async def test_a_server_error_proves_nothing(status: int) -> None:
    adapter = adapter_over(answering(nested_error(code="operationFailed", errorId="GW-0001"), status))
    (outcome,) = await adapter.perform(create_message(adapter))
    assert outcome.state is UNKNOWN


@pytest.mark.parametrize("code", sorted(vendor.outcomes.undone_codes))
async def test_an_error_of_the_request_proves_it_even_under_success(code: str) -> None:
    adapter = adapter_over(answering(nested_error(code="x", errorId=code), 200))
    (outcome,) = await adapter.perform(create_message(adapter))
    assert outcome.state is UNDONE


async def test_another_error_under_success_proves_nothing() -> None:
    adapter = adapter_over(answering(nested_error(code="operationFailed", errorId="BL01001973"), 200))
    (outcome,) = await adapter.perform(create_message(adapter))
    assert outcome.state is UNKNOWN


@pytest.mark.parametrize(
    ("prepare", "body", "status"),
    [
        (create_message, b"", 201),
        (create_message, b"<html>", 201),
        (create_message, {"ia::meta": {}}, 201),
        (create_message, one({"id": "New"}), 201),
        (create_message, {"ia::result": {"jobId": "1"}}, 202),
        (create_message, one({"key": "9"}), 202),
        (lambda adapter: update_message(adapter, text="x"), one({"key": "99"}), 200),
        (lambda adapter: update_message(adapter, text="x"), b"", 204),
        (delete_template, b"", 202),
        (delete_template, b"<html>", 200),
    ],
)
async def test_a_yes_that_does_not_say_to_what_is_unknown(prepare: Prepare, body: object, status: int) -> None:
    adapter = adapter_over(answering(body, status))
    (outcome,) = await adapter.perform(prepare(adapter))
    assert (outcome.state, type(outcome.error)) == (UNKNOWN, OutcomeUnknown)


@pytest.mark.parametrize(
    ("failure", "state", "kind"),
    [
        (httpx.ConnectError, UNDONE, Unavailable),
        (httpx.ReadTimeout, UNKNOWN, OutcomeUnknown),
        (httpx.ReadError, UNKNOWN, OutcomeUnknown),
    ],
)
async def test_a_call_that_never_left_is_undone(
    failure: type[httpx.TransportError], state: OutcomeState, kind: type[Exception]
) -> None:
    def fail(_request: httpx.Request) -> httpx.Response:
        raise failure("x")

    adapter = adapter_over(fail)
    (outcome,) = await adapter.perform(create_message(adapter))
    assert (outcome.state, type(outcome.error)) == (state, kind)


@pytest.mark.parametrize("kind", ["reset_before", "reset_after", "truncate", "garbage"])
async def test_a_lost_answer_is_unknown(kind: str) -> None:
    with running_sandbox(vendor) as sandbox:
        async with connected(vendor, sandbox) as adapter:
            await adapter.check()
            sandbox.fault(kind=kind, route=f"POST {OBJECTS}*")
            (outcome,) = await adapter.perform(create_message(adapter))
            assert outcome.state is UNKNOWN
            assert sandbox.effects()["records"] == (0 if kind == "reset_before" else 1)


async def test_too_many_requests_is_undone_and_says_how_long(sandbox: RunningSandbox, adapter: Adapter) -> None:
    sandbox.fault(kind="status", status=429, retry_after=7, route=f"POST {OBJECTS}*")
    (outcome,) = await adapter.perform(create_message(adapter))
    assert isinstance(outcome.error, RateLimited)
    assert (outcome.state, outcome.error.retry_after) == (UNDONE, 7)


async def test_a_write_whose_sign_in_fails_is_undone(sandbox: RunningSandbox) -> None:
    wrong = {**sandbox.credentials, "client_secret": "wrong"}
    before = sandbox.effects()
    async with connected(vendor, sandbox, credentials=wrong) as adapter:
        (outcome,) = await adapter.perform(create_message(adapter))
    assert (outcome.state, type(outcome.error)) == (UNDONE, BadCredentials)
    assert sandbox.effects() == before
