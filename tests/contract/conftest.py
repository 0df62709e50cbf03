"""Every test × every vendor that has what the test is about.

A test says what it needs by ``@pytest.mark.requires("part", …)``. The fixtures ``part`` (a list that the vendor offers)
and ``write`` (something it can be asked to change or send) run a test once for each of the vendor's.
"""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from adapters.contract import Adapter, Vendor
from tests.connecting import RunningSandbox, connected, running_sandbox
from tests.contract.offers import LISTS, VENDORS, offered
from tests.contract.writing import WRITES


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "requires(*parts): of the contract: only for vendors that offer these parts")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "vendor" not in metafunc.fixturenames:
        return
    needed = {part for mark in metafunc.definition.iter_markers("requires") for part in mark.args}
    names = [name for name in VENDORS if needed <= offered(name)]
    kinds: dict[str, Any] = {"part": LISTS, "write": WRITES}
    asked = [kind for kind in kinds if kind in metafunc.fixturenames]
    if asked:
        (kind,) = asked
        cases = [(name, one) for name in names for one in kinds[kind] if one.part_name in offered(name)]
        ids = [f"{name}-{one.name}" for name, one in cases]
        arguments = [(VENDORS[name], one) for name, one in cases]
        metafunc.parametrize(("vendor", kind), arguments, ids=ids, scope="session")
    else:
        cases = [(name, None) for name in names]
        metafunc.parametrize("vendor", [VENDORS[name] for name in names], ids=names, scope="session")
    if not cases:
        raise pytest.UsageError(f"{metafunc.function.__name__}: no vendor offers {sorted(needed)}")


class _Sandboxes:
    """One emulator per vendor, started when first asked for."""

    def __init__(self) -> None:
        self._running: dict[str, tuple[Any, RunningSandbox]] = {}

    def of(self, vendor: Vendor) -> RunningSandbox:
        if vendor.name not in self._running:
            context = running_sandbox(vendor)
            self._running[vendor.name] = (context, context.__enter__())
        return self._running[vendor.name][1]

    def close(self) -> None:
        for context, _ in self._running.values():
            context.__exit__(None, None, None)


@pytest.fixture(scope="session")
def _for_reading() -> Iterator[_Sandboxes]:
    sandboxes = _Sandboxes()
    yield sandboxes
    sandboxes.close()


@pytest.fixture(scope="module")
def _for_writing() -> Iterator[_Sandboxes]:
    sandboxes = _Sandboxes()
    yield sandboxes
    sandboxes.close()


@pytest.fixture
def sandbox(vendor: Vendor, _for_reading: _Sandboxes) -> Iterator[RunningSandbox]:
    """The vendor's emulator, shared by all tests that only read; without faults at the beginning of each."""
    running = _for_reading.of(vendor)
    yield running
    running.clear_faults()


@pytest.fixture
def written_sandbox(vendor: Vendor, _for_writing: _Sandboxes) -> Iterator[RunningSandbox]:
    """An emulator of the vendor for this module's tests alone, which change and send what is in it."""
    running = _for_writing.of(vendor)
    yield running
    running.clear_faults()


@pytest.fixture
async def adapter(vendor: Vendor, sandbox: RunningSandbox) -> AsyncIterator[Adapter]:
    """An adapter that has signed in, so that the journal from here on holds only what the test asks for."""
    async with connected(vendor, sandbox) as adapter:
        await adapter.check()
        yield adapter
