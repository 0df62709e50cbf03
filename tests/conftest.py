"""What holds for every test."""

from tests import network_off


def pytest_configure() -> None:
    network_off.switch_off()
