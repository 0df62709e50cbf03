"""When a backend is down, slow or wrong, a read fails with the error that says so, and with nothing else."""

from collections.abc import Callable
from typing import Any

from pytest_httpserver import HTTPServer

from adapters.contract import Adapter, Vendor
from adapters.errors import (
    AdapterError,
    BadCredentials,
    Forbidden,
    MalformedAnswer,
    RateLimited,
    TimedOut,
    Unavailable,
)
from tests.connecting import RunningSandbox, asking, connected
from tests.contract.offers import ListPart
from tests.contract.walking import everything, reader

GATEWAY_PAGE = {"body": "<h1>Bad gateway</h1>", "content_type": "text/html"}
FAULTS: dict[str, tuple[dict[str, Any], type[AdapterError]]] = {
    "reset before": ({"kind": "reset_before"}, Unavailable),
    "reset after": ({"kind": "reset_after"}, Unavailable),
    "truncated": ({"kind": "truncate"}, Unavailable),
    "not JSON": ({"kind": "garbage"}, MalformedAnswer),
    "not JSON, said to be": ({"kind": "garbage", "body": "{", "content_type": "application/json"}, MalformedAnswer),
    "other JSON": ({"kind": "garbage", "body": '"ok"', "content_type": "application/json"}, MalformedAnswer),
    "500": ({"kind": "status", "status": 500}, Unavailable),
    "502": ({"kind": "status", "status": 502, **GATEWAY_PAGE}, Unavailable),
    "503": ({"kind": "status", "status": 503}, Unavailable),
    "504": ({"kind": "status", "status": 504}, TimedOut),
    "403": ({"kind": "status", "status": 403}, Forbidden),
    "429": ({"kind": "status", "status": 429, "retry_after": 7}, RateLimited),
    "401": ({"kind": "status", "status": 401}, BadCredentials),
}
"""By name, and the error that each stands for. The last ends the session; a backend may not sign in again at once."""


async def failure(awaitable: Any) -> AdapterError:
    """The error that a read ends in: raised, or its answer for the one key."""
    try:
        answer = await awaitable
    except AdapterError as raised:
        return raised
    (error,) = answer.values()
    assert isinstance(error, AdapterError)
    return error


async def failures(sandbox: RunningSandbox, read: Callable[[], Any]) -> dict[str, AdapterError]:
    """The error of a read under each fault; every one names its backend, what was tried, and whether to try again."""
    found = {}
    for name, (members, kind) in FAULTS.items():
        sandbox.fault(**members, times=None)
        error = found[name] = await failure(read())
        sandbox.clear_faults()
        expected = (kind, "test", kind.retryable, 7 if kind is RateLimited else None)
        assert expected == (type(error), error.backend, error.retryable, error.retry_after), name
        assert error.operation != "", name
    return found


async def test_a_list_fails_with_the_error_that_says_why(
    adapter: Adapter, sandbox: RunningSandbox, part: ListPart
) -> None:
    found = await failures(sandbox, lambda: reader(adapter, part).page(asking(2)))

    assert FAULTS.keys() == found.keys()


async def test_a_read_by_key_fails_with_the_error_that_says_why(
    adapter: Adapter, sandbox: RunningSandbox, part: ListPart
) -> None:
    read = reader(adapter, part)
    (record,) = (await read.page(asking(1))).records
    found = await failures(sandbox, lambda: read.by_key([record.native_id], frozenset({"raw"})))

    assert FAULTS.keys() == found.keys()


async def test_the_check_fails_with_the_error_that_stood_in_the_way(adapter: Adapter, sandbox: RunningSandbox) -> None:
    assert FAULTS.keys() == (await failures(sandbox, adapter.check)).keys()


async def test_an_answer_that_takes_too_long_times_out(vendor: Vendor, sandbox: RunningSandbox, part: ListPart) -> None:
    sandbox.fault(kind="hold", times=None)
    async with connected(vendor, sandbox, timeout=0.1) as hasty:
        error = await failure(reader(hasty, part).page(asking(2)))
    sandbox.clear_faults()

    assert (TimedOut, "test", True) == (type(error), error.backend, error.retryable)


async def test_one_failing_record_fails_alone(adapter: Adapter, sandbox: RunningSandbox, part: ListPart) -> None:
    read = reader(adapter, part)
    records = (await read.page(asking(3))).records
    before = sandbox.count()
    await read.by_key([record.native_id for record in records], frozenset({"raw"}))
    if len(sandbox.journal(before)) < len(records):
        return  # all of them are one call
    sandbox.fault(kind="status", status=500, times=1)
    answers = await read.by_key([record.native_id for record in records], frozenset({"raw"}))

    assert [Unavailable] == [type(answer) for answer in answers.values() if isinstance(answer, AdapterError)]


async def test_a_backend_that_is_not_there_is_unavailable(vendor: Vendor, sandbox: RunningSandbox) -> None:
    nowhere = RunningSandbox("http://127.0.0.1:9", "http://127.0.0.1:9/api", sandbox.credentials)
    async with connected(vendor, nowhere) as unreachable:
        error = await failure(unreachable.check())

    assert (Unavailable, True, "test") == (type(error), error.never_sent, error.backend)


async def test_a_redirect_to_another_host_is_not_followed(
    adapter: Adapter, sandbox: RunningSandbox, part: ListPart, httpserver: HTTPServer
) -> None:
    for status in (301, 302, 303, 307, 308):
        sandbox.fault(kind="status", status=status, headers={"Location": httpserver.url_for("/elsewhere")})
        error = await failure(reader(adapter, part).page(asking(2)))
        assert (error.backend, httpserver.log) == ("test", [])


async def test_a_sign_in_that_is_redirected_tells_nobody_else_the_credentials(
    vendor: Vendor, sandbox: RunningSandbox, httpserver: HTTPServer
) -> None:
    sandbox.fault(kind="status", status=307, headers={"Location": httpserver.url_for("/elsewhere")}, times=None)
    async with connected(vendor, sandbox) as adapter:
        error = await failure(adapter.check())

    assert (error.backend, httpserver.log) == ("test", [])


async def test_after_a_failure_the_next_read_works(adapter: Adapter, sandbox: RunningSandbox, part: ListPart) -> None:
    read = reader(adapter, part)
    whole = await everything(read)
    for kind in ("reset_before", "reset_after", "truncate"):
        sandbox.fault(kind=kind)
        assert isinstance(await failure(read.page(asking(2))), Unavailable)
        assert whole[:2] == list((await read.page(asking(2))).records)
