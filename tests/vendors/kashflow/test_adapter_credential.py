"""Signing in: once for all who wait, again when the session has ended, never to another host, never in the open."""

import asyncio
import json
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from adapters.errors import AdapterError, BadCredentials, MalformedAnswer, RateLimited, TimedOut, Unavailable
from adapters.kashflow import vendor
from adapters.kashflow.credential import OPERATION
from adapters.shapes import RefusedError
from tests.connecting import NOW, RunningSandbox, asking, connected, running_sandbox

BASE = "https://vendor.example/v2"
SECRETS = {"username": "u-secret", "password": "p-secret", "memorable_word": "Word-of-Secret"}
LETTERS = [{"Position": 3, "Value": "r"}, {"Position": 1, "Value": "W"}, {"Position": 14, "Value": "t"}]


class Service:
    """The vendor's two steps and one resource, with what has been asked of it."""

    def __init__(self) -> None:
        self.now = NOW
        self.positions = [3, 1, 14]
        self.asked: list[httpx.Request] = []
        self.tokens: list[str] = []
        self.live: set[str] = set()
        self.sign_in: Callable[[httpx.Request], httpx.Response | None] = lambda _: None
        self.hold = asyncio.Event()
        self.hold.set()

    def clock(self) -> datetime:
        return self.now

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        if request.url.path != "/v2/sessiontoken":
            token = request.headers.get("authorization", "").removeprefix("KfToken ")
            return httpx.Response(200 if token in self.live else 401, json={})
        await self.hold.wait()
        refusal = self.sign_in(request)
        if refusal is not None:
            return refusal
        if request.method == "POST":
            asked = [{"Position": position, "Value": ""} for position in self.positions]
            return httpx.Response(201, json={"TemporaryToken": "temporary", "MemorableWordList": asked})
        self.tokens.append(f"TOKEN-{len(self.tokens) + 1}")
        self.live.add(self.tokens[-1])
        return httpx.Response(200, json={"SessionToken": self.tokens[-1]})

    def counts(self) -> Counter[str]:
        return Counter(f"{request.method} {request.url.path}" for request in self.asked)


@pytest.fixture
def service() -> Service:
    return Service()


@pytest.fixture
def transport(service: Service) -> httpx.AsyncBaseTransport:
    return vendor.authenticate(
        httpx.MockTransport(service),
        key="test",
        base_url=BASE,
        credentials=vendor.credentials.of(SECRETS),
        settings=vendor.settings(),
        clock=service.clock,
    )


async def ask(transport: httpx.AsyncBaseTransport, url: str = f"{BASE}/customers", **members: Any) -> httpx.Response:
    return await transport.handle_async_request(httpx.Request("GET", url, **members))


async def test_the_two_steps_are_the_pages(service: Service, transport: httpx.AsyncBaseTransport) -> None:
    await ask(transport)
    first, second, call = service.asked
    assert (first.method, second.method) == ("POST", "PUT")
    assert json.loads(first.content) == {"UserName": "u-secret", "Password": "p-secret"}
    assert json.loads(second.content) == {
        "TemporaryToken": "temporary",
        "MemorableWordList": LETTERS,
        "KeepUserLoggedIn": False,
    }
    assert {step.headers["content-type"] for step in (first, second)} == {"application/json"}
    assert call.headers["authorization"] == "KfToken TOKEN-1"


async def test_signing_in_says_what_it_is_and_carries_no_session(
    service: Service, transport: httpx.AsyncBaseTransport
) -> None:
    await ask(transport)
    service.live.clear()
    await ask(transport)
    steps = [request for request in service.asked if request.url.path.endswith("/sessiontoken")]
    assert len(steps) == 4
    assert not any("authorization" in step.headers for step in steps)
    infos = [step.extensions["postroom"] for step in steps]
    assert {(info.backend, info.operation, info.write) for info in infos} == {("test", OPERATION, False)}


async def test_all_who_wait_share_one_sign_in(service: Service, transport: httpx.AsyncBaseTransport) -> None:
    answers = await asyncio.gather(*(ask(transport) for _ in range(20)))
    assert [answer.status_code for answer in answers] == [200] * 20
    assert service.counts() == {"POST /v2/sessiontoken": 1, "PUT /v2/sessiontoken": 1, "GET /v2/customers": 20}


async def test_all_whose_session_has_ended_share_one_sign_in(
    service: Service, transport: httpx.AsyncBaseTransport
) -> None:
    await ask(transport)
    service.live.clear()
    answers = await asyncio.gather(*(ask(transport) for _ in range(20)))
    assert [answer.status_code for answer in answers] == [200] * 20
    assert service.counts()["PUT /v2/sessiontoken"] == 2


