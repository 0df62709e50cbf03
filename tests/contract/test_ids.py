"""No identifier is ever read as anything but an identifier: it is one segment of the path, or is not sent at all."""

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest

from adapters.contract import Adapter, Vendor
from adapters.errors import AdapterError
from adapters.wire import Wire
from tests.connecting import RunningSandbox, asking
from tests.contract.offers import ListPart, unconnected
from tests.contract.walking import reader
from tests.contract.writing import Write

HARMLESS = "987654321"
HOSTILE = (
    "../admin/keys",
    "../customers/1",
    "..",
    ".",
    "",
    "1/../../2",
    "1/2",
    "1?x=2",
    "1#x",
    "1;x",
    "1&x=2",
    "%2e%2e",
    "%2e%2e%2fadmin",
    "%252e%252e",
    "..\\admin",
    "1 2",
    " 1",
    "1\n",
    "1\r\nX-Injected: yes",
    "\x00",
    "\uff11",
    "é",
    "@example.com/",
    "//example.com",
    "http://example.com/",
    "01",
    "-1",
    "1" * 10_000,
    "x" * 10_000,
)


def _places(entries: list[dict[str, Any]], identifier: str) -> set[tuple[str, str, str]]:
    """Where the requests went, with the identifier, encoded as one segment, taken out."""
    encoded = quote(identifier, safe="")
    return {
        (
            entry["method"],
            entry["raw_path"].replace(encoded, "ID") if encoded else entry["raw_path"],
            entry["query"].replace(encoded, "ID") if encoded else entry["query"],
        )
        for entry in entries
    }


async def _asked(sandbox: RunningSandbox, identifier: str, call: Callable[[], Any]) -> set[tuple[str, str, str]]:
    before = sandbox.count()
    try:
        found = await call()
    except AdapterError:
        found = {}
    if isinstance(found, dict):
        for answer in found.values():
            assert answer is None or isinstance(answer, AdapterError) or not getattr(answer, "records", ())
    return _places(sandbox.journal(before), identifier)


@pytest.mark.parametrize("wanted", [frozenset(), frozenset({"raw"})], ids=["little", "raw"])
async def test_a_read_by_key_goes_nowhere_else(
    adapter: Adapter, sandbox: RunningSandbox, part: ListPart, wanted: frozenset[str]
) -> None:
    read = reader(adapter, part)
    usual = await _asked(sandbox, HARMLESS, lambda: read.by_key([HARMLESS], wanted))

    assert usual
    for identifier in HOSTILE:
        asked = await _asked(sandbox, identifier, lambda identifier=identifier: read.by_key([identifier], wanted))  # type: ignore[misc]
        assert asked <= usual, identifier[:40]


async def test_text_that_no_encoding_holds_is_no_key(adapter: Adapter, sandbox: RunningSandbox, part: ListPart) -> None:
    before = sandbox.count()

    assert dict(await reader(adapter, part).by_key(["\ud800"], frozenset({"raw"}))) == {"\ud800": None}
    assert before == sandbox.count()


@pytest.mark.requires("customers")
async def test_a_read_by_code_goes_nowhere_else(adapter: Adapter, sandbox: RunningSandbox) -> None:
    customers = adapter.customers
    assert customers is not None
    usual = await _asked(sandbox, HARMLESS, lambda: customers.by_code([HARMLESS], frozenset()))

    for identifier in HOSTILE:
        asked = await _asked(
            sandbox,
            identifier,
            lambda identifier=identifier: customers.by_code([identifier], frozenset()),  # type: ignore[misc]
        )
        assert asked <= usual, identifier[:40]


async def test_a_customers_list_goes_nowhere_else(adapter: Adapter, sandbox: RunningSandbox, part: ListPart) -> None:
    read = reader(adapter, part)
    if not hasattr(read, "of_customers"):
        return
    usual = await _asked(sandbox, HARMLESS, lambda: read.of_customers([HARMLESS], asking(2)))

    for identifier in HOSTILE:
        asked = await _asked(
            sandbox,
            identifier,
            lambda identifier=identifier: read.of_customers([identifier], asking(2)),  # type: ignore[misc]
        )
        assert asked <= usual, identifier[:40]


@pytest.mark.requires("pdf")
async def test_a_pdf_comes_from_nowhere_else(adapter: Adapter, sandbox: RunningSandbox) -> None:
    assert adapter.pdf is not None
    usual = await _asked(sandbox, HARMLESS, lambda: adapter.pdf(HARMLESS))  # type: ignore[misc]

    for identifier in HOSTILE:
        asked = await _asked(sandbox, identifier, lambda identifier=identifier: adapter.pdf(identifier))  # type: ignore[misc]
        assert asked <= usual, identifier[:40]


@pytest.mark.requires("preview")
async def test_a_preview_comes_from_nowhere_else(adapter: Adapter, sandbox: RunningSandbox) -> None:
    assert adapter.preview is not None
    usual = await _asked(sandbox, HARMLESS, lambda: adapter.preview(HARMLESS, 1, 595))  # type: ignore[misc]

    for identifier in HOSTILE:
        asked = await _asked(sandbox, identifier, lambda identifier=identifier: adapter.preview(identifier, 1, 595))  # type: ignore[misc]
        assert asked <= usual, identifier[:40]


def test_a_write_goes_nowhere_else(vendor: Vendor, write: Write) -> None:
    """Refused before it is prepared, or prepared with the identifier as one segment, or in the body."""
    adapter = unconnected(vendor)
    wire = Wire(backend="test", base_url="http://127.0.0.1:9/api", transport=None)  # type: ignore[arg-type]
    usual = wire.url(write.with_id(adapter, HARMLESS).request).raw_path.replace(HARMLESS.encode(), b"ID")
    refused = 0

    for identifier in HOSTILE:
        try:
            target = wire.url(write.with_id(adapter, identifier).request).raw_path
        except AdapterError:
            refused += 1
            continue
        encoded = quote(identifier, safe="").encode()
        assert usual in (target, target.replace(encoded, b"ID") if encoded else target), identifier[:40]
    in_the_body = b"ID" not in usual
    assert refused or in_the_body
