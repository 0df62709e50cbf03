"""The README says what is so: its query, answer, table and commands."""

import json
import re
from pathlib import Path

import pytest

from gateway.__main__ import run
from tests.readme import README, block

ROOT = Path(__file__).parent.parent


GROUPS = {"dispatches", "keys"}
"""Commands of commands."""


class Postroom:
    """The command, and what it prints."""

    def __init__(self, capture: pytest.CaptureFixture[str]) -> None:
        self._capture = capture

    def __call__(self, *arguments: str) -> str:
        """What the command line prints."""
        assert run(arguments) == 0
        printed: str = self._capture.readouterr().out
        return printed


@pytest.fixture
def postroom(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Postroom:
    """The command, run in the project's folder."""
    monkeypatch.chdir(ROOT)
    return Postroom(capsys)


def commands() -> list[str]:
    """Every command line in the README."""
    lines = re.findall(r"^```sh\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)
    return [line for text in lines for line in text.splitlines()]


def test_the_query_is_the_example_file() -> None:
    assert block("graphql") == (ROOT / "examples" / "customer.graphql").read_text(encoding="utf-8")


def test_the_answer_is_what_the_query_answers(postroom: Postroom) -> None:
    assert json.loads(postroom("query", "examples/customer.graphql", "--sandbox")) == json.loads(block("json"))


def test_the_capability_table_is_printed_from_the_adapters(postroom: Postroom) -> None:
    shown = README.split("<!-- postroom capabilities -->\n")[1].split("<!-- end -->")[0]

    assert shown == postroom("capabilities")


@pytest.mark.parametrize("line", [line for line in commands() if "postroom " in line and not line.startswith("cp ")])
def test_each_command_exists_with_its_options(line: str, postroom: Postroom) -> None:
    words = line.split()[1:]
    usage = postroom(*words[: 2 if words[0] in GROUPS else 1], "--help")

    assert [word for word in words if word.startswith("--") and word not in usage] == []


@pytest.mark.parametrize("line", [line for line in commands() if line.startswith("make ")])
def test_each_make_target_exists(line: str) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")

    assert re.search(rf"^{line.split()[1]}:", makefile, re.MULTILINE)


def test_the_example_configuration_is_there_to_be_copied() -> None:
    assert [line.split()[1] for line in commands() if line.startswith("cp ")] == ["postroom.example.toml"]
    assert (ROOT / "postroom.example.toml").exists()


def test_the_assumptions_are_printed(postroom: Postroom) -> None:
    assert len(postroom("sandbox", "--assumptions").splitlines()) > 100
