"""What went wrong: adapters' errors by one closed set of codes, anything else as an incident that tells nothing."""

from typing import Any

import pytest
import structlog

from adapters import errors
from adapters.errors import AdapterError
from gateway.problems import Problem, ProblemCode, incident_of, problem_of, public_error
from tests.gateway.asking import MAX_PAGE, answer, gateway_over, gid
from tests.gateway.fakes import Fake, fake
from tests.gateway.records import customer, letter

CODES = [
    (errors.AdapterError, None, False),
    (errors.Unavailable, "UNAVAILABLE", True),
    (errors.RateLimited, "RATE_LIMITED", True),
    (errors.TimedOut, "TIMEOUT", True),
    (errors.OutcomeUnknown, "OUTCOME_UNKNOWN", False),
    (errors.Rejected, "REJECTED", False),
    (errors.NotFound, "NOT_FOUND", False),
    (errors.BadCredentials, "BACKEND_CREDENTIALS", False),
    (errors.Forbidden, "FORBIDDEN", False),
    (errors.InvalidInput, "INVALID_INPUT", False),
    (errors.NotReady, "NOT_READY", False),
    (errors.Conflict, "CONFLICT", False),
    (errors.FileNotAvailable, "FILE_NOT_AVAILABLE", False),
    (errors.MalformedAnswer, "MALFORMED_RESPONSE", False),
    (errors.ScanLimit, "SCAN_LIMIT", True),
    (errors.UnsupportedByVendor, "UNSUPPORTED", False),
]


def test_every_error_of_the_adapters_has_a_row_here() -> None:
    assert {kind for kind, _, _ in CODES} == {getattr(errors, name) for name in errors.__all__}


@pytest.mark.parametrize(("kind", "code", "retryable"), [row for row in CODES if row[1] is not None])
def test_an_error_is_this_problem(kind: type[AdapterError], code: str, retryable: bool) -> None:
    error = kind("Said so.", backend="a", vendor_code="X1", retry_after=3, field="email_template_id")
    expected = Problem(
        code=ProblemCode(code),
        message="Said so.",
        path=("emailTemplate",),
        backend="a",
        vendor_code="X1",
        retryable=retryable,
        retry_after=3,
    )
    assert problem_of(error, "another") == expected


def test_a_subclass_of_an_error_has_the_code_of_its_kind() -> None:
    class ExpiredCard(errors.Conflict):
        pass

    assert problem_of(ExpiredCard("No."), "a").code is ProblemCode.CONFLICT


@pytest.mark.parametrize(
    ("attribute", "argument"),
    [("customer_id", "customer"), ("native_id", "id"), ("start", "from"), ("vendor_fields", "vendorFields")],
)
def test_the_attribute_at_fault_is_named_as_the_input_has_it(attribute: str, argument: str) -> None:
    assert problem_of(errors.InvalidInput("No.", field=attribute)).path == (argument,)


SECRET = "token=hunter2"


def test_an_unknown_exception_tells_nothing_but_its_incident() -> None:
    error = RuntimeError(SECRET)
    shown = public_error(error).formatted
    extensions = shown.pop("extensions")
    assert shown == {"message": "Something went wrong inside the gateway."}
    assert extensions == {"code": "INTERNAL", "incident": incident_of(error)}


def test_a_failure_is_one_incident_and_logged_once() -> None:
    error = errors.Unavailable("Down.", backend="a", operation="customer.list", status=503, request_id="r1")
    with structlog.testing.capture_logs() as logs:
        incidents = {public_error(error).extensions["incident"] for _ in range(3)}  # type: ignore[index]
    (incident,) = incidents
    assert logs == [
        {
            "event": "backend failed",
            "log_level": "warning",
            "incident": incident,
            "backend": "a",
            "operation": "customer.list",
            "kind": "Unavailable",
            "status": 503,
            "vendor_code": None,
            "request_id": "r1",
        }
    ]


def test_an_unknown_exception_is_logged_with_its_trace() -> None:
    error = RuntimeError(SECRET)
    with structlog.testing.capture_logs() as logs:
        incident = incident_of(error)
    (entry,) = logs
    assert (entry["log_level"], entry["incident"], entry["exc_info"]) == ("error", incident, error)


# ── In an answer ─────────────────────────────────────────────────────────────────────────────────────────────────────


