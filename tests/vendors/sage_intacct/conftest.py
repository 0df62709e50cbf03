from collections.abc import AsyncIterator, Iterator

import pytest

from adapters.contract import Adapter, Customers, Messages, Templates
from adapters.sage_intacct import vendor
from tests.connecting import RunningSandbox, connected, running_sandbox
from tests.vendors.sage_intacct.emulator import Api, opened


@pytest.fixture
async def api() -> AsyncIterator[Api]:
    async with opened() as api:
        yield api


@pytest.fixture(scope="module")
def sandbox() -> Iterator[RunningSandbox]:
    with running_sandbox(vendor) as running:
        yield running


@pytest.fixture
async def adapter(sandbox: RunningSandbox) -> AsyncIterator[Adapter]:
    async with connected(vendor, sandbox) as adapter:
        await adapter.check()  # signs in, so that the journal holds only what the test asks for
        yield adapter


@pytest.fixture
def customers(adapter: Adapter) -> Customers:
    assert adapter.customers is not None
    return adapter.customers


@pytest.fixture
def templates(adapter: Adapter) -> Templates:
    assert adapter.templates is not None
    return adapter.templates


@pytest.fixture
def messages(adapter: Adapter) -> Messages:
    assert adapter.messages is not None
    return adapter.messages
