"""What a check finds out about a tenant's server."""

from typing import Any

import httpx
import pytest

from adapters.billing_platform import vendor
from adapters.errors import Unavailable
from adapters.sandboxing import SandboxOptions
from tests.connecting import NOW, connected, running_sandbox
from tests.vendors.billing_platform.connections import Call, calls
from tests.vendors.billing_platform.tenant import adapter_over, answering


def serving(count: int, cap: int | None, *, knows_id_after: bool = True) -> Any:
    def handler(request: httpx.Request) -> httpx.Response:
        after = int(request.url.params.get("idAfter", 0)) if knows_id_after else 0
        return httpx.Response(200, json=[{"id": str(n)} for n in range(after + 1, count + 1)][:cap])

    return handler


SIGNED_IN = "Signed in. A list of customers has {} rows."


@pytest.mark.parametrize(
    ("handler", "settings", "findings"),
    [
        (serving(30, None), {}, (SIGNED_IN.format(30),)),
        (serving(30, 10), {"page_cap": 10}, (SIGNED_IN.format(10),)),
        (
            serving(30, 10),
            {},
            (
                SIGNED_IN.format(10),
                "The server caps list answers: set page_cap = 10, or the rest is never read.",
            ),
        ),
        (
            serving(30, 10),
            {"page_cap": 20},
            (SIGNED_IN.format(10), "The server caps list answers at 10 rows: set page_cap to that."),
        ),
        (
            serving(30, 10, knows_id_after=False),
            {},
            (SIGNED_IN.format(10), "The server ignores idAfter, so a cap on its list answers would go unseen."),
        ),
        (
            serving(0, None),
            {},
            ("Signed in. The tenant has no customers, so whether its server caps list answers is not known.",),
        ),
    ],
)
async def test_a_cap_is_probed_for(handler: Any, settings: dict[str, Any], findings: tuple[str, ...]) -> None:
    assert await adapter_over(handler, **settings).check() == findings


async def test_the_probe_asks_for_what_comes_after_the_last_row() -> None:
    with running_sandbox(vendor, SandboxOptions(clock=lambda: NOW, settings={"page_cap": 100})) as sandbox:
        async with connected(vendor, sandbox) as adapter:
            findings = await adapter.check()

        assert calls(sandbox, 0) == [Call("GET", "/customers/"), Call("GET", "/customers/", "idAfter=600")]
    assert "set page_cap = 100" in findings[1]


async def test_what_stands_in_the_way_is_raised() -> None:
    with pytest.raises(Unavailable):
        await adapter_over(answering(503)).check()
