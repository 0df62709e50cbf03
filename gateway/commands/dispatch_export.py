"""Items of dispatches as CSV (RFC 4180, UTF-8), one row each, however many there are."""

import contextlib
import csv
import io
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from typing import TextIO

from gateway.commands.failure import CommandFailure
from gateway.dispatch.records import Dispatch, DispatchItem

__all__ = ["COLUMNS", "csv_to", "write_csv"]

COLUMNS = (
    "dispatch_id",
    "requested_at",
    "requested_by",
    "action",
    "backend",
    "target_type",
    "native_id",
    "stable_id",
    "recipients",
    "state",
    "vendor_message",
    "vendor_code",
    "problem_code",
    "evidence",
    "attempt",
    "settled_at",
)

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""What makes a spreadsheet take a cell for a formula (OWASP, CSV Injection); the last four are full-width."""


async def write_csv(rows: AsyncIterator[tuple[Dispatch, DispatchItem]], file: TextIO) -> int:
    """Writes a header and the rows as they come; how many rows."""
    writer = csv.writer(file, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    count = 0
    async for dispatch, item in rows:
        writer.writerow(map(_inert, _cells(dispatch, item)))
        count += 1
    file.flush()
    return count


@contextlib.contextmanager
def csv_to(path: Path | None) -> Iterator[TextIO]:
    """Where the CSV goes: standard output for None. A file has its name only once it is whole."""
    if path is None:
        if isinstance(sys.stdout, io.TextIOWrapper):  # as the process has it
            sys.stdout.reconfigure(encoding="utf-8", newline="")
        yield sys.stdout
        return
    part = path.with_name(path.name + ".part")
    try:
        with part.open("w", encoding="utf-8", newline="") as file:
            yield file
        part.replace(path)
    except OSError as error:
        raise CommandFailure(f"--output {path}: cannot be written: {error.strerror}.") from None
    finally:
        part.unlink(missing_ok=True)


def _cells(dispatch: Dispatch, item: DispatchItem) -> Sequence[str]:
    return (
        dispatch.id,
        dispatch.requested_at.isoformat(),
        dispatch.requested_by,
        dispatch.action.value,
        item.target.backend,
        item.target.type,
        item.target.native_id,
        item.stable_id,
        "; ".join(item.recipients or ()),
        item.state.value,
        item.vendor_message or "",
        item.vendor_code or "",
        "" if item.problem is None else item.problem.code.value,
        item.evidence or "",
        str(item.attempt),
        "" if item.settled_at is None else item.settled_at.isoformat(),
    )


def _inert(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_FORMULA) else cell
