"""Creations under an idempotency key, of gateways that die in the middle, and of two that are asked at once."""

import contextlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

import httpx
import pytest

from gateway.ids import encode
from tests.faults.gateway_process import GatewayProcess, gateway
from tests.faults.vendors import Vendors, running_vendors
from tests.faults.waiting import until

CREATIONS = "POST */correspondence/"
CREATE = """mutation ($input: CreateCorrespondenceInput!) {
  createCorrespondence(input: $input) { correspondence { id } problems { code retryable } }
}"""
CUSTOMER = encode("Customer", "letters", "501")
RUNNING = [{"code": "CONFLICT", "retryable": True}]
UNKNOWN = [{"code": "OUTCOME_UNKNOWN", "retryable": False}]
ROUNDS = 5


@pytest.fixture
def vendors() -> Iterator[Vendors]:
    with running_vendors("letters") as vendors:
        yield vendors


def configured(vendors: Vendors, url: str, folder: Path) -> Path:
    times = {"lease_margin_seconds": 1, "sweep_seconds": 1}
    return vendors.write_configuration(folder / "postroom.toml", url, timeout=2, limits={"concurrency": 8}, **times)


def create(process: GatewayProcess, key: str) -> Any:
    given = {"customer": CUSTOMER, "type": "Final Notice", "idempotencyKey": key}
    return process.ask(CREATE, input=given)["createCorrespondence"]


@pytest.mark.parametrize(("seam", "written"), [(("begin_write", "after"), 0), (("end_write", "before"), 1)])
def test_what_a_gateway_died_in_is_unknown_under_its_key_and_never_written_again(
    seam: tuple[str, str], written: int, ledger_url: str, vendors: Vendors, tmp_path: Path
) -> None:
    configuration = configured(vendors, ledger_url, tmp_path)
    with gateway(configuration, "kill", *seam, "1") as process:
        with contextlib.suppress(httpx.TransportError):
            create(process, "k")
        process.gone()
    with gateway(configuration) as process:
        until(lambda: create(process, "k")["problems"] != RUNNING, process.log)
        assert create(process, "k") == {"correspondence": None, "problems": UNKNOWN}
        assert vendors.requests(CREATIONS) == written
        assert create(process, "a new key")["problems"] == []


def test_an_outcome_is_answered_again_by_the_next_gateway(ledger_url: str, vendors: Vendors, tmp_path: Path) -> None:
    configuration = configured(vendors, ledger_url, tmp_path)
    with gateway(configuration) as process:
        first = create(process, "k")
        process.kill()
    with gateway(configuration) as process:
        assert (first["problems"], create(process, "k")) == ([], first)
    assert vendors.requests(CREATIONS) == 1


def test_two_gateways_that_are_asked_at_once_write_once(postgresql_url: str, vendors: Vendors, tmp_path: Path) -> None:
    configuration = configured(vendors, postgresql_url, tmp_path)
    vendors.slow(0.05, CREATIONS)
    with gateway(configuration) as one, gateway(configuration) as other, ThreadPoolExecutor(2) as pool:
        for number in range(ROUNDS):
            barrier = Barrier(2)

            def ask(process: GatewayProcess, key: str = f"key {number}", together: Barrier = barrier) -> Any:
                together.wait()
                return create(process, key)

            payloads = list(pool.map(ask, (one, other)))
            done = [payload for payload in payloads if payload["problems"] == []]
            assert [payload["problems"] for payload in payloads if payload not in done] in ([], [RUNNING])
            assert create(other, f"key {number}") == done[0]
    assert vendors.requests(CREATIONS) == ROUNDS
