"""Records that are read off rows when somebody looks at them."""

from collections.abc import Sequence
from typing import Any

import pytest
from msgspec import UNSET, Struct

from adapters.translating import (
    Always,
    Column,
    Filled,
    FilledOne,
    FilledText,
    Looked,
    Made,
    Reading,
    Reference,
    Text,
    Translated,
    Translation,
    joined,
)


class Record(Struct, frozen=True, kw_only=True):
    backend: str
    native_id: str
    value: Any = "untold"
    raw: Any = UNSET


class Row(Struct):
    id: int
    column: Any = None


def read(reading: Reading, column: Any) -> Any:
    translation = Translation(Record, {"native_id": Text("id"), "value": reading})
    (record,) = Translated(translation, [Row(1, column)], None, "here")
    return record.value


@pytest.mark.parametrize(
    ("reading", "column", "expected"),
    [
        (Column("column"), 1.5, 1.5),
        (Column("column"), None, None),
        (Text("column"), 7, "7"),
        (Reference("column"), 7, "7"),
        (Reference("column"), 0, None),
        (Filled("column"), " two words\n", "two words"),
        (Filled("column"), " ", None),
        (Filled("column"), "", None),
        (Filled("column"), None, None),
        (FilledOne("column"), " a@example.com ", ("a@example.com",)),
        (FilledOne("column"), " ", ()),
        (FilledOne("column"), None, ()),
        (FilledOne("column"), UNSET, UNSET),
        (FilledText("column"), 0, "0"),
        (FilledText("column"), " 07 ", "07"),
        (FilledText("column"), " ", None),
        (FilledText("column"), None, None),
        (Looked("column", {1: "one"}, str), 1, "one"),
        (Looked("column", {1: "one"}, str), 2, "2"),
        (Looked("column", {1: "one"}, str), None, "None"),
        (Made("column", len), "four", 4),
        (Made(None, lambda row: row.id), "of no matter", 1),
        (Always(None, "so"), "of no matter", "so"),
    ],
)
def test_a_reading_gives_what_it_says(reading: Reading, column: Any, expected: Any) -> None:
    assert read(reading, column) == expected


@pytest.mark.parametrize("name", ["a b", "a.b", "class", "x), evil(", ""])
def test_a_column_has_a_name_and_nothing_else(name: str) -> None:
    with pytest.raises(ValueError, match="is no attribute's name"):
        Translation(Record, {"native_id": Text(name)})


@pytest.mark.parametrize("name", ["value=0, raw", "class"])
def test_an_attribute_has_a_name_and_nothing_else(name: str) -> None:
    with pytest.raises(ValueError, match="is no attribute's name"):
        Translation(Record, {"native_id": Text("id"), name: Column("column")})


class Seen:
    """A reading's function, and what it was asked of."""

    def __init__(self) -> None:
        self.values: list[Any] = []

    def __call__(self, value: Any) -> Any:
        self.values.append(value)
        return value


def list_of(*values: Any, seen: Seen | None = None, raws: Sequence[Any] | None = None) -> Translated[Record]:
    translation = Translation(Record, {"native_id": Text("id"), "value": Made("column", seen or Seen())})
    return Translated(translation, [Row(number, value) for number, value in enumerate(values, 1)], raws, "here")


def record(number: int, value: Any, raw: Any = UNSET) -> Record:
    return Record(backend="here", native_id=str(number), value=value, raw=raw)


def test_it_is_the_sequence_of_its_records() -> None:
    records = list_of("a", "b", "c")
    assert [*records] == [record(1, "a"), record(2, "b"), record(3, "c")]
    assert (len(records), records[1], records[-1]) == (3, record(2, "b"), record(3, "c"))


def test_it_equals_whatever_holds_the_same_records() -> None:
    same = [record(1, "a"), record(2, "b")]
    assert list_of("a", "b") == same
    assert tuple(same) == list_of("a", "b")
    assert list_of("a", "b") == list_of("a", "b")


@pytest.mark.parametrize("other", [[], [record(1, "a")], [record(1, "a"), record(2, "x")], "ab", None])
def test_it_equals_nothing_else(other: Any) -> None:
    assert list_of("a", "b") != other


@pytest.mark.parametrize("at", [slice(1, None), slice(0, 2), slice(5, 9), slice(None, None, 2)])
def test_a_slice_is_that_of_the_records(at: slice) -> None:
    assert list_of("a", "b", "c", raws=[1, 2, 3])[at] == [*list_of("a", "b", "c", raws=[1, 2, 3])][at]


def test_picked_are_the_records_at_these_places_with_their_raw_forms() -> None:
    assert list_of("a", "b", "c", raws=["A", "B", "C"]).picked([2, 0]) == [record(3, "c", "C"), record(1, "a", "A")]


def test_records_are_made_once() -> None:
    seen = Seen()
    records = list_of("a", "b", seen=seen)
    assert [*records] == [*records]
    assert seen.values == ["a", "b"]


def test_one_record_is_made_without_the_others() -> None:
    seen = Seen()
    assert list_of("a", "b", "c", seen=seen)[1] == record(2, "b")
    assert seen.values == ["b"]


def test_native_ids_are_told_without_a_record() -> None:
    seen = Seen()
    records = list_of("a", "b", seen=seen)
    assert (records.native_ids(), [*records[1:].native_ids()], len(records), seen.values) == (["1", "2"], ["2"], 2, [])


def test_one_native_id_is_told_without_a_record() -> None:
    seen = Seen()
    records = list_of("a", "b", "c", seen=seen)
    assert (records.native_id(0), records.native_id(-1), seen.values) == ("1", "3", [])


def test_parts_that_are_joined_are_still_to_be_translated() -> None:
    seen = Seen()
    whole = list_of("a", "b", seen=seen, raws=["A", "B"])
    again = joined([whole[:1], whole[1:]])
    assert (isinstance(again, Translated), seen.values) == (True, [])
    assert again == [record(1, "a", "A"), record(2, "b", "B")]


def test_parts_of_which_some_are_records_are_joined_as_records() -> None:
    assert joined([list_of("a"), [record(2, "b")]]) == (record(1, "a"), record(2, "b"))
    assert joined([]) == ()
