"""Whatever is told of calls, no credential and no session is in it: lines, metrics, spans, answers, explanations."""

import base64
import contextlib
import dataclasses
import html
import io
import json
import logging
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any
from urllib.parse import quote, quote_plus

import httpx
import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import gateway.app
from adapters.sandbox_server import SandboxServer
from adapters.sandboxing import Fault
from adapters.shapes import members_of
from gateway.logs import configure_logs
from gateway.settings import Settings
from gateway.tracing import Tracing
from tests.contract.test_secrets import sessions
from tests.end_to_end.stage import VENDORS, configured, emulators, served
from tests.faults.fault_proxy import nowhere
from tests.gateway.postroom import logs_restored
from tests.patience import PATIENCE

NAMES = sorted(VENDORS)

EVERYTHING = (
    "{ customers(first: 2) { nodes { id name raw counterparts { name } documents(first: 1) { nodes { title } }"
    " letters(first: 1) { nodes { title raw } } } problems { code message vendorCode } }"
    " documents(first: 2) { nodes { id title } problems { code message } } }"
)

QUESTIONS = (
    EVERYTHING,
    'mutation { createMessage(input: {backend: "sage-intacct", code: "X", text: "Y"}) { problems { code message } } }',
    'mutation { deliverDocument(input: {document: "%s"}) { problems { code message } dispatch { id } } }',
    "{ backends { key health { state problem { message } } } }",
)

FAULTS: tuple[dict[str, Any], ...] = (
    {"kind": "reset_before"},
    {"kind": "truncate"},
    {"kind": "garbage"},
    {"kind": "status", "status": 302},
    {"kind": "status", "status": 400},
    {"kind": "status", "status": 401},
    {"kind": "status", "status": 429},
    {"kind": "status", "status": 500},
)

AWKWARD = 'q"/+%41&zz\\9'
"""Written otherwise in a URL, a form, JSON, HTML."""


def forms(secret: str) -> Iterator[str]:
    """A secret as it may be written, also within something longer that is base64."""
    yield from (secret, quote(secret), quote(secret, safe=""), quote_plus(secret), html.escape(secret))
    yield from (json.dumps(secret)[1:-1], repr(secret)[1:-1], secret.encode().hex())
    for before in range(3):
        whole = base64.b64encode(b"\0" * before + secret.encode()).decode().rstrip("=")
        yield whole[(before * 8 + 5) // 6 : -1]


def found(text: str, secrets: set[str]) -> list[str]:
    return sorted(secret for secret in secrets if any(form in text for form in forms(secret)))


class Told:
    """All that a gateway told while it was asked: gathered as it came."""

    def __init__(self) -> None:
        self.stream = io.StringIO()
        self.exporter = InMemorySpanExporter()
        self.answers: list[str] = []

    def text(self) -> str:
        """Everything, less what the emulators' own servers log."""
        lines = [line for line in self.stream.getvalue().splitlines() if '"logger": "uvicorn' not in line]
        spans = [span.to_json() for span in self.exporter.get_finished_spans()]
        return "\n".join([*lines, *spans, *self.answers])


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Iterator[Told]:
    """Logs at DEBUG, with no known secret struck out; spans as they would be sent."""
    told = Told()

    @contextlib.asynccontextmanager
    async def traced(_: Settings) -> AsyncIterator[Tracing]:
        tracing = Tracing(told.exporter)
        yield tracing
        tracing.close()

    monkeypatch.setattr(gateway.app, "traced", traced)
    with logs_restored():
        configure_logs(stream=told.stream, level=logging.DEBUG)
        yield told


def ask(url: str, told: Told) -> None:
    """Every question, explained; and the metrics."""
    headers = {"X-Postroom-Explain": "1"}
    with httpx.Client(base_url=url, trust_env=False, timeout=PATIENCE) as client:
        for question in QUESTIONS:
            answer = client.post("/graphql", json={"query": question.replace("%s", DOCUMENT)}, headers=headers)
            told.answers += [answer.text, str(answer.headers)]
        told.answers.append(client.get("/metrics").text)
        told.answers.append(client.get("/readyz").text)


DOCUMENT = base64.urlsafe_b64encode(b"no document").decode()


def check(told: Told, secrets: set[str]) -> None:
    text = told.text()
    assert '"event": "vendor call"' in text
    assert "postroom_vendor_calls_total" in text
    assert "vendorCalls" in text
    assert '"url.template"' in text
    assert found(text, secrets) == []


def credentials_of(server: SandboxServer) -> set[str]:
    return {value for sandbox in server.sandboxes.values() for value in sandbox.access.credentials.values()}


def sessions_of(server: SandboxServer) -> set[str]:
    entries = [dict(entry) for sandbox in server.sandboxes.values() for entry in sandbox.state.journal_since(0)]
    return sessions(entries)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: "-".join(map(str, fault.values())))
def test_calls_that_fail_tell_no_credential_and_no_session(told: Told, fault: Mapping[str, Any]) -> None:
    with emulators() as server:
        secrets = credentials_of(server)
        quoted = f"Cannot GET /token/{min(secrets)}/x?{' '.join(sorted(secrets))}"
        members = {**fault, "body": quoted} if fault["kind"] in ("status", "garbage") else dict(fault)
        with served(configured(server)) as url:
            ask(url, told)
            for sandbox in server.sandboxes.values():
                sandbox.state.faults.append(Fault(**{**members, "times": None}))
            ask(url, told)
        check(told, secrets | sessions_of(server))


@pytest.mark.parametrize("name", NAMES)
def test_a_refused_sign_in_tells_no_credential(told: Told, name: str) -> None:
    fields = list(members_of(VENDORS[name].credentials))
    wrong = {field: f"{AWKWARD}-{field}@x" for field in fields}
    with emulators() as server:
        with served(configured(server, **{name: {"credentials": wrong}})) as url:
            ask(url, told)
        check(told, {*wrong.values(), *credentials_of(server)})


def test_vendors_that_are_not_there_make_nothing_tell_a_credential(told: Told) -> None:
    with emulators() as server, nowhere() as elsewhere:
        settings = configured(server)
        away = [dataclasses.replace(one, base_url=elsewhere) for one in settings.backends]
        with served(dataclasses.replace(settings, backends=tuple(away))) as url:
            ask(url, told)
        check(told, credentials_of(server))


@pytest.mark.parametrize("form", list(forms(AWKWARD)))
def test_a_secret_would_be_found_in_each_form(form: str) -> None:
    assert found(f"x{form}y", {AWKWARD}) == [AWKWARD]


@pytest.mark.parametrize("user", ["a", "ab", "abc"])
def test_a_secret_would_be_found_in_basic_authorization(user: str) -> None:
    header = base64.b64encode(f"{user}:{AWKWARD}".encode()).decode()
    assert found(header, {AWKWARD}) == [AWKWARD]
