"""Signing in: once for all who wait, again when the token ends or is refused, and for nobody else's address."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest

from adapters.contract import AggregateRequest, Measure, OutcomeState, Subject
from adapters.errors import (
    AdapterError,
    BadCredentials,
    InvalidInput,
    MalformedAnswer,
    RateLimited,
    TimedOut,
    Unavailable,
)
from adapters.sage_intacct import vendor
from adapters.sage_intacct.credential import IntacctSettings
from adapters.shapes import RefusedError
from adapters.wire import CallInfo, Wire, WireRequest
from tests.connecting import NOW, RunningSandbox, asking, connected
from tests.vendors.sage_intacct.answering import BASE_URL
from tests.vendors.sage_intacct.watching import OBJECTS, Watch

CREDENTIALS = {"client_id": "app", "client_secret": "s3cr3t", "username": "robot@company"}
READ = WireRequest(operation="message.get", method="GET", path=("objects", "x", "1"))
WRITE = WireRequest(operation="message.create", method="POST", path=("objects", "x"), body=b'{"a":1}', write=True)
LATE = WireRequest(operation="message.get", method="GET", path=("objects", "late"))
TOKEN_IS_INVALID = {
    "error": {
        "code": "tokenInvalid",
        "message": "Token is not valid",
        "errorId": "REST-2102",
        "additionalInfo": {"messageId": "IA.TOKEN_IS_INVALID"},
        "supportId": "Kxi78",
    }
}


class Service:
    """A token endpoint that numbers its tokens, and a resource that takes the newest of them."""

    def __init__(self, **grant: Any) -> None:
        self.now = NOW
        self.grant = {"token_type": "Bearer", "expires_in": 43_200, **grant}
        self.logins: list[httpx.Request] = []
        self.calls: list[httpx.Request] = []
        self.valid: str | None = None
        self.late = asyncio.Event()
        self.late_is_here = asyncio.Event()
        self.refusal: Callable[[], httpx.Response] = lambda: httpx.Response(401, json=TOKEN_IS_INVALID)
        self.login: Callable[[], httpx.Response] = self.granted
        self.transport = vendor.authenticate(
            httpx.MockTransport(self.answer),
            key="test",
            base_url=BASE_URL,
            credentials=vendor.credentials.of(CREDENTIALS),
            settings=vendor.settings(),
            clock=self.clock,
        )
        self.wire = Wire(backend="test", base_url=BASE_URL, transport=self.transport)

    def clock(self) -> datetime:
        return self.now

    def granted(self) -> httpx.Response:
        self.valid = f"token-{len(self.logins)}"
        return httpx.Response(200, json={"access_token": self.valid, **self.grant})

    async def answer(self, request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(0)  # lets the others come
        if request.url.path.endswith("/oauth2/token"):
            self.logins.append(request)
            return self.login()
        self.calls.append(request)
        if request.url.path.endswith("/late"):
            self.late_is_here.set()
            await self.late.wait()
        if request.headers.get("authorization") != f"Bearer {self.valid}":
            return self.refusal()
        return httpx.Response(200, json={"ia::result": {"key": "1"}})

    @property
    def tokens(self) -> list[str]:
        return [request.headers["authorization"] for request in self.calls]


async def failure(service: Service, request: WireRequest = READ) -> AdapterError:
    with pytest.raises(AdapterError) as raised:
        await service.wire.send(request)
    return raised.value


async def test_the_sign_in_is_the_client_credentials_grant_as_a_form() -> None:
    service = Service()
    await service.wire.send(READ)
    (login,) = service.logins
    assert (login.method, str(login.url)) == ("POST", f"{BASE_URL}/oauth2/token")
    assert login.headers["content-type"] == "application/x-www-form-urlencoded"
    assert parse_qs(login.content.decode()) == {
        "grant_type": ["client_credentials"],
        "client_id": ["app"],
        "client_secret": ["s3cr3t"],
        "username": ["robot@company"],
    }
    assert "authorization" not in login.headers
    assert login.extensions["postroom"] == CallInfo(
        backend="test", operation="session.login", method="POST", path=("oauth2", "token")
    )


async def test_many_requests_sign_in_once() -> None:
    service = Service()
    answers = await asyncio.gather(*(service.wire.send(READ) for _ in range(20)))
    assert ([answer.status for answer in answers], len(service.logins)) == ([200] * 20, 1)
    assert service.tokens == ["Bearer token-1"] * 20


async def test_a_failing_sign_in_fails_all_who_wait_and_is_tried_anew_after() -> None:
    service = Service()
    service.login = lambda: httpx.Response(503)
    failures = await asyncio.gather(*(service.wire.send(READ) for _ in range(5)), return_exceptions=True)
    assert ([type(one) for one in failures], len(service.logins), service.calls) == ([Unavailable] * 5, 1, [])
    service.login = service.granted
    assert (await service.wire.send(READ)).status == 200


async def test_one_who_leaves_does_not_end_the_sign_in_of_the_others() -> None:
    service = Service()
    first = asyncio.create_task(service.wire.send(READ))
    others = [asyncio.create_task(service.wire.send(READ)) for _ in range(3)]
    await asyncio.sleep(0)
    first.cancel()
    assert [(await other).status for other in others] == [200] * 3
    assert len(service.logins) == 1
    assert first.cancelled()


async def test_a_refused_token_is_renewed_once_for_all_and_each_request_sent_once_more() -> None:
    service = Service()
    await service.wire.send(READ)
    service.valid = "revoked"
    answers = await asyncio.gather(*(service.wire.send(WRITE) for _ in range(10)))
    assert ([answer.status for answer in answers], len(service.logins)) == ([200] * 10, 2)
    assert sorted(service.tokens[1:]) == ["Bearer token-1"] * 10 + ["Bearer token-2"] * 10
    assert {request.content for request in service.calls[1:]} == {b'{"a":1}'}


async def test_one_refused_with_an_older_token_takes_the_new_one_and_signs_in_no_further() -> None:
    service = Service()
    await service.wire.send(READ)
    late = asyncio.create_task(service.wire.send(LATE))
    await service.late_is_here.wait()
    service.valid = "revoked"
    await service.wire.send(READ)
    service.late.set()
    assert ((await late).status, len(service.logins)) == (200, 2)


@pytest.mark.parametrize(
    "refusal",
    [
        lambda: httpx.Response(400, json=TOKEN_IS_INVALID),
        lambda: httpx.Response(400, json={"ia::error": {"errorId": "GW-0031", "message": "x"}}),
        lambda: httpx.Response(400, json={"ia::result": {"ia::error": {"message": "Invalid token."}}}),
    ],
)
async def test_a_token_is_refused_under_400_too(refusal: Callable[[], httpx.Response]) -> None:
    service = Service()
    await service.wire.send(READ)
    service.valid, service.refusal = "revoked", refusal
    assert (await service.wire.send(WRITE)).status == 200
    assert len(service.logins) == 2


@pytest.mark.parametrize("status", [400, 403, 500])
async def test_another_refusal_is_passed_on_whole_and_nothing_sent_again(status: int) -> None:
    service = Service()
    await service.wire.send(READ)
    body = json.dumps({"ia::result": {"ia::error": {"message": "Payload contains errors"}}}).encode()
    service.valid, service.refusal = "revoked", lambda: httpx.Response(status, content=body, headers={"x-ia-a": "b"})
    answer = await service.wire.send(WRITE)
    assert (answer.status, answer.body, answer.headers["x-ia-a"]) == (status, body, "b")
    assert (len(service.logins), len(service.calls)) == (1, 2)


async def test_a_refusal_that_comes_in_parts_is_passed_on_whole(sandbox: RunningSandbox) -> None:
    async with connected(vendor, sandbox) as adapter:
        assert adapter.aggregate is not None
        measures = (Measure("sum", "shoeSize"),)
        with pytest.raises(InvalidInput) as raised:
            await adapter.aggregate(
                AggregateRequest(subject=Subject.CUSTOMERS, measures=measures, options=asking().options)
            )
        assert raised.value.vendor_code == "REST-1064"


async def test_a_refusal_without_end_is_not_read_to_it() -> None:
    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b"x" * 65_536

    service = Service()
    await service.wire.send(READ)
    service.valid, service.refusal = "revoked", lambda: httpx.Response(400, content=endless())
    error = await failure(service, WRITE)
    assert (type(error), error.operation) == (MalformedAnswer, "message.create")
    assert vendor.outcomes.of(error).state is OutcomeState.UNDONE


async def test_a_token_refused_twice_is_not_renewed_twice() -> None:
    service = Service()
    service.login = lambda: httpx.Response(200, json={"access_token": "never-good", "expires_in": 60})
    assert (await service.wire.send(READ)).status == 401
    assert (len(service.logins), len(service.calls)) == (2, 2)


@pytest.mark.parametrize(
    ("grant", "seconds", "logins"),
    [
        ({"expires_in": 43_200}, 43_200 - 61, 1),
        ({"expires_in": 43_200}, 43_200 - 60, 2),
        ({"expires_in": 100}, 89, 1),
        ({"expires_in": 100}, 90, 2),
        ({"expires_in": None}, 1_000_000, 1),
    ],
)
async def test_a_token_is_used_until_shortly_before_it_ends(grant: dict[str, Any], seconds: int, logins: int) -> None:
    service = Service(**grant)
    await service.wire.send(READ)
    service.now = NOW + timedelta(seconds=seconds)
    await service.wire.send(READ)
    assert len(service.logins) == logins


@pytest.mark.parametrize(
    "url",
    [
        "https://elsewhere.example/ia/api/v1/objects/x",
        "http://intacct.example/ia/api/v1/objects/x",
        "https://intacct.example:8443/ia/api/v1/objects/x",
        "https://intacct.example/ia/api/v2/objects/x",
        "https://intacct.example/ia/api/v10/objects/x",
        "https://intacct.example/ia/api/v1/%2e%2e/v2/objects/x",
        "https://intacct.example/ia/api/v1/..%2Fv2/objects/x",
    ],
)
async def test_no_other_address_gets_a_token(url: str) -> None:
    service = Service()
    await service.transport.handle_async_request(httpx.Request("GET", url))
    assert ["authorization" in request.headers for request in service.calls] == [False]
    assert service.logins == []


@pytest.mark.parametrize(
    ("login", "kind"),
    [
        (lambda: httpx.Response(401, json={"error": "invalid_client"}), BadCredentials),
        (
            lambda: httpx.Response(400, json={"ia::error": {"message": "robot@company?", "errorId": "x"}}),
            BadCredentials,
        ),
        (lambda: httpx.Response(403), BadCredentials),
        (lambda: httpx.Response(429, headers={"retry-after": "3"}), RateLimited),
        (lambda: httpx.Response(500), Unavailable),
        (lambda: httpx.Response(200, content=b"<html>"), MalformedAnswer),
        (lambda: httpx.Response(200, json={"token_type": "Bearer"}), MalformedAnswer),
        (lambda: httpx.Response(200, json={"access_token": "a\r\nb"}), MalformedAnswer),
    ],
)
async def test_a_refused_sign_in_says_so_without_a_secret(
    login: Callable[[], httpx.Response], kind: type[AdapterError]
) -> None:
    service = Service()
    service.login = login
    error = await failure(service, WRITE)
    assert type(error) is kind
    assert (error.backend, error.operation, error.never_sent) == ("test", "session.login", True)
    assert [word for word in ("s3cr3t", "robot", "app", "a\r\nb") if word in f"{error} {error!r}"] == []
    assert service.calls == []


@pytest.mark.parametrize(
    ("problem", "kind"),
    [(httpx.ReadTimeout, TimedOut), (httpx.ReadError, Unavailable), (httpx.ConnectError, Unavailable)],
)
async def test_a_sign_in_that_gets_no_answer_leaves_the_write_undone(
    problem: type[httpx.TransportError], kind: type[AdapterError]
) -> None:
    service = Service()

    def fail() -> httpx.Response:
        raise problem("x")

    service.login = fail
    error = await failure(service, WRITE)
    assert (type(error), error.never_sent) == (kind, True)


async def test_closing_ends_a_sign_in_under_way() -> None:
    service = Service()
    waiting = asyncio.create_task(service.wire.send(READ))
    await asyncio.sleep(0)
    await service.transport.aclose()
    with pytest.raises(asyncio.CancelledError):
        await waiting


def test_credentials_name_the_company_and_show_no_secret() -> None:
    with pytest.raises(RefusedError) as raised:
        vendor.credentials.of({**CREDENTIALS, "username": "robot"})
    assert "robot" not in str(raised.value)
    assert "s3cr3t" not in repr(vendor.credentials.of(CREDENTIALS))


async def test_the_emulator_takes_the_sign_in_and_a_renewal(
    sandbox: RunningSandbox, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with connected(vendor, sandbox) as adapter:
        assert adapter.messages is not None
        watch = Watch(sandbox)
        await adapter.messages.page(asking())
        sandbox.fault(kind="expire_session", route=f"GET {OBJECTS}*")
        found = await adapter.messages.by_key(["1"], frozenset({"raw"}))
        assert not isinstance(found["1"], AdapterError)
        assert [line.split("/v1")[1] for line in watch.lines] == [
            "/oauth2/token",
            "/services/core/query",
            "/objects/accounts-receivable/customer-message/1",
            "/oauth2/token",
            "/objects/accounts-receivable/customer-message/1",
        ]
    assert sandbox.credentials["client_secret"] not in caplog.text


@pytest.mark.parametrize("entity", ["", "E100\r\nX-Other: 1", "E100\n", "Zürich", "\x00"])
def test_an_entity_fits_a_header(entity: str) -> None:
    with pytest.raises(ValueError, match="entity"):
        IntacctSettings.of({"entity": entity})