async def test_a_late_401_of_an_old_session_does_not_end_the_new_one(
    service: Service, transport: httpx.AsyncBaseTransport
) -> None:
    await ask(transport)
    late = asyncio.Event()
    through = service.__call__

    async def slow(request: httpx.Request) -> httpx.Response:
        answer = await through(request)
        if request.url.path.endswith("/slow") and answer.status_code == 401:
            await late.wait()
        return answer

    transport._inner.handler = slow  # type: ignore[attr-defined]
    service.live.clear()
    waiting = asyncio.create_task(ask(transport, f"{BASE}/slow"))
    await asyncio.sleep(0)
    assert (await ask(transport)).status_code == 200
    late.set()
    assert (await waiting).status_code == 200
    assert service.tokens == ["TOKEN-1", "TOKEN-2"]


async def test_a_session_refused_twice_is_refused(service: Service, transport: httpx.AsyncBaseTransport) -> None:
    service.live = set()
    service.tokens = []

    def only_dead_sessions(request: httpx.Request) -> httpx.Response | None:
        return httpx.Response(200, json={"SessionToken": "dead"}) if request.method == "PUT" else None

    service.sign_in = only_dead_sessions
    assert (await ask(transport)).status_code == 401
    assert service.counts() == {"POST /v2/sessiontoken": 2, "PUT /v2/sessiontoken": 2, "GET /v2/customers": 2}


async def test_a_body_is_sent_again_whole(service: Service, transport: httpx.AsyncBaseTransport) -> None:
    await ask(transport)
    service.live.clear()
    await transport.handle_async_request(httpx.Request("POST", f"{BASE}/x", content=b'["1"]'))
    sent = [
        (request.content, request.headers["content-length"]) for request in service.asked if request.url.path == "/v2/x"
    ]
    assert sent == [(b'["1"]', "5")] * 2


async def test_a_failed_sign_in_fails_all_who_wait(service: Service, transport: httpx.AsyncBaseTransport) -> None:
    service.sign_in = lambda _: httpx.Response(503)
    errors = await asyncio.gather(*(ask(transport) for _ in range(5)), return_exceptions=True)
    assert [type(error) for error in errors] == [Unavailable] * 5
    assert service.counts() == {"POST /v2/sessiontoken": 1}


async def test_who_leaves_does_not_end_the_sign_in_of_the_others(
    service: Service, transport: httpx.AsyncBaseTransport
) -> None:
    service.hold.clear()
    leaving, staying = asyncio.create_task(ask(transport)), asyncio.create_task(ask(transport))
    await asyncio.sleep(0)
    leaving.cancel()
    await asyncio.sleep(0)
    service.hold.set()
    assert (await staying).status_code == 200
    assert leaving.cancelled()
    assert service.counts()["POST /v2/sessiontoken"] == 1


@pytest.mark.parametrize(
    "url",
    [
        "https://elsewhere.example/v2/customers",
        "http://vendor.example/v2/customers",
        "https://vendor.example:8443/v2/customers",
        "https://vendor.example/v20/customers",
        "https://vendor.example/v1/customers",
        "https://vendor.example.elsewhere.example/v2/customers",
        "https://vendor.example@elsewhere.example/v2/customers",
        "https://vendor.example/v2/%2e%2e/v1/customers",
        "https://vendor.example/v2/..%2Fv1/customers",
    ],
)
async def test_no_url_outside_the_base_gets_the_session(
    service: Service, transport: httpx.AsyncBaseTransport, url: str
) -> None:
    await ask(transport)
    service.asked.clear()
    await ask(transport, url)
    [request] = service.asked
    assert "KfToken" not in str(request.headers.raw)


async def test_the_request_above_never_holds_the_session(transport: httpx.AsyncBaseTransport) -> None:
    request = httpx.Request("GET", f"{BASE}/customers", headers={"accept": "application/json"})
    await transport.handle_async_request(request)
    assert "authorization" not in request.headers


REFUSAL = {"Error": "InvalidCredentials", "Message": "Invalid user name or password."}
LOCKED = {"Error": "AccountLocked", "Message": "User account is locked, please contact administrator."}
TIME_OUT = {"Error": "-2146232060", "Message": "Execution Timeout Expired."}


@pytest.mark.parametrize("step", ["POST", "PUT"])
@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, REFUSAL, BadCredentials),
        (401, LOCKED, BadCredentials),
        (403, {}, BadCredentials),
        (400, TIME_OUT, Unavailable),
        (429, {}, RateLimited),
        (500, {}, Unavailable),
        (504, {}, TimedOut),
        (200, {"Something": "else"}, MalformedAnswer),
        (200, {"TemporaryToken": "t", "SessionToken": "a\r\nHost: b", "MemorableWordList": 3}, MalformedAnswer),
    ],
)
async def test_a_sign_in_that_fails_says_why_and_that_nothing_was_sent(
    service: Service,
    transport: httpx.AsyncBaseTransport,
    step: str,
    status: int,
    body: dict[str, Any],
    kind: type[AdapterError],
) -> None:
    service.sign_in = lambda request: httpx.Response(status, json=body) if request.method == step else None
    with pytest.raises(AdapterError) as caught:
        await ask(transport)
    error = caught.value
    assert type(error) is kind
    assert (error.operation, error.backend, error.never_sent) == (OPERATION, "test", True)
    assert error.vendor_code == body.get("Error")


