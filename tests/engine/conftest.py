"""What holds for every test of the compiled executor."""

import gc
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.engine.comparing import Both
from tests.engine.world import World
from tests.gateway.asking import ledgers

DROPPED = (
    "ignore:coroutine .* was never awaited:RuntimeWarning",
    "ignore:Exception ignored in. <coroutine object:pytest.PytestUnraisableExceptionWarning",
)
"""The second is told where the garbage collector finds one while code runs that may import nothing, as namedtuples'."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """graphql-core drops what siblings of a failed field were about to await: that is its own affair."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            for one in DROPPED:
                item.add_marker(pytest.mark.filterwarnings(one))


@pytest.fixture(scope="module", autouse=True)
def _nothing_left() -> Iterator[None]:
    """Nothing that was dropped is found while another module's tests run."""
    yield
    gc.collect()


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
