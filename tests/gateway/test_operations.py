"""What belongs to a GraphQL operation, and what does not."""

import time
from typing import Any

import pytest

from gateway.app import Gateway
from gateway.settings import ServerSettings, Settings
from gateway.upstream.calls import Operation, current_operation, running
from tests.gateway.asking import gateway_over, gid
from tests.gateway.fakes import fake
from tests.gateway.records import customer
from tests.gateway.sending import STATEMENTS, sent


def test_an_operation_has_as_long_as_the_settings_say(monkeypatch: pytest.MonkeyPatch) -> None:
    usual = gateway_over(fake("a"))
    settings = Settings(server=ServerSettings(operation_seconds=7, public_url="http://127.0.0.1:1"))
    gateway = Gateway(settings, usual.backends, usual.sending)
    monkeypatch.setattr(time, "monotonic", lambda: 1000.0)
    with gateway.watch.operation(gateway.context(), {}) as operation:
        assert operation.deadline == 1007.0


async def test_a_run_is_no_part_of_the_operation_that_began_it(monkeypatch: pytest.MonkeyPatch) -> None:
    a = fake("a", customers=[customer("a", n) for n in "012"], writes=True, batch=1)
    gateway = gateway_over(a)
    operations = []
    called = a.behaviour.called

    async def noting(call: Any) -> None:
        if call.verb == "perform":
            operations.append(current_operation())
        await called(call)

    monkeypatch.setattr(a.behaviour, "called", noting)
    with running(Operation(deadline=time.monotonic() + 60)):
        await sent(gateway, STATEMENTS, customers=[gid("Customer", "a", n) for n in "012"])
    assert operations == [None] * 3
