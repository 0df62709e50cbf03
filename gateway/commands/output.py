"""How a command speaks to whoever called it."""

import sys
from collections.abc import Sequence

__all__ = ["aligned", "say"]


def say(text: str = "") -> None:
    """Writes a line (or lines) to standard output at once, so that a pipe's reader need not wait."""
    sys.stdout.write(text.removesuffix("\n") + "\n")
    sys.stdout.flush()


def aligned(rows: Sequence[Sequence[str]], indent: str = "  ") -> str:
    """Rows of cells in columns."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows)
    return "\n".join(indent + line for line in lines)
