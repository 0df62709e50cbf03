"""Scenarios at two sizes: small among all tests, whole with ``make faults`` (FAULTS=all), which prints the table."""

import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct

from tests.faults.figures import Figures, aligned, figures_of, ledger_items, table
from tests.faults.proxied import Proxied, proxied_vendors
from tests.faults.summary import group_of, write_into
from tests.faults.vendors import Sent, Vendors

_WHOLE = os.environ.get("FAULTS") == "all"
_ROWS = pytest.StashKey[list[Figures]]()
_READS = pytest.StashKey[list[tuple[str, ...]]]()
_READ_HEADINGS = ("fault", "vendor", "answer", "seconds", "of", "calls")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "whole: a scenario that only `make faults` plays")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    left_out = [] if _WHOLE else [item for item in items if item.get_closest_marker("whole") is not None]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


class Scale(Struct, frozen=True):
    """How large a run is, and how often it is killed."""

    documents: int
    statements: int
    kills: int


@pytest.fixture
def scale() -> Scale:
    """The size of this session's scenarios."""
    return Scale(documents=500, statements=240, kills=10) if _WHOLE else Scale(documents=60, statements=105, kills=1)


@pytest.fixture(params=["sqlite", "postgresql"] if _WHOLE else ["sqlite"])
def ledger_url(request: pytest.FixtureRequest) -> str:
    """The URL of an empty ledger; among all tests, PostgreSQL is where two processes need it."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


def store_of(ledger_url: str) -> str:
    """What a ledger's database is called in the table."""
    return "SQLite" if ledger_url.startswith("sqlite") else "PostgreSQL"


Judge = Callable[..., Figures]


@pytest.fixture
def judge(request: pytest.FixtureRequest) -> Judge:
    """Compares ledger and outboxes at the end of a scenario, notes the figures for the table, and checks them."""

    def judged(
        scenario: str,
        ledger_url: str,
        vendors: Vendors,
        *,
        bound: int = 0,
        dispatch: str | None = None,
        before: Counter[Sent] | None = None,
    ) -> Figures:
        """Of one dispatch alone, and what was not in the outbox ``before``, where those are given."""
        group_of(scenario)  # now, and not after half an hour
        outbox = vendors.outbox()
        outbox.subtract(before or {})
        figures = figures_of(scenario, ledger_items(ledger_url, dispatch), +outbox, bound=bound)
        request.config.stash.setdefault(_ROWS, []).append(figures)
        figures.check()
        return figures

    return judged


NoteRead = Callable[..., None]


@pytest.fixture
def note_read(request: pytest.FixtureRequest) -> NoteRead:
    """Notes for the table what a read under a fault came to."""

    def noted(fault: str, vendor: str, answer: str, *, seconds: float, timeout: float, calls: int) -> None:
        row = (fault, vendor, answer, f"{seconds:.2f}", f"{timeout:g}", str(calls))
        request.config.stash.setdefault(_READS, []).append(row)

    return noted


@pytest.fixture(scope="session")
def _proxied_vendors() -> Iterator[Mapping[str, Proxied]]:
    with proxied_vendors() as vendors:
        yield vendors


@pytest.fixture
def proxied(vendor: str, _proxied_vendors: Mapping[str, Proxied]) -> Iterator[Proxied]:
    """The vendor that the test is about, behind its proxy; its journal is empty and it has no faults."""
    one = _proxied_vendors[vendor]
    one.proxy.forget()
    yield one
    one.proxy.heal()


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    if not _WHOLE:
        return
    rows, reads = config.stash.get(_ROWS, []), config.stash.get(_READS, [])
    for title, lines in (("faults survived", table(rows)), ("reads under faults", aligned([_READ_HEADINGS, *reads]))):
        if len(lines) > 1:
            terminalreporter.section(title)
            for line in lines:
                terminalreporter.write_line(line)
    if rows and (readme := os.environ.get("FAULTS_README")):
        write_into(Path(readme), rows)
