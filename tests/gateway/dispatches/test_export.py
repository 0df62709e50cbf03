"""``postroom dispatches export``: CSV that holds everything once, and runs nothing."""

import csv
import io
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from gateway.dispatch.ledger import Intent
from gateway.dispatch.records import DispatchItem, ItemState
from gateway.dispatch.sql_ledger import SqlLedger
from gateway.ids import Ref
from gateway.problems import Problem, ProblemCode
from tests.gateway.dispatches.ledgers import Ledger, Said
from tests.gateway.postroom import COMMAND, environment


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline=""), strict=True))


def test_an_item_is_one_row(said: Said, either_ledger: Ledger) -> None:
    dispatch = either_ledger.begin("a")
    problem = Problem(code=ProblemCode.REJECTED, message="No such address.")
    either_ledger.settle(
        dispatch, ItemState.FAILED, vendor_message='Zoë, "no"\r\nway', vendor_code="7", problem=problem, evidence="note"
    )
    code, output, _ = said.to("export")
    at = "2026-03-02T09:30:00+00:00"
    expected = (
        "dispatch_id,requested_at,requested_by,action,backend,target_type,native_id,stable_id,recipients,state,"
        "vendor_message,vendor_code,problem_code,evidence,attempt,settled_at\r\n"
        f"{dispatch.id},{at},alice,EMAIL_STATEMENT,books,Customer,a,a,,FAILED,"
        f'"Zoë, ""no""\r\nway",7,REJECTED,note,1,{at}\r\n'
    )
    assert (code, output) == (0, expected)


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff20"])
def test_no_cell_is_a_formula(said: Said, ledger: Ledger, start: str) -> None:
    dispatch = ledger.begin("a", requested_by=f"{start}1")
    ledger.settle(dispatch, ItemState.FAILED, vendor_message=f"{start}2", vendor_code=f"{start}3", evidence="4=4")
    (row,) = rows_of(said.to("export")[1])
    cells = [row[name] for name in ("requested_by", "vendor_message", "vendor_code", "evidence")]
    assert cells == [f"'{start}1", f"'{start}2", f"'{start}3", "4=4"]


def test_every_item_of_every_dispatch_is_exported_once(
    said: Said, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.commands.dispatch_ledger.PAGE", 2)
    for who in ("1", "2", "3", "4", "5"):
        ledger.begin("a", "b", "c", requested_by=who)
    found = [(row["requested_by"], row["native_id"]) for row in rows_of(said.to("export")[1])]
    assert found == [(who, name) for who in ("5", "4", "3", "2", "1") for name in ("a", "b", "c")]


def test_what_is_exported_can_be_narrowed_by_dispatch_and_by_item(said: Said, ledger: Ledger) -> None:
    ledger.begin("a", "b", requested_by="1")
    ledger.settle(ledger.begin("a", "b", requested_by="2"), ItemState.ACCEPTED, ItemState.FAILED)
    by_item = rows_of(said.to("export", "--item-state", "FAILED")[1])
    by_dispatch = rows_of(said.to("export", "--state", "QUEUED")[1])
    assert [(row["requested_by"], row["native_id"]) for row in by_item] == [("2", "b")]
    assert [(row["requested_by"], row["native_id"]) for row in by_dispatch] == [("1", "a"), ("1", "b")]


def test_recipients_are_one_cell(said: Said, ledger: Ledger) -> None:
    addresses = ("a@example.com", "b@example.com")
    intent = Intent(target=Ref("Letter", "books", "1"), stable_id="1", fingerprint="1", recipients=addresses)
    ledger.begin(intents=[intent])
    assert [row["recipients"] for row in rows_of(said.to("export")[1])] == ["a@example.com; b@example.com"]


def test_a_file_has_its_name_only_once_it_is_whole(
    said: Said, ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger.begin("a")
    output = tmp_path / "items.csv"
    assert said.lines("export", "--output", output) == [f"1 items are in {output}."]
    whole = output.read_bytes()

    async def broken(*_: object, **__: object) -> Sequence[DispatchItem]:
        raise ConnectionResetError

    monkeypatch.setattr(SqlLedger, "items", broken)
    assert said.to("export", "--output", output)[0] == 1
    assert (output.read_bytes(), list(tmp_path.glob("*.part"))) == (whole, [])


def test_a_file_that_cannot_be_written_is_said(said: Said, ledger: Ledger, tmp_path: Path) -> None:
    output = tmp_path / "nowhere" / "items.csv"
    expected = f"postroom: --output {output}: cannot be written: No such file or directory.\n"
    assert said.to("export", "--output", output) == (1, "", expected)


def test_a_reader_that_leaves_early_is_said_without_a_traceback(ledger: Ledger, tmp_path: Path) -> None:
    dispatch = ledger.begin(*map(str, range(3000)))
    with subprocess.Popen(  # noqa: S603 - our own command
        [*COMMAND, "dispatches", "export"],
        cwd=tmp_path,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline().startswith("dispatch_id,")
        process.stdout.close()
        errors = process.stderr.read()
    assert (process.returncode, errors) == (1, "postroom: Not everything was read of what was to be written.\n")
    assert len(dispatch.id) == 32
