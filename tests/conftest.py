"""What holds for every test."""

import signal

from tests import network_off

pytest_plugins = ["tests.databases", "tests.redis_server"]


def pytest_configure() -> None:
    network_off.switch_off()
    # A shell has its background jobs ignore Ctrl-C, and whoever they start inherits that: commands that tests
    # interrupt would go on for ever.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
