"""Plain options: read as cyclopts reads them, or left to it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from cyclopts import CycloptsError
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.commands.line import app
from gateway.commands.plain_options import plain_options
from gateway.commands.serve import serve

OPTIONS = ("--config", "--sandbox", "--host", "--port", "--insecure", "--workers")
VALUES = (
    "postroom.toml",
    "~/x",
    "8000",
    "007",
    "0",
    " 5",
    "5 ",
    "-5",
    "+5",
    "5_0",
    "5.0",
    "0x10",
    "1e3",
    "",
    "-",
    "--",
)
WORDS = st.sampled_from((*OPTIONS, *VALUES, "--no-sandbox", "--port=80", "-h", "--help", "--version", "x", "٣", "--"))


def read_by_cyclopts(words: Sequence[str]) -> dict[str, Any] | None:
    try:
        command, bound, _ = app.parse_args(["serve", *words], exit_on_error=False, print_error=False)
    except CycloptsError:
        return None
    return dict(bound.arguments) if command is serve else None


@given(st.lists(WORDS, max_size=6))
@example(["--port", "80", "--port", "81"])
@example(["--port", "9" * 5000])
@example(["--return", "x"])
def test_what_is_plain_is_what_cyclopts_reads(words: list[str]) -> None:
    plain = plain_options(serve, words)
    assert plain is None or plain == read_by_cyclopts(words)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], {}),
        (["--config", "a/b.toml"], {"config": Path("a/b.toml")}),
        (["--host", "::1", "--port", "80"], {"host": "::1", "port": 80}),
        (["--workers", "4", "--insecure"], {"workers": 4, "insecure": True}),
        (["--sandbox"], {"sandbox": True}),
    ],
)
def test_each_option_written_out_is_plain(words: list[str], expected: dict[str, Any]) -> None:
    assert plain_options(serve, words) == expected


@pytest.mark.parametrize(
    "words",
    [
        ["--help"],
        ["--prot", "1"],
        ["--port"],
        ["--port", "x"],
        ["--port", "-1"],
        ["--port=1"],
        ["x"],
        ["--sandbox", "x"],
    ],
)
def test_what_is_wrong_or_not_plain_is_left_to_cyclopts(words: list[str]) -> None:
    assert plain_options(serve, words) is None
