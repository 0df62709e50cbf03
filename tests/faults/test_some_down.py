"""Any backends may be down, slow or out of their minds: the others answer, and who is missing is named."""

import concurrent.futures
import contextlib
import dataclasses
import io
import itertools
import json
import logging
import re
import time
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from adapters.registry import load_vendors
from gateway.logs import configure_logs
from gateway.settings import Settings, sandbox_settings
from tests.end_to_end.stage import served
from tests.faults.fault_proxy import Fault
from tests.faults.proxied import NAMES, Proxied
from tests.faults.wire_faults import answers, reset, stalled
from tests.gateway.postroom import logs_restored
from tests.patience import PATIENCE

Company = Mapping[str, Proxied]

SECONDS = 3.0
"""What a backend is given for a call that will not be answered, once it has been signed in to."""

LIMIT = 30.0
"""Seconds in which an answer has come, whatever its backends do."""

KEYS = tuple(name.replace("_", "-") for name in NAMES)
SOME = [down for count in (1, 2, 3) for down in itertools.combinations(NAMES, count)]
TROUBLES: Mapping[str, tuple[Fault, str]] = {
    "down": (reset("before"), "UNAVAILABLE"),
    "slow": (stalled("answering"), "TIMEOUT"),
    "nonsense": (answers(200, "<h1>Welcome</h1>"), "MALFORMED_RESPONSE"),
}

CUSTOMERS = (
    "query ($after: String, $backends: [String!]) { customers(first: 300, after: $after, backends: $backends) {"
    " nodes { id backend { key } } pageInfo { hasNextPage endCursor } problems { code backend } } }"
)


@pytest.fixture
def company(_proxied_vendors: Company) -> Iterator[Company]:
    """All vendors behind their proxies, without faults."""
    yield _proxied_vendors
    for one in _proxied_vendors.values():
        one.proxy.heal()
        one.proxy.forget()


def settings_over(company: Company, folder: Path, silent: Collection[str]) -> Settings:
    settings = sandbox_settings(
        {name: one.proxy.url + one.sandbox.access.base_path for name, one in company.items()},
        {name: one.sandbox.access.credentials for name, one in company.items()},
        load_vendors(),
        ledger=folder / "ledger.sqlite3",
    )
    backends = tuple(
        dataclasses.replace(backend, timeout=SECONDS if backend.vendor.name in silent else PATIENCE)
        for backend in settings.backends
    )
    return dataclasses.replace(settings, backends=backends)


@contextlib.contextmanager
def asking(company: Company, folder: Path, silent: Collection[str] = NAMES) -> Iterator[httpx.Client]:
    """A client of a gateway of its own: what an earlier one knew of its backends is forgotten.

    Backends that will not be ``silent`` have all the time that a busy machine may take.
    """
    with (
        served(settings_over(company, folder, silent)) as url,
        httpx.Client(base_url=url, trust_env=False, timeout=PATIENCE) as client,
    ):
        yield client


def ask(client: httpx.Client, query: str, **variables: Any) -> Any:
    return client.post("/graphql", json={"query": query, "variables": variables}).json()


def key_of(name: str) -> str:
    return name.replace("_", "-")


@pytest.mark.parametrize("trouble", TROUBLES)
@pytest.mark.parametrize("down", SOME, ids="+".join)
def test_the_others_answer_and_each_missing_one_is_named(
    company: Company, tmp_path: Path, down: tuple[str, ...], trouble: str
) -> None:
    fault, code = TROUBLES[trouble]
    with asking(company, tmp_path, down if trouble == "slow" else ()) as client:
        ask(client, CUSTOMERS)  # signed in
        for name in down:
            company[name].proxy.play(fault)
        begun = time.monotonic()
        answer = ask(client, CUSTOMERS)
        assert time.monotonic() - begun < LIMIT

    customers = answer["data"]["customers"]
    assert "errors" not in answer
    assert [(one["backend"], one["code"]) for one in customers["problems"]] == [(key_of(name), code) for name in down]
    assert customers["pageInfo"]["hasNextPage"]
    shown = {node["backend"]["key"] for node in customers["nodes"]}
    up = [key for key in KEYS if key not in map(key_of, down)]
    assert (bool(shown), shown - set(up)) == (True, set())


