"""``postroom explain``: the plan of a query, what it asks the vendors, and the functions."""

from pathlib import Path

import pytest

from gateway.__main__ import run

QUERY = """query Q($short: Boolean!) {
  customers(first: 5) { nodes { name emails @skip(if: $short) letters { nodes { __typename } } } } backends { key }
}"""


@pytest.fixture
def query(tmp_path: Path) -> str:
    file = tmp_path / "query.graphql"
    file.write_text(QUERY, encoding="utf-8")
    return str(file)


def test_it_tells_what_each_field_is_loaded_by(query: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["explain", query, "--variables", '{"short": false}']) == 0
    lines = [line.strip().partition("  <- ") for line in capsys.readouterr().out.splitlines() if "  <- " in line]
    assert [(field.partition(":")[0], source.partition(":")[0]) for field, _, source in lines] == [
        ("customers", "connection"),
        ("emails", "record, where it came without"),
        ("letters", "connection"),
        ("backends", "worked out"),
    ]


def test_a_condition_is_true_unless_it_is_given(query: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["explain", query]) == 0
    assert "emails" not in capsys.readouterr().out


def test_it_prints_the_functions(query: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["explain", query]) == 0
    printed = capsys.readouterr().out
    compile(printed[printed.index("# Query") :], "<printed>", "exec")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{ nothing }", "postroom: Cannot query field 'nothing' on type 'Query'.\n"),
        ("{ __schema { description } }", "postroom: It is not compiled (introspection): graphql-core executes it.\n"),
    ],
)
def test_what_cannot_be_explained_is_refused(
    text: str, told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "query.graphql"
    file.write_text(text, encoding="utf-8")
    assert run(["explain", str(file)]) == 1
    assert capsys.readouterr().err == told
