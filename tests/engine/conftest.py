"""What holds for every test of the compiled executor."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.engine.comparing import Both
from tests.engine.world import World
from tests.gateway.asking import ledgers


@pytest_asyncio.fixture(autouse=True)
async def _ledgers_closed() -> AsyncIterator[None]:
    """Closes the ledgers that the test opened."""
    yield
    await ledgers.close()


@pytest.fixture
def both() -> Both:
    """Both executors over backends that behave."""
    return Both(World())


@pytest.fixture
def odd() -> Both:
    """Both executors over backends of which one has records as no adapter may make them."""
    return Both(World(odd=True))
