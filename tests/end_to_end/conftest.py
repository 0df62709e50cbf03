from collections.abc import AsyncIterator, Iterator

import pytest

from adapters.sandbox_server import SandboxServer
from tests.end_to_end.stage import Stage, emulators, staged


@pytest.fixture(scope="session")
def company() -> Iterator[SandboxServer]:
    """The sample company at all four vendors, for tests that only read."""
    with emulators() as server:
        yield server


@pytest.fixture
async def stage(company: SandboxServer) -> AsyncIterator[Stage]:
    """A gateway over the sample company at all four vendors, for reading."""
    async with staged(company) as stage:
        yield stage
