"""``postroom dispatches list`` and ``show``, with no backend there."""

import asyncio
import itertools
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from sqlalchemy import text

from gateway.dispatch.database import Database
from gateway.dispatch.ledger import LedgerUnavailableError
from gateway.dispatch.records import ItemState
from gateway.dispatch.sql_ledger import SqlLedger
from gateway.ids import encode
from gateway.problems import Problem, ProblemCode
from tests.dispatch.asking import NOW
from tests.gateway.dispatches.ledgers import Ledger, Said, configure


@pytest.mark.parametrize("command", [("list",), ("show", "abcd"), ("export",), ("watch", "abcd"), ("retry", "abcd")])
def test_a_ledger_that_is_not_there_is_said_and_not_made(said: Said, tmp_path: Path, command: tuple[str, ...]) -> None:
    file = tmp_path / "sub" / "ledger.sqlite3"
    configure(tmp_path, f"sqlite:///{file}")
    expected = f"postroom: There is no ledger at {file} yet: a gateway's first start makes it. ledger.url says where.\n"
    assert said.to(*command) == (1, "", expected)
    assert not file.parent.exists()


def test_an_empty_database_is_not_made_a_ledger(said: Said, tmp_path: Path) -> None:
    file = tmp_path / "empty.sqlite3"
    file.touch()
    configure(tmp_path, f"sqlite:///{file}")
    expected = (
        "postroom: The ledger cannot be used: the database holds no ledger: start the gateway once, "
        "which brings it up to date.\n"
    )
    assert (said.to("list"), file.stat().st_size) == ((1, "", expected), 0)


def test_a_ledger_of_a_newer_release_is_refused(said: Said, ledger: Ledger) -> None:
    async def newer() -> None:
        database = Database(ledger.url)
        with database.transaction(writing=True) as connection:
            connection.execute(text("UPDATE ledger_version SET version_num = '9999'"))
        await database.close()

    asyncio.run(newer())
    code, _, errors = said.to("list")
    assert (code, errors.partition(", and")[0]) == (
        1,
        "postroom: The ledger cannot be used: the ledger's database has schema version 9999",
    )


def test_a_database_that_cannot_be_reached_is_said_without_its_password(said: Said, tmp_path: Path) -> None:
    configure(tmp_path, "postgresql://u:t0psecret@127.0.0.1:1/ledger")
    code, output, errors = said.to("list")
    start, end = "postroom: The ledger cannot be used (", "). Check ledger.url, and that its database can be reached."
    assert (code, output, errors.startswith(start), errors.splitlines()[0].endswith(end)) == (1, "", True, True)
    assert "t0psecret" not in errors


async def test_who_only_looks_cannot_write(ledger_url: str) -> None:
    database = Database(ledger_url, read_only=True)
    with pytest.raises(LedgerUnavailableError, match=r"read-?only"):
        await SqlLedger(database).beat("east", now=NOW)
    await database.close()


def test_dispatches_are_listed_newest_first(said: Said, either_ledger: Ledger) -> None:
    first = either_ledger.begin("a", "b", requested_by="alice")
    either_ledger.settle(first, ItemState.ACCEPTED)
    second = either_ledger.begin("c", requested_by="bob", at=NOW + timedelta(minutes=1))
    assert said.lines("list") == [
        "ID            WHEN                  WHO    ACTION           STATE    ITEMS",
        f"{second.id[:12]}  2026-03-02 09:31:00Z  bob    EMAIL_STATEMENT  QUEUED   0 of 1 settled: 1 queued",
        f"{first.id[:12]}  2026-03-02 09:30:00Z  alice  EMAIL_STATEMENT  RUNNING  1 of 2 settled: 1 queued, 1 accepted",
    ]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--state", "SUCCEEDED"], ["1"]),
        (["--state", "succeeded", "--state", "queued"], ["4", "3", "1"]),
        (["--backend", "other"], ["3"]),
        (["--action", "EMAIL"], []),
        (["--since", "2026-03-02T09:32"], ["4", "3", "2"]),
        (["--since", "2026-03-02T11:32+02:00", "--until", "2026-03-02T09:34:00Z"], ["3", "2"]),
        (["--until", "2026-03-02"], []),
        (["--limit", "2"], ["4", "3"]),
    ],
)
def test_what_is_listed_can_be_narrowed(
    said: Said, ledger: Ledger, options: Sequence[str], expected: Sequence[str]
) -> None:
    for number, (backend, state) in enumerate(
        (("books", ItemState.ACCEPTED), ("books", ItemState.FAILED), ("other", None), ("books", None)), 1
    ):
        at = NOW + timedelta(minutes=number)
        dispatch = ledger.begin("a", requested_by=str(number), at=at, backend=backend)
        if state is not None:
            ledger.settle(dispatch, state)
    assert [found["requested_by"] for found in said.json("list", "--json", *options)] == expected


