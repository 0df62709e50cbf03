from collections.abc import AsyncIterator, Iterator

import pytest

from adapters.billing_platform import vendor
from adapters.contract import Adapter
from tests.connecting import RunningSandbox, connected, running_sandbox


@pytest.fixture(scope="session")
def company() -> Iterator[RunningSandbox]:
    """The sample company, for tests that change nothing."""
    with running_sandbox(vendor) as sandbox:
        yield sandbox


@pytest.fixture
def fresh() -> Iterator[RunningSandbox]:
    """The sample company of one test's own."""
    with running_sandbox(vendor) as sandbox:
        yield sandbox


@pytest.fixture
async def reader(company: RunningSandbox) -> AsyncIterator[Adapter]:
    async with connected(vendor, company) as adapter:
        yield adapter


@pytest.fixture
async def writer(fresh: RunningSandbox) -> AsyncIterator[Adapter]:
    async with connected(vendor, fresh) as adapter:
        yield adapter