def with_letters(**options: Any) -> Fake:
    numbers = range(3)
    return fake(
        "a",
        customers=[customer("a", str(n)) for n in numbers],
        letters=[letter("a", f"l{n}", str(n)) for n in numbers],
        **options,
    )


NESTED = "{ customers { nodes { name letters { nodes { title } } } } }"


async def test_a_batch_that_failed_is_an_error_on_each_path_with_one_incident_and_one_line() -> None:
    a = with_letters()
    a.behaviour.lasting["letters.of_customers"] = errors.TimedOut("Late.", backend="a", operation="letter.list")
    with structlog.testing.capture_logs() as logs:
        answered = await answer(gateway_over(a), NESTED)
    assert [error["path"] for error in answered.errors] == [["customers", "nodes", n, "letters"] for n in range(3)]
    assert len({error["extensions"]["incident"] for error in answered.errors}) == 1
    assert [entry["event"] for entry in logs] == ["backend failed"]
    assert answered.data["customers"]["nodes"] == [{"name": f"Company {n}", "letters": None} for n in range(3)]


async def test_one_key_that_failed_is_one_error() -> None:
    a = with_letters()
    a.behaviour.of_key["letters.of_customers", "1"] = errors.RateLimited("Slow.", backend="a", retry_after=9)
    answered = await answer(gateway_over(a), NESTED)
    (error,) = answered.errors
    incident = error["extensions"].pop("incident")
    assert (error["path"], bool(incident)) == (["customers", "nodes", 1, "letters"], True)
    assert error["extensions"] == {"code": "RATE_LIMITED", "backend": "a", "retryable": True, "retryAfter": 9}


async def test_an_unknown_exception_in_a_list_is_an_incident_not_a_problem() -> None:
    a = with_letters()
    a.behaviour.lasting["customers.page"] = RuntimeError(SECRET)
    with structlog.testing.capture_logs() as logs:
        answered = await answer(gateway_over(a), "{ customers { nodes { name } problems { message } } }")
    assert (answered.data, answered.codes()) == (None, ["INTERNAL"])
    assert SECRET not in str(answered.errors)
    assert [entry["event"] for entry in logs] == ["internal error"]


async def test_one_unknown_exception_over_many_paths_is_one_incident() -> None:
    a = with_letters()
    a.behaviour.lasting["letters.of_customers"] = RuntimeError(SECRET)
    with structlog.testing.capture_logs() as logs:
        answered = await answer(gateway_over(a), NESTED)
    assert (answered.codes(), len(logs)) == (["INTERNAL"] * 3, 1)
    assert len({error["extensions"]["incident"] for error in answered.errors}) == 1


async def test_a_node_that_fails_is_null_beside_the_others() -> None:
    a = with_letters()
    a.behaviour.of_key["customers.by_key", "1"] = errors.Forbidden("No.", backend="a")
    ids = [gid("Customer", "a", n) for n in "012"]
    answered = await answer(gateway_over(a), "query($i: [ID!]!) { nodes(ids: $i) { id } }", i=ids)
    assert answered.data == {"nodes": [{"id": ids[0]}, None, {"id": ids[2]}]}
    assert [(error["path"], error["extensions"]["code"]) for error in answered.errors] == [(["nodes", 1], "FORBIDDEN")]


COUNTERPARTS = "query($id: ID!) { customer(by: {id: $id}) { counterparts { nativeId backend { key } } } }"


def sharing(key: str, others: str, **members: Any) -> Fake:
    return fake(key, customers=[customer(key, f"{key}1", **({"code": "K"} | members))], shares_codes_with=others)


async def test_counterparts_are_equal_codes_where_codes_are_shared() -> None:
    fakes = [sharing("a", "bc"), sharing("b", "ac"), sharing("c", "ab", code="L"), sharing("d", "")]
    answered = await answer(gateway_over(*fakes), COUNTERPARTS, id=gid("Customer", "a", "a1"))
    assert answered.data["customer"]["counterparts"] == [{"nativeId": "b1", "backend": {"key": "b"}}]
    assert fakes[3].behaviour.calls == []