def test_there_being_none_is_said(said: Said, ledger: Ledger) -> None:
    assert said.lines("list") == ["No dispatch matches."]


@pytest.mark.parametrize(
    "shorten", [lambda i: i, lambda i: i[:4], lambda i: i.upper(), lambda i: encode("Dispatch", "-", i)]
)
def test_a_dispatch_is_named_by_the_beginning_of_its_id_or_the_graphql_id(
    said: Said, either_ledger: Ledger, shorten: Callable[[str], str]
) -> None:
    dispatch = either_ledger.begin("a")
    assert said.json("show", shorten(dispatch.id), "--json")["id"] == dispatch.id


def test_a_beginning_that_several_ids_have_is_refused(
    said: Said, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    hexes = itertools.chain(["abcd" + "0" * 28, "abcd" + "1" * 28], (f"{number:032x}" for number in itertools.count()))
    monkeypatch.setattr("uuid.uuid4", lambda: SimpleNamespace(hex=next(hexes)))
    one, two = ledger.begin("a"), ledger.begin("b")
    expected = f"postroom: Several dispatches' ids begin with abcd: {two.id}, {one.id}.\n"
    assert said.to("cancel", "abcd") == (1, "", expected)
    assert said.json("show", "abcd0", "--json")["id"] == one.id


@pytest.mark.parametrize(
    ("given", "code", "expected"),
    [
        ("0123", 1, "No dispatch's id begins with 0123."),
        (encode("Dispatch", "-", "f" * 32), 1, f"No dispatch's id begins with {'f' * 32}."),
        *(
            (
                wrong,
                2,
                f"{wrong!r} is no dispatch's id: give at least its first 4 characters, or the id that GraphQL has.",
            )
            for wrong in ("abc", "a%cd", "nothing", encode("Customer", "books", "1"))
        ),
    ],
)
def test_what_is_no_dispatch_is_said(said: Said, ledger: Ledger, given: str, code: int, expected: str) -> None:
    assert said.to("show", given) == (code, "", f"postroom: {expected}\n")


def test_an_item_is_shown_with_all_that_is_known_of_it(said: Said, ledger: Ledger) -> None:
    dispatch = ledger.begin("a", "b", idempotency_key="k-1")
    problem = Problem(code=ProblemCode.REJECTED, message="No\x1b[31m such address.")
    ledger.settle(dispatch, ItemState.ACCEPTED)
    ledger.settle(
        dispatch, ItemState.FAILED, vendor_message="Bad\naddress", vendor_code="-7", problem=problem, evidence="A note"
    )
    shown = said.lines("show", dispatch.id, "--items", "--state", "failed")
    assert shown[: shown.index("")] == [
        f"id               {dispatch.id}",
        f"GraphQL id       {encode('Dispatch', '-', dispatch.id)}",
        "action           EMAIL_STATEMENT",
        "state            COMPLETED_WITH_FAILURES",
        "items            2 of 2 settled: 1 accepted, 1 failed",
        "backends         books",
        "asked for        2026-03-02 09:30:00Z by alice",
        "idempotency key  k-1",
        "finished         2026-03-02 09:30:00Z",
    ]
    assert shown[shown.index("") + 1 :] == [
        "FAILED     Customer b at books, to whom the vendor chooses; attempt 1, settled 2026-03-02 09:30:00Z",
        "    vendor:   Bad address (code -7)",
        "    problem:  REJECTED: No [31m such address.",
        "    evidence: A note",
    ]


def test_why_a_run_is_paused_is_shown(said: Said, ledger: Ledger) -> None:
    dispatch = ledger.begin("a")
    problem = Problem(code=ProblemCode.BACKEND_CREDENTIALS, message="Refused.")
    ledger.do(lambda opened: opened.pause(dispatch.id, problem))
    shown = said.lines("show", dispatch.id)
    assert [line.split(maxsplit=1)[1] for line in shown if line.startswith(("state", "paused"))] == [
        "PAUSED",
        "BACKEND_CREDENTIALS: Refused.",
    ]


def test_items_are_one_json_object_however_many(said: Said, ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.commands.dispatch_ledger.PAGE", 2)
    dispatch = ledger.begin("a", "b", "c", "d", "e")
    found = said.json("show", dispatch.id, "--items", "--json")
    assert [item["target"]["native_id"] for item in found["items"]] == ["a", "b", "c", "d", "e"]
    assert (found["state"], found["counts"]["QUEUED"]) == ("QUEUED", 5)
