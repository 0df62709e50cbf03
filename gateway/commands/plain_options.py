"""Options that are written out in full, read without cyclopts.

With what it brings that would take 3 MiB of a gateway's memory for as long as it serves.
"""

import re
import typing
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

__all__ = ["plain_options"]


def plain_options(command: Callable[..., Any], words: Sequence[str]) -> dict[str, Any] | None:
    """A command's keyword arguments as cyclopts would read them; None where it has to: what is wrong, or not plain."""
    kinds = typing.get_type_hints(command)
    del kinds["return"]
    options: dict[str, Any] = {}
    left = iter(words)
    for word in left:
        name = word.removeprefix("--")
        if name == word or name not in kinds or name in options:
            return None
        value = True if kinds[name] is bool else _plain(kinds[name], next(left, ""))
        if value is None:
            return None
        options[name] = value
    return options


def _plain(kind: object, text: str) -> str | int | Path | None:
    if not text or text.startswith("-"):
        return None
    if kind in (int, int | None):
        return int(text) if re.fullmatch(r"[0-9]{1,9}", text) else None
    return Path(text) if kind == Path | None else text
