"""What holds for every test."""

from tests import network_off

pytest_plugins = ["tests.databases", "tests.redis_server"]


def pytest_configure() -> None:
    network_off.switch_off()
