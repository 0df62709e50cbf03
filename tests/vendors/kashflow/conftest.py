from collections.abc import AsyncIterator

import pytest

from tests.vendors.kashflow.emulator import Api, opened


@pytest.fixture
async def api() -> AsyncIterator[Api]:
    async with opened() as api:
        yield api


@pytest.fixture
async def lenient() -> AsyncIterator[Api]:
    async with opened(lenient=True) as api:
        yield api


@pytest.fixture
async def examples() -> AsyncIterator[Api]:
    async with opened(seed="examples") as api:
        yield api
