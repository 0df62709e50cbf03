"""The disk is full, or the database away: what cannot be written down is not sent, and the caller is told."""

import contextlib
import resource
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from psycopg.sql import SQL, Identifier, Literal
from sqlalchemy import make_url

from tests.databases import PostgreSQL
from tests.faults.conftest import Judge, store_of
from tests.faults.gateway_process import GatewayProcess, gateway
from tests.faults.vendors import EMAILS, letter_ids, running_vendors
from tests.faults.waiting import until

Away = Callable[[GatewayProcess], contextlib.AbstractContextManager[None]]


@contextlib.contextmanager
def full_disk(process: GatewayProcess) -> Iterator[None]:
    """No file of this process may grow: what a full disk does, to one process and without a disk."""
    before = resource.prlimit(process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (0, before[1]))
    yield
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, before)


@pytest.fixture
def away(ledger_url: str, request: pytest.FixtureRequest) -> Away:
    """Takes the ledger's database away while the context is open."""
    if ledger_url.startswith("sqlite"):
        return full_disk
    server: PostgreSQL = request.getfixturevalue("postgresql")
    name = make_url(ledger_url).database or ""

    @contextlib.contextmanager
    def unreachable(_: GatewayProcess) -> Iterator[None]:
        allow = SQL("ALTER DATABASE {} ALLOW_CONNECTIONS {}")
        server.execute(allow.format(Identifier(name), SQL("false")))
        leave = SQL("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = {}")
        server.execute(leave.format(Literal(name)))
        yield
        server.execute(allow.format(Identifier(name), SQL("true")))

    return unreachable


def test_what_cannot_be_claimed_is_not_sent_and_the_caller_is_told(
    ledger_url: str, away: Away, judge: Judge, tmp_path: Path
) -> None:
    single, *many = letter_ids(["letters"], 4)
    with running_vendors("letters") as vendors:
        configuration = vendors.write_configuration(
            tmp_path / "postroom.toml", ledger_url, timeout=5, limits={"concurrency": 2}
        )
        with gateway(configuration) as process:
            with away(process):
                refused = [
                    process.send("emailDocument", {"document": single, "idempotencyKey": "once"}),
                    process.send("emailDocuments", {"documents": many}),
                ]
                assert [[problem["code"] for problem in one["problems"]] for one in refused] == [["UNAVAILABLE"]] * 2
                assert [one["dispatch"] for one in refused] == [None, None]
                assert vendors.requests(EMAILS) == 0
            sent = process.send("emailDocument", {"document": single, "idempotencyKey": "once"})
            assert (sent["problems"], sent["replayed"]) == ([], False)
            process.ends(process.send("emailDocuments", {"documents": many})["dispatch"]["id"])
        judge(f"no room or no database when a claim is written; {store_of(ledger_url)}", ledger_url, vendors)


@pytest.mark.whole
def test_a_run_goes_on_when_the_ledger_is_back(ledger_url: str, away: Away, judge: Judge, tmp_path: Path) -> None:
    lanes = 4
    with running_vendors("letters") as vendors:
        configuration = vendors.write_configuration(
            tmp_path / "postroom.toml",
            ledger_url,
            timeout=2,
            limits={"concurrency": lanes},
            lease_margin_seconds=2,
            sweep_seconds=1,
            dead_after_seconds=5,
        )
        vendors.slow(0.3, EMAILS)
        documents = letter_ids(["letters"], 60)
        with gateway(configuration) as process:
            dispatch = process.send("emailDocuments", {"documents": documents})["dispatch"]["id"]
            until(lambda: vendors.sent() >= 10, lambda: f"{vendors.sent()} sent; {process.log()}")
            with away(process):
                arrived = vendors.requests(EMAILS)
                until(lambda: vendors.sent() >= arrived, lambda: f"{vendors.sent()} of {arrived}; {process.log()}")
            process.ends(dispatch)
        # the outcomes of the calls that were under way could not be written down
        judge(f"no room or no database in a run; {store_of(ledger_url)}", ledger_url, vendors, bound=2 * lanes)
