"""The examples over the sample company: each answers what it is there to show, and opens as a tab of GraphiQL."""

import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from adapters.sandbox_server import SandboxServer
from tests.end_to_end.stage import Stage, configured, emulators, id_of, served, staged
from tests.patience import PATIENCE

EXAMPLES = Path(__file__).parents[2] / "examples"
LETTER = id_of("Letter", "smallinvoice", 33906)


@pytest.fixture
def sending_company() -> Iterator[SandboxServer]:
    """The sample company at the vendors that send letters and statements, for one test."""
    with emulators("smallinvoice", "kashflow") as server:
        yield server


@pytest.fixture
async def sending(sending_company: SandboxServer) -> AsyncIterator[Stage]:
    """A gateway that sends for one test."""
    async with staged(sending_company) as stage:
        yield stage


def document(name: str) -> str:
    return (EXAMPLES / f"{name}.graphql").read_text(encoding="utf-8")


def variables(name: str, **others: Any) -> dict[str, Any]:
    """The variables that the example comes with, or others in their place."""
    file = EXAMPLES / f"{name}.json"
    return (json.loads(file.read_bytes()) if file.exists() else {}) | others


async def test_the_customer_page_joins_what_four_systems_know(stage: Stage) -> None:
    customer = (await stage.data(document("customer")))["customer"]

    assert customer["name"] == "Zephyr Furniture Ltd"
    assert [one["title"] for one in customer["letters"]["nodes"]] == ["Opening hours over the holidays"]
    assert {one["backend"]["key"]: one["outstandingBalance"] for one in customer["counterparts"]} == {
        "billing-platform": None,
        "kashflow": "8193.11",
        "sage-intacct": "8193.11",
    }


async def test_the_search_finds_a_name_at_every_system_and_goes_on_after_its_page(stage: Stage) -> None:
    found: list[dict[str, Any]] = []
    page: dict[str, Any] = {"endCursor": None, "hasNextPage": True}
    while page["hasNextPage"]:
        given = variables("search", text="Zephyr Furniture", first=3, after=page["endCursor"])
        customers = (await stage.data(document("search"), **given))["customers"]
        assert customers["problems"] == []
        found += customers["nodes"]
        page = customers["pageInfo"]

    assert [(one["backendKey"], one["code"], one["name"]) for one in found] == [
        (key, "10001", "Zephyr Furniture Ltd")
        for key in ("billing-platform", "kashflow", "sage-intacct", "smallinvoice")
    ]


async def test_the_timeline_is_one_list_of_what_every_system_sent_newest_first(stage: Stage) -> None:
    documents = (await stage.data(document("timeline"), **variables("timeline", first=200)))["documents"]
    dates = [one["date"] for one in documents["nodes"]]

    assert documents["problems"] == []
    assert dates == sorted(dates, reverse=True)
    assert {(one["__typename"], one["customer"]["backendKey"]) for one in documents["nodes"]} == {
        ("Letter", "smallinvoice"),
        ("Correspondence", "billing-platform"),
    }
    assert {one["customer"]["name"] for one in documents["nodes"]} == {"Zephyr Furniture Ltd"}
    assert all(one["pdf"]["url"].startswith("http") for one in documents["nodes"])


async def test_a_letter_is_sent_as_it_was_shown(sending: Stage) -> None:
    outbox = sending.sandboxes["smallinvoice"].state.effects
    before = dict(outbox)
    preview = (await sending.data(document("send"), **variables("send")))["emailDocument"]
    shown = dict(outbox)
    reply = await sending.ask(document("send"), **variables("send", dryRun=False))
    again = (await sending.data(document("send"), **variables("send", dryRun=False)))["emailDocument"]
    sent = reply.data["emailDocument"]
    (call,) = [call for call in reply.at("smallinvoice") if call.path.startswith("/letter/email")]

    assert preview["plan"]["items"] == [
        {"target": {"id": LETTER}, "recipients": ["accounts@zephyr-furniture.example"], "chosenByVendor": False}
    ]
    assert (preview["dispatch"], preview["problems"], shown) == (None, [], before)
    assert [
        (one["method"], httpx.URL(one["url"]).path.partition("/token/")[0]) for one in preview["plan"]["requests"]
    ] == [(call.method, call.path.partition("/token/")[0])]
    assert (sent["plan"], sent["problems"], sent["dispatch"]["state"]) == (None, [], "SUCCEEDED")
    assert [(one["target"]["id"], one["state"]) for one in sent["dispatch"]["items"]["nodes"]] == [(LETTER, "ACCEPTED")]
    assert (again["replayed"], again["dispatch"]["id"]) == (True, sent["dispatch"]["id"])


async def test_a_statement_run_is_planned_begun_and_followed_to_its_end(sending: Stage) -> None:
    preview = (await sending.data(document("statements"), **variables("statements")))["emailStatements"]
    run = (await sending.data(document("statements"), **variables("statements", dryRun=False)))["emailStatements"]
    states = await progress(sending, run["dispatch"]["id"])

    plan = preview["plan"]
    assert [one["targetId"] for one in plan["items"]] == variables("statements")["customers"]
    assert plan["items"][0] == {
        "targetId": variables("statements")["customers"][0],
        "name": "Zephyr Furniture Ltd",
        "recipients": None,
        "chosenByVendor": True,
        "target": {"code": "10001", "emails": ["accounts@zephyr-furniture.example"]},
    }
    assert (plan["callCount"], plan["itemCount"], preview["dispatch"], preview["problems"]) == (1, 3, None, [])
    assert run["dispatch"]["counts"]["total"] == 3
    assert states[-1]["state"] == "SUCCEEDED"
    assert (states[-1]["counts"]["accepted"], states[-1]["counts"]["total"]) == (3, 3)


async def progress(stage: Stage, dispatch: str) -> list[dict[str, Any]]:
    """What the subscription says until it ends."""
    results: Any = await stage.gateway.schema.subscribe(
        document("progress"), variables("progress", dispatch=dispatch), context_value=stage.gateway.context()
    )
    return [result.data["dispatchProgress"] async for result in results]


async def test_the_backends_say_what_they_can_do(stage: Stage) -> None:
    backends = (await stage.data(document("backends")))["backends"]

    assert {one["key"]: "EMAIL_STATEMENT" in one["capabilities"] for one in backends} == {
        "billing-platform": False,
        "kashflow": True,
        "sage-intacct": False,
        "smallinvoice": False,
    }


def test_each_example_is_a_tab_of_the_explorer_under_the_name_in_its_first_line(company: SandboxServer) -> None:
    with served(configured(company)) as url:
        tabs = httpx.get(f"{url}/_static/tabs.json", trust_env=False, timeout=PATIENCE).json()["tabs"]
    expected = {
        document(file.stem).strip(): variables(file.stem) for file in EXAMPLES.iterdir() if file.suffix == ".graphql"
    }

    assert {tab["query"].strip(): json.loads(tab["variables"] or "{}") for tab in tabs} == expected
    assert all(tab["query"].startswith("# ") for tab in tabs)
