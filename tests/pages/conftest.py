"""A gateway as its users run it, over emulators, for a browser to look at."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.browser import executable
from tests.faults.gateway_process import GatewayProcess, gateway
from tests.faults.vendors import Vendors, running_vendors


@dataclass(frozen=True)
class Served:
    """A running gateway, and the vendors behind it."""

    process: GatewayProcess
    vendors: Vendors

    def at(self, path: str) -> str:
        """The address of a path."""
        return self.process.address(path)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One gateway for the tests of a module."""
    executable()
    folder = tmp_path_factory.mktemp("served")
    with running_vendors("letters", "statements", "post") as vendors:
        ledger = f"sqlite:///{folder}/ledger.sqlite3"
        configuration: Path = vendors.write_configuration(
            folder / "postroom.toml", ledger, timeout=30, limits={"concurrency": 2}
        )
        with gateway(configuration) as process:
            yield Served(process, vendors)
