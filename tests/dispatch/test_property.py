import itertools
import shutil
from collections.abc import Callable
from pathlib import Path

from hypothesis import HealthCheck, Verbosity, settings
from hypothesis.stateful import run_state_machine_as_test

from gateway.dispatch.database import Database
from tests.databases import PostgreSQL
from tests.dispatch.ledger_machine import LedgerMachine

SETTINGS = settings(deadline=None, suppress_health_check=list(HealthCheck), verbosity=Verbosity.normal)


def test_no_interleaving_breaks_the_promise_on_sqlite(migrated_file: Path, tmp_path: Path) -> None:
    numbers = itertools.count()

    def make() -> tuple[Callable[[], Database], Callable[[], None]]:
        folder = tmp_path / f"{next(numbers)}"
        folder.mkdir()
        url = f"sqlite:///{shutil.copy(migrated_file, folder)}"
        return lambda: Database(url, survives_power_cuts=False), lambda: shutil.rmtree(folder)

    class OnSqlite(LedgerMachine):
        make_database = staticmethod(make)

    run_state_machine_as_test(OnSqlite, settings=settings(SETTINGS, max_examples=60, stateful_step_count=40))


def test_no_interleaving_breaks_the_promise_on_postgresql(postgresql: PostgreSQL, migrated_template: str) -> None:
    def make() -> tuple[Callable[[], Database], Callable[[], None]]:
        name = postgresql.create(migrated_template)
        return lambda: Database(postgresql.url(name)), lambda: postgresql.drop(name)

    class OnPostgresql(LedgerMachine):
        make_database = staticmethod(make)

    run_state_machine_as_test(OnPostgresql, settings=settings(SETTINGS, max_examples=8, stateful_step_count=25))
