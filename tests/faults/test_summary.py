"""The table in the README is of these scenarios, and says what the promise says."""

from pathlib import Path

import pytest

from tests.faults.figures import Figures
from tests.faults.summary import GROUPS, group_of, summary, write_into

ROOT = Path(__file__).parents[2]


def figures(scenario: str, **counts: int) -> Figures:
    given = {"items": 1, "sent": 1, "twice": 0, "lost": 0, "denied": 0, "unknown": 0, "bound": 0} | counts
    return Figures(scenario=scenario, **given)


def shown() -> list[list[str]]:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    table = text.partition("<!-- faults: written by `make faults` -->\n")[2].partition("<!-- end of faults -->")[0]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in table.splitlines()]


def test_the_readme_shows_what_is_tried() -> None:
    assert [row[0] for row in shown()[2:]] == list(GROUPS)


def test_the_readme_shows_nothing_sent_twice_lost_or_denied() -> None:
    assert {tuple(row[3:6]) for row in shown()[2:]} == {("0", "0", "0")}


def test_the_readme_shows_no_more_unknown_than_may_be() -> None:
    assert [row[0] for row in shown()[2:] if int(row[6]) > int(row[7])] == []


def test_figures_of_a_group_are_added_up() -> None:
    rows = [
        figures("kill -9 at 10 points of a run", items=500, unknown=7, bound=8),
        figures("reset before the work, and kill -9, at 10 points; SQLite", items=250, twice=1),
        figures("500, 1 item a call", lost=2, denied=3),
    ]
    lines = [line.split(" | ") for line in summary(rows)[2:]]
    assert lines[0][1:] == ["2", "750", "1", "0", "0", "7", "8 |"]
    assert lines[3][1:] == ["1", "1", "0", "2", "3", "0", "0 |"]


def test_a_scenario_that_belongs_nowhere_is_told() -> None:
    with pytest.raises(ValueError, match="the moon falls"):
        group_of("the moon falls")


def test_a_new_table_takes_the_place_of_the_old_one(tmp_path: Path) -> None:
    readme = tmp_path / "README.md"
    readme.write_text(
        "a\n<!-- faults: written by `make faults` -->\nold\n<!-- end of faults -->\nb\n", encoding="utf-8"
    )
    write_into(readme, [])
    lines = readme.read_text(encoding="utf-8").splitlines()
    assert (lines[0], lines[-1], "old" in lines, len(lines)) == ("a", "b", False, 4 + 2 + len(GROUPS))
