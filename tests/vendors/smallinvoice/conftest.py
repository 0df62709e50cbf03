from collections.abc import AsyncIterator, Iterator

import pytest

from adapters.contract import Adapter
from adapters.sandboxing import SandboxOptions
from adapters.smallinvoice import vendor
from tests.connecting import NOW, RunningSandbox, connected, running_sandbox
from tests.vendors.smallinvoice.emulator import Api, opened


@pytest.fixture
async def api() -> AsyncIterator[Api]:
    async with opened() as api:
        yield api


@pytest.fixture
async def lenient() -> AsyncIterator[Api]:
    async with opened(lenient=True) as api:
        yield api


@pytest.fixture
async def company() -> AsyncIterator[Api]:
    async with opened(seed="company") as api:
        yield api


@pytest.fixture(scope="session")
def company_at_socket() -> Iterator[RunningSandbox]:
    with running_sandbox(vendor) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(company_at_socket: RunningSandbox) -> Iterator[RunningSandbox]:
    """The sample company, which no test changes."""
    yield company_at_socket
    company_at_socket.clear_faults()


@pytest.fixture
async def adapter(sandbox: RunningSandbox) -> AsyncIterator[Adapter]:
    async with connected(vendor, sandbox) as adapter:
        yield adapter


@pytest.fixture
def examples() -> Iterator[RunningSandbox]:
    """The published examples, anew for each test."""
    with running_sandbox(vendor, SandboxOptions(seed="examples", clock=lambda: NOW)) as sandbox:
        yield sandbox