@pytest.mark.parametrize("trouble", TROUBLES)
def test_paging_goes_on_where_it_failed_and_shows_every_customer_once(
    company: Company, tmp_path: Path, trouble: str
) -> None:
    failing = {0: NAMES[:2], 1: NAMES[1:], 3: NAMES[2:3]}
    found: list[str] = []
    with asking(company, tmp_path) as client:
        ask(client, CUSTOMERS)  # signed in
        after = None
        for number in range(50):
            for name in NAMES:
                company[name].proxy.heal()
            for name in failing.get(number, ()):
                company[name].proxy.play(TROUBLES[trouble][0])
            page = ask(client, CUSTOMERS, after=after)["data"]["customers"]
            found += [node["id"] for node in page["nodes"]]
            after = page["pageInfo"]["endCursor"]
            if not page["pageInfo"]["hasNextPage"]:
                break
    assert (len(found), len(set(found))) == (963, 963)


def test_who_asks_the_others_does_not_wait_for_the_slow_ones(company: Company, tmp_path: Path) -> None:
    slow, quick = NAMES[:3], NAMES[3]
    with asking(company, tmp_path, slow) as client, concurrent.futures.ThreadPoolExecutor(1) as thread:
        ask(client, CUSTOMERS)  # signed in
        for name in slow:
            company[name].proxy.play(stalled("answering"))
        waiting = thread.submit(ask, client, CUSTOMERS, backends=list(map(key_of, slow)))
        answer = ask(client, CUSTOMERS, backends=[key_of(quick)])
        assert not waiting.done()
        assert answer["data"]["customers"]["problems"] == []
        problems = waiting.result()["data"]["customers"]["problems"]
    assert [one["code"] for one in problems] == ["TIMEOUT"] * 3


@pytest.mark.parametrize("trouble", TROUBLES)
def test_with_all_down_the_gateway_starts_and_says_so_and_recovers(
    company: Company, tmp_path: Path, trouble: str
) -> None:
    fault, code = TROUBLES[trouble]
    for one in company.values():
        one.proxy.play(fault)
    with asking(company, tmp_path) as client:
        assert client.get("/healthz").json() == {"status": "alive"}
        assert client.get("/readyz").json()["backends"] == dict.fromkeys(KEYS, "UNKNOWN")

        answer = ask(client, CUSTOMERS)
        assert answer["data"]["customers"]["nodes"] == []
        assert {(one["backend"], one["code"]) for one in answer["data"]["customers"]["problems"]} == {
            (key, code) for key in KEYS
        }
        assert client.get("/healthz").json() == {"status": "alive"}
        states = set(client.get("/readyz").json()["backends"].values())
        assert states == ({"UP"} if trouble == "nonsense" else {"DOWN"})

        for one in company.values():
            one.proxy.heal()
        assert ask(client, CUSTOMERS)["data"]["customers"]["problems"] == []
        assert client.get("/readyz").json()["backends"] == dict.fromkeys(KEYS, "UP")


@pytest.mark.parametrize("trouble", TROUBLES)
def test_a_failed_call_is_one_incident_however_many_paths_it_left_null(
    company: Company, tmp_path: Path, trouble: str
) -> None:
    fault, code = TROUBLES[trouble]
    query = '{ customers(first: 5, backends: ["smallinvoice"]) { nodes { name letters { nodes { title } } } } }'
    stream = io.StringIO()
    with logs_restored(), asking(company, tmp_path) as client:
        ask(client, query)
        configure_logs(stream=stream, level=logging.INFO)
        company["smallinvoice"].proxy.play(fault, path="/letter/list/")
        before = calls_of(client, "letter.list")
        answer = ask(client, query)
        after = calls_of(client, "letter.list")

    assert [node["letters"] for node in answer["data"]["customers"]["nodes"]] == [None] * 5
    assert [error["path"] for error in answer["errors"]] == [["customers", "nodes", n, "letters"] for n in range(5)]
    assert {error["extensions"]["code"] for error in answer["errors"]} == {code}
    (incident,) = {error["extensions"]["incident"] for error in answer["errors"]}
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    failed = [line for line in lines if line["event"] == "backend failed"]
    assert [(line["incident"], line["operation"]) for line in failed] == [(incident, "letter.list")]
    assert after - before == 1


def calls_of(client: httpx.Client, operation: str) -> float:
    """How often an operation was called, whatever came of it."""
    pattern = rf'^postroom_vendor_calls_total{{.*operation="{re.escape(operation)}".*}} (\S+)$'
    return sum(map(float, re.findall(pattern, client.get("/metrics").text, re.MULTILINE)))
