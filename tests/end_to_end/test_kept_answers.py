"""What the settings have kept is not asked of a vendor again, until something is written there, or is to be sent."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from adapters.sandbox_server import SandboxServer
from gateway.upstream.cache_memory import MemoryStore
from tests.end_to_end.stage import VENDORS, Stage, configured, emulators, id_of, staged

KEPT = {name: {"cache_seconds": dict.fromkeys(vendor.reads, 60)} for name, vendor in VENDORS.items()}
MOST_AT_ONCE = 4
"""The emulators' clients let as many through."""
BACKENDS = [name.replace("_", "-") for name in VENDORS]

CUSTOMERS = "query ($backend: String!) { customers(first: 5, backends: [$backend]) { nodes { id name } } }"
STATEMENTS = (
    "mutation ($input: EmailStatementsInput!) { emailStatements(input: $input)"
    " { plan { callCount } problems { code message } } }"
)
SEND = "mutation ($input: EmailDocumentInput!) { emailDocument(input: $input) { dispatch { id state } } }"
RECONCILE = "mutation ($id: ID!) { reconcileDispatch(id: $id) { dispatch { state } } }"


@pytest.fixture
async def keeping(company: SandboxServer) -> AsyncIterator[Stage]:
    async with staged(company, configured(company, **KEPT)) as stage:
        yield stage


@pytest.mark.parametrize("backend", BACKENDS)
async def test_what_is_asked_again_is_answered_out_of_what_is_kept(keeping: Stage, backend: str) -> None:
    first = await keeping.ask(CUSTOMERS, backend=backend)
    again = await keeping.ask(CUSTOMERS, backend=backend)
    assert (again.data, again.errors, first.counts, again.counts) == (first.data, [], {backend: 1}, {})


@pytest.mark.parametrize("backend", BACKENDS)
async def test_without_settings_nothing_is_kept(company: SandboxServer, backend: str) -> None:
    async with staged(company) as stage:
        counts = [(await stage.ask(CUSTOMERS, backend=backend)).counts for _ in range(2)]
    assert counts == [{backend: 1}] * 2


@pytest.mark.parametrize("backend", BACKENDS)
async def test_whoever_ask_the_same_at_once_make_one_call(company: SandboxServer, backend: str) -> None:
    async with staged(company) as stage:
        await stage.ask(CUSTOMERS, backend=backend)  # signs in
        stage.mark()
        stage.fault(backend, kind="hold")
        execute, context = stage.gateway.operations.execute, stage.gateway.context
        asked = [execute(CUSTOMERS, {"backend": backend}, context()) for _ in range(MOST_AT_ONCE)]
        asking = asyncio.gather(*asked)
        for _ in range(100):  # turns of the loop: none of them waits for anything but the answer then
            await asyncio.sleep(0)
        stage.clear_faults()
        answers: list[Any] = await asking
        counts = {key: len(calls) for key, calls in stage.calls().items() if calls}
    assert ([answer.errors for answer in answers], counts) == ([None] * MOST_AT_ONCE, {backend: 1})


async def test_a_changed_record_is_read_as_it_is_now() -> None:
    query = '{ messages(first: 50, backends: ["sage-intacct"]) { nodes { id text } } }'
    change = 'mutation ($id: ID!) { updateMessage(input: {id: $id, text: "Changed."}) { problems { code } } }'
    with emulators("sage_intacct") as server:
        async with staged(server, configured(server, **KEPT)) as stage:
            (message, *_) = (await stage.data(query))["messages"]["nodes"]
            await stage.data(change, id=message["id"])
            texts = {one["id"]: one["text"] for one in (await stage.data(query))["messages"]["nodes"]}
    assert texts[message["id"]] == "Changed."


@pytest.mark.parametrize(
    "whom",
    [
        {"customers": [id_of("Customer", "kashflow", 10001)]},
        {"backend": "kashflow", "filter": {"name": {"startsWith": "Zephyr"}}},
    ],
)
async def test_the_ids_that_decide_what_was_sent_are_never_out_of_what_is_kept(
    keeping: Stage, whom: dict[str, Any]
) -> None:
    replies = [await keeping.ask(STATEMENTS, input={**whom, "dryRun": True}) for _ in range(2)]
    assert [(reply.errors, reply.counts) for reply in replies] == [([], {"kashflow": 1})] * 2


@pytest.mark.parametrize(
    "whom",
    [
        {"customers": [id_of("Customer", "kashflow", 10001)]},
        {"backend": "kashflow", "filter": {"name": {"startsWith": "Zephyr"}}},
    ],
)
async def test_nor_out_of_what_the_same_request_has_read_before(keeping: Stage, whom: dict[str, Any]) -> None:
    one = "emailStatements(input: $input) { plan { callCount } problems { code } }"
    twice = f"mutation ($input: EmailStatementsInput!) {{ a: {one} b: {one} }}"
    reply = await keeping.ask(twice, input={**whom, "dryRun": True})
    assert (reply.errors, reply.counts) == ([], {"kashflow": 2})


async def test_evidence_is_never_out_of_what_is_kept() -> None:
    with emulators("billing_platform") as server:
        async with staged(server, configured(server, **KEPT)) as stage:
            key = "billing-platform"
            query = '{ correspondence(first: 1, backends: ["billing-platform"]) { nodes { id } } }'
            (document,) = (await stage.data(query))["correspondence"]["nodes"]
            members = {"document": document["id"], "recipients": [{"email": "accounts@example.com"}]}
            stage.fault(key, kind="reset_before")
            dispatch = (await stage.data(SEND, input=members))["emailDocument"]["dispatch"]
            stage.clear_faults()
            counts = [len((await stage.ask(RECONCILE, id=dispatch["id"])).at(key)) for _ in range(2)]
    assert (dispatch["state"], counts) == ("UNKNOWN", [1, 1])


async def test_backends_keep_within_one_bound(company: SandboxServer, monkeypatch: pytest.MonkeyPatch) -> None:
    stores: list[MemoryStore] = []
    begin = MemoryStore.__init__

    def noted(self: MemoryStore, bound: int) -> None:
        begin(self, bound)
        stores.append(self)

    monkeypatch.setattr(MemoryStore, "__init__", noted)
    async with staged(company, configured(company, **KEPT)) as stage:
        for backend in BACKENDS:
            await stage.ask(CUSTOMERS, backend=backend)
    assert [(len(store._entries), store._bound) for store in stores] == [(4, 64 * 1024 * 1024)]
