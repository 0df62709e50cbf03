"""Signing in: by itself, once for all who wait, once more after a refusal; and the check that shows whether it can."""

import asyncio
import re
from collections import Counter

import pytest

from adapters.contract import Vendor
from adapters.errors import BadCredentials
from adapters.shapes import members_of
from tests.connecting import RunningSandbox, asking, connected, running_sandbox


def _wrong(value: str) -> str:
    """Another value of the same form."""
    return re.sub(r"[A-Za-z0-9]", "q", value)


async def _sign_in_requests(vendor: Vendor, sandbox: RunningSandbox) -> int:
    """How many requests signing in takes: what a first check costs beyond a second one."""
    async with connected(vendor, sandbox) as adapter:
        counts = [sandbox.count()]
        for _ in range(2):
            await adapter.check()
            counts.append(sandbox.count())
    return counts[1] - counts[0] - (counts[2] - counts[1])


async def test_the_check_says_what_it_found(vendor: Vendor, sandbox: RunningSandbox) -> None:
    before = sandbox.effects()
    async with connected(vendor, sandbox) as adapter:
        findings = await adapter.check()

    assert findings
    assert [True] * len(findings) == [finding.endswith(".") and finding.count(".") >= 1 for finding in findings]
    assert before == sandbox.effects()


async def test_ten_reads_at_once_sign_in_once(vendor: Vendor, sandbox: RunningSandbox) -> None:
    expected = await _sign_in_requests(vendor, sandbox)
    async with connected(vendor, sandbox) as adapter:
        assert adapter.customers is not None
        before = sandbox.count()
        await asyncio.gather(*(adapter.customers.page(asking(2)) for _ in range(10)))

    assert expected + 10 == sandbox.count() - before


async def test_a_session_that_has_ended_is_renewed_once_for_all_who_wait(
    vendor: Vendor, sandbox: RunningSandbox
) -> None:
    renewal = await _sign_in_requests(vendor, sandbox)
    async with connected(vendor, sandbox) as adapter:
        assert adapter.customers is not None
        page = await adapter.customers.page(asking(2))
        before = sandbox.count()
        sandbox.fault(kind="expire_session")
        again = await asyncio.gather(*(adapter.customers.page(asking(2)) for _ in range(5)))
        entries = sandbox.journal(before)

    refused = [entry for entry in entries if entry["status"] in (400, 401)]
    assert [page.records] * 5 == [other.records for other in again]
    assert bool(renewal) == bool(refused)
    assert 5 + len(refused) + renewal == len(entries)


async def test_a_session_that_is_refused_twice_is_not_tried_a_third_time(
    vendor: Vendor, sandbox: RunningSandbox
) -> None:
    async with connected(vendor, sandbox) as adapter:
        assert adapter.customers is not None
        await adapter.customers.page(asking(2))
        before = sandbox.count()
        (path,) = {entry["raw_path"] for entry in sandbox.journal(before - 1)}
        sandbox.fault(kind="status", status=401, route=f"*{path}", times=None)
        with pytest.raises(BadCredentials) as refused:
            await adapter.customers.page(asking(2))
        asked = Counter(entry["raw_path"] for entry in sandbox.journal(before))

    assert asked[path] <= 2
    assert refused.value.backend == "test"


async def test_each_wrong_credential_is_bad_credentials(vendor: Vendor) -> None:
    for name in members_of(vendor.credentials):
        with running_sandbox(vendor) as sandbox:
            credentials = {**sandbox.credentials, name: _wrong(sandbox.credentials[name])}
            async with connected(vendor, sandbox, credentials=credentials) as adapter:
                with pytest.raises(BadCredentials) as refused:
                    await adapter.check()
        assert (refused.value.backend, refused.value.retryable) == ("test", False), name
