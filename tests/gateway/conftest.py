"""What holds for every test of the gateway."""

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.gateway.asking import ledgers


@pytest_asyncio.fixture(autouse=True)
async def _ledgers_closed() -> AsyncIterator[None]:
    """Closes the ledgers that the test opened."""
    yield
    await ledgers.close()
