"""An idempotency key makes one write at the vendor, whether or not the vendor has such keys itself."""

import asyncio
import fnmatch
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.end_to_end.stage import Stage, emulators, id_of, staged

MEMBERS = "problems { code path retryable }"


@dataclass(frozen=True)
class Creation:
    """How a vendor's record is created: the mutation with its input, and the request that it makes."""

    vendor: str
    seed: Any
    mutation: str
    given: dict[str, Any]
    other: dict[str, Any]
    route: str
    selected: str

    @property
    def key(self) -> str:
        """The backend's key."""
        return self.vendor.replace("_", "-")

    async def ask(self, stage: Stage, **members: Any) -> Any:
        """The payload, asked for under one key."""
        kind = f"{self.mutation[0].upper()}{self.mutation[1:]}Input"
        query = f"mutation ($input: {kind}!) {{ made: {self.mutation}(input: $input) {{ {self.selected} {MEMBERS} }} }}"
        return (await stage.data(query, input=self.given | {"idempotencyKey": "k"} | members))["made"]

    def writes(self, stage: Stage) -> tuple[int, int]:
        """How many such requests arrived at the vendor, and how many records it made or changed."""
        state = stage.sandboxes[self.key].state
        lines = [f"{entry['method']} {entry['raw_path']}" for entry in state.journal_since(0)]
        return len(fnmatch.filter(lines, self.route)), state.effects["records"]


BILLING = Creation(
    "billing_platform",
    "examples",
    "createCorrespondence",
    {"customer": id_of("Customer", "billing-platform", 123), "type": "Final Notice"},
    {"type": "Notice"},
    "POST */customers/123/correspondence/",
    "correspondence { id type }",
)
SMALLINVOICE = Creation(
    "smallinvoice",
    "examples",
    "createLetter",
    {"customer": id_of("Customer", "smallinvoice", 16), "addressId": "11", "date": "2026-06-29", "title": "Reminder"},
    {"title": "Another"},
    "POST */letter/add/*",
    "letter { id title }",
)
INTACCT = Creation(
    "sage_intacct",
    "company",
    "createTemplate",
    {
        "customer": id_of("Customer", "sage-intacct", 21),
        "emailTemplate": id_of("EmailTemplate", "sage-intacct", 4),
    },
    {"emailTemplate": id_of("EmailTemplate", "sage-intacct", 5)},
    "POST */customer-email-template",
    "template { id emailTemplate { nativeId } }",
)


@pytest.fixture(params=[BILLING, SMALLINVOICE, INTACCT], ids=lambda creation: creation.vendor)
def creation(request: pytest.FixtureRequest) -> Creation:
    found: Creation = request.param
    return found


@pytest.fixture
async def stage(creation: Creation) -> AsyncIterator[Stage]:
    """A company of its own, to be changed."""
    with emulators(creation.vendor, seed=creation.seed) as server:
        async with staged(server) as stage:
            yield stage


async def test_the_same_again_is_one_write(creation: Creation, stage: Stage) -> None:
    first, second = await creation.ask(stage), await creation.ask(stage)
    assert (first["problems"], second, creation.writes(stage)) == ([], first, (1, 1))


async def test_the_same_twice_at_once_is_one_write(creation: Creation, stage: Stage) -> None:
    stage.fault(creation.key, kind="hold", route=creation.route)
    asking = [asyncio.create_task(creation.ask(stage)) for _ in range(2)]
    await asyncio.wait(asking, return_when=asyncio.FIRST_COMPLETED)
    stage.clear_faults()
    both = await asyncio.gather(*asking)
    problems = sorted((one["problems"] for one in both), key=len)
    assert problems == [[], [{"code": "CONFLICT", "path": ["idempotencyKey"], "retryable": True}]]
    assert (await creation.ask(stage) in both, creation.writes(stage)) == (True, (1, 1))


async def test_another_input_is_a_conflict_and_no_write(creation: Creation, stage: Stage) -> None:
    await creation.ask(stage)
    payload = await creation.ask(stage, **creation.other)
    assert payload["problems"] == [
        {"code": "IDEMPOTENCY_CONFLICT", "path": ["idempotencyKey"], "retryable": False},
    ]
    assert creation.writes(stage) == (1, 1)


async def test_a_write_whose_answer_was_lost_is_not_repeated(creation: Creation, stage: Stage) -> None:
    stage.fault(creation.key, kind="reset_after", route=creation.route)
    first, second = await creation.ask(stage), await creation.ask(stage)
    assert ([problem["code"] for problem in first["problems"]], second) == (["OUTCOME_UNKNOWN"], first)
    assert creation.writes(stage) == (1, 1)


async def test_a_write_that_the_vendor_proves_undone_may_be_asked_for_again(creation: Creation, stage: Stage) -> None:
    stage.fault(creation.key, kind="status", status=429, route=creation.route)
    first, second = await creation.ask(stage), await creation.ask(stage)
    assert ([problem["code"] for problem in first["problems"]], second["problems"]) == (["RATE_LIMITED"], [])
    assert creation.writes(stage) == (2, 1)
