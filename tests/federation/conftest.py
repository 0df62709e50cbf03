from collections.abc import Iterator

import pytest

from tests.end_to_end.stage import configured, emulators, served


@pytest.fixture(scope="session")
def endpoint() -> Iterator[str]:
    """The endpoint of a gateway over the sample company, for reading."""
    with emulators() as company, served(configured(company)) as url:
        yield f"{url}/graphql"
