"""The table says what the adapters offer, and nothing else."""

from dataclasses import replace

import httpx
import pytest

from adapters.contract import Adapter, Connection, Vendor
from gateway.capabilities import capability_table
from tests.gateway.fake_vendors import adapter_of, vendor_named


async def part() -> None:
    raise NotImplementedError


ACME = vendor_named(
    "acme", connect=lambda _: adapter_of(customers=part, pdf=part), notes={"pdf": "slowly", "evidence": "None."}
)
GLOBEX = vendor_named("globex", base_url=None, connect=lambda _: adapter_of(pdf=part), notes={"pdf": "At night."})


def test_a_row_is_a_capability_and_a_column_a_vendor() -> None:
    lines = capability_table({"acme": ACME, "globex": GLOBEX}).splitlines()
    assert lines[:3] == [
        "|                        | Acme (1) | Globex  |",
        "| ---------------------- | -------- | ------- |",
        "| `READ_CUSTOMERS`       | yes      |         |",
    ]
    assert [line for line in lines if "yes" in line] == [
        "| `READ_CUSTOMERS`       | yes      |         |",
        "| `DOCUMENT_PDF`         | yes (2)  | yes (3) |",
    ]


def test_remarks_stand_below_the_table_by_number() -> None:
    _, _, below = capability_table({"acme": ACME, "globex": GLOBEX}).partition("\n\n")
    assert below.splitlines() == ["1. Acme, evidence: None.", "2. Acme: Slowly.", "3. Globex: At night."]


def test_no_remarks_leave_no_trace() -> None:
    assert capability_table({"acme": replace(ACME, notes={})}).endswith(" |")


async def test_an_adapter_is_made_without_any_network() -> None:
    seen: list[Connection] = []

    def connect(connection: Connection) -> Adapter:
        seen.append(connection)
        return adapter_of()

    vendor: Vendor = replace(ACME, connect=connect)
    capability_table({"acme": vendor})
    with pytest.raises(RuntimeError, match="an adapter called GET while it was made"):
        await seen[0].transport.handle_async_request(httpx.Request("GET", "https://acme.example.com"))