async def test_a_backend_that_cannot_be_asked_is_null_among_counterparts() -> None:
    fakes = [sharing("a", "bc"), sharing("b", "ac"), sharing("c", "ab")]
    fakes[1].behaviour.lasting["customers.by_code"] = errors.Unavailable("Down.", backend="b")
    answered = await answer(gateway_over(*fakes), COUNTERPARTS, id=gid("Customer", "a", "a1"))
    assert answered.data["customer"]["counterparts"] == [None, {"nativeId": "c1", "backend": {"key": "c"}}]
    (error,) = answered.errors
    assert (error["path"], error["extensions"]["code"], error["extensions"]["backend"]) == (
        ["customer", "counterparts", 0],
        "UNAVAILABLE",
        "b",
    )


async def test_a_customer_without_a_code_has_no_counterparts() -> None:
    fakes = [sharing("a", "b", code=None), sharing("b", "a", code=None)]
    answered = await answer(gateway_over(*fakes), COUNTERPARTS, id=gid("Customer", "a", "a1"))
    assert (answered.data["customer"]["counterparts"], fakes[1].behaviour.calls) == (None, [])


async def test_a_code_of_several_customers_is_a_conflict() -> None:
    a = fake("a", customers=[customer("a", n, code="K") for n in "12"])
    query = '{ customer(by: {code: {backend: "a", code: "K"}}) { name } }'
    answered = await answer(gateway_over(a), query)
    assert (answered.data, answered.codes()) == ({"customer": None}, ["CONFLICT"])


@pytest.mark.parametrize("query", ["{ nothing }", "{", "{ customers(first: true) { nodes { id } } }"])
async def test_a_wrong_document_has_a_code_too(query: str) -> None:
    assert (await answer(gateway_over(with_letters()), query)).codes() == ["GRAPHQL_VALIDATION_FAILED"]


@pytest.mark.parametrize(
    ("query", "argument"),
    [
        ("query($i: [ID!]!) { found: nodes(ids: $i) { id } }", "ids"),
        ("query($i: [ID!]!) { found: documents(customers: $i) { nodes { nativeId } } }", "customers"),
    ],
)
async def test_more_ids_than_a_page_holds_are_the_fault_of_their_own_argument(query: str, argument: str) -> None:
    answered = await answer(gateway_over(with_letters()), query, i=[gid("Customer", "a", "1")] * (MAX_PAGE + 1))
    (error,) = answered.errors
    assert (error["extensions"]["code"], error["extensions"]["path"]) == ("INVALID_INPUT", [argument])


# ── In the log ───────────────────────────────────────────────────────────────────────────────────────────────────────

LISTED = "{ customers { nodes { name } problems { code } } again: customers { problems { code } } }"


async def test_a_backend_that_fails_in_a_list_is_logged_once() -> None:
    a = with_letters()
    a.behaviour.lasting["customers.page"] = errors.BadCredentials("No.", backend="a", status=401)
    with structlog.testing.capture_logs() as logs:
        answered = await answer(gateway_over(a), LISTED)
    assert answered.data["customers"]["problems"] == [{"code": "BACKEND_CREDENTIALS"}]
    assert [(entry["event"], entry["kind"], entry["status"]) for entry in logs] == [
        ("backend failed", "BadCredentials", 401)
    ]


@pytest.mark.parametrize(
    "mistake",
    [
        errors.InvalidInput("No.", backend="a", never_sent=True),
        errors.InvalidInput("This cursor was not made by this list.", field="after"),
        errors.UnsupportedByVendor("No.", backend="a"),
        errors.ScanLimit("Enough.", backend="a"),
    ],
)
async def test_a_mistake_found_before_any_call_is_not_logged(mistake: AdapterError) -> None:
    a = with_letters()
    a.behaviour.lasting["customers.page"] = mistake
    with structlog.testing.capture_logs() as logs:
        answered = await answer(gateway_over(a), "{ customers { problems { code } } }")
    assert (len(answered.data["customers"]["problems"]), logs) == (1, [])


async def test_counterparts_that_could_not_be_asked_for_a_timeline_are_logged() -> None:
    fakes = [sharing("a", "b", code="K"), sharing("b", "a")]
    fakes[1].behaviour.lasting["customers.by_code"] = errors.Unavailable("Down.", backend="b")
    query = "query($c: [ID!]) { documents(customers: $c, withCounterparts: true) { problems { code } } }"
    with structlog.testing.capture_logs() as logs:
        answered = await answer(gateway_over(*fakes), query, c=[gid("Customer", "a", "a1")])
    assert answered.data["documents"]["problems"][-1] == {"code": "UNAVAILABLE"}
    assert [(entry["event"], entry["backend"]) for entry in logs] == [("backend failed", "b")]