async def test_a_letter_that_the_word_lacks_ends_the_sign_in(
    service: Service, transport: httpx.AsyncBaseTransport
) -> None:
    service.positions = [1, 15]
    with pytest.raises(BadCredentials, match="memorable word"):
        await ask(transport)
    assert service.counts() == {"POST /v2/sessiontoken": 1}


async def test_refused_credentials_are_not_tried_again_for_a_while(
    service: Service, transport: httpx.AsyncBaseTransport
) -> None:
    service.sign_in = lambda _: httpx.Response(400, json=REFUSAL)
    for _ in range(5):
        with pytest.raises(BadCredentials, match="refused to sign in"):
            await ask(transport)
    assert service.counts() == {"POST /v2/sessiontoken": 1}
    service.now += timedelta(minutes=10)
    service.sign_in = lambda _: None
    assert (await ask(transport)).status_code == 200


@pytest.mark.parametrize("status", [400, 401, 403])
async def test_a_refusal_without_a_code_is_not_tried_again_either(
    service: Service, transport: httpx.AsyncBaseTransport, status: int
) -> None:
    service.sign_in = lambda _: httpx.Response(status, text="<html>no</html>")
    for _ in range(3):
        with pytest.raises(BadCredentials):
            await ask(transport)
    assert service.counts() == {"POST /v2/sessiontoken": 1}


async def test_a_refusal_told_again_is_another_exception_with_the_same_members(
    service: Service, transport: httpx.AsyncBaseTransport
) -> None:
    service.sign_in = lambda _: httpx.Response(400, json=REFUSAL)
    told = []
    for _ in range(3):
        with pytest.raises(BadCredentials) as caught:
            await ask(transport)
        told.append(caught.value)
    assert len({id(error) for error in told}) == 3
    members = [{name: of for name, of in vars(error).items() if name != "asked"} for error in told]
    assert members == [members[0]] * 3


async def test_an_unreachable_vendor_is_tried_again_at_once(
    service: Service, transport: httpx.AsyncBaseTransport
) -> None:
    service.sign_in = lambda _: httpx.Response(503)
    with pytest.raises(Unavailable):
        await ask(transport)
    service.sign_in = lambda _: None
    assert (await ask(transport)).status_code == 200


async def test_a_failed_sign_in_with_nobody_left_is_no_loose_end(
    service: Service, transport: httpx.AsyncBaseTransport
) -> None:
    service.hold.clear()
    service.sign_in = lambda _: httpx.Response(503)
    leaving = asyncio.create_task(ask(transport))
    await asyncio.sleep(0)
    leaving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaving
    service.hold.set()
    service.sign_in = lambda _: None
    assert (await ask(transport)).status_code == 200


async def test_secrets_are_in_no_text(service: Service, transport: httpx.AsyncBaseTransport) -> None:
    credentials = vendor.credentials.of(SECRETS)
    service.sign_in = lambda _: httpx.Response(400, json=REFUSAL)
    with pytest.raises(BadCredentials) as caught:
        await ask(transport)
    with pytest.raises(RefusedError) as refused:
        vendor.credentials.of({**SECRETS, "more": "m-secret"})
    texts = [repr(credentials), str(credentials), str(caught.value), repr(vars(caught.value)), str(refused.value)]
    assert not [text for text in texts if "secret" in text.lower().replace("secretstr", "")]


async def test_closing_closes_what_is_beneath(transport: httpx.AsyncBaseTransport) -> None:
    closed = asyncio.Event()

    async def close() -> None:
        closed.set()

    transport._inner.aclose = close  # type: ignore[attr-defined]
    await transport.aclose()
    assert closed.is_set()


@pytest.mark.parametrize("wrong", [{"password": "no"}, {"memorable_word": "xxxxxxxxxxx"}, {"username": "nobody"}])
async def test_wrong_credentials_are_the_backends_fault(wrong: dict[str, str]) -> None:
    with running_sandbox(vendor) as sandbox:
        async with connected(vendor, sandbox, credentials={**sandbox.credentials, **wrong}) as adapter:
            with pytest.raises(BadCredentials):
                await adapter.check()


async def test_an_expired_session_is_renewed_within_the_call() -> None:
    with running_sandbox(vendor) as sandbox:
        async with connected(vendor, sandbox) as adapter:
            assert adapter.customers is not None
            await adapter.check()
            since = sandbox.count()
            sandbox.fault(kind="expire_session")
            assert (await adapter.customers.page(asking(1))).records
        assert _statuses(sandbox, since) == [401, 201, 200, 200]


def _statuses(sandbox: RunningSandbox, since: int) -> list[int]:
    return [entry["status"] for entry in sandbox.journal(since)]
