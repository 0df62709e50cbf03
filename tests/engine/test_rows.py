"""Answers written out of rows that nobody has made records of: the same as of the records."""

import dataclasses
import datetime
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import Struct

from adapters.contract import ListRequest
from adapters.model import DocumentState, Letter, Page
from adapters.own_rows import OwnRows
from adapters.translating import Column, Filled, Looked, Reading, Reference, Text, Translated, Translation
from gateway.app import Gateway
from gateway.context import LOCAL
from gateway.engine.run import Level, Run
from tests.engine.comparing import Both
from tests.engine.world import World
from tests.gateway.asking import gateway_over
from tests.gateway.fakes import Fake


class Row(Struct):
    id: int
    client_id: int = 0
    date: Any = None
    title: Any = None
    status: Any = None


STATES = {1: DocumentState.SENT, 7: DocumentState.DRAFT}


def unknown(status: Any) -> Any:
    return None if status == 0 else DocumentState.UNKNOWN


READINGS: Mapping[str, Reading] = {
    "native_id": Text("id"),
    "customer_id": Reference("client_id"),
    "date": Column("date"),
    "title": Filled("title"),
    "state": Looked("status", STATES, unknown),
}
LETTERS = Translation(Letter, READINGS)


class Letters:
    """The part of an adapter whose lists are these rows."""

    def __init__(self, translation: Translation[Letter], rows: Sequence[Row]) -> None:
        self._translation = translation
        self._rows = rows

    async def page(self, request: ListRequest) -> Page[Letter]:
        return self._page(self._rows[: request.first])

    async def of_customers(
        self,
        customer_ids: Sequence[str],
        request: ListRequest,
        positions: Mapping[str, str],  # noqa: ARG002
    ) -> Mapping[str, Page[Letter]]:
        own = {one: [row for row in self._rows if str(row.client_id) == one][: request.first] for one in customer_ids}
        return OwnRows(self._translation, own, "a", lambda one: self._page(own[one]))

    def _page(self, rows: Sequence[Row]) -> Page[Letter]:
        records = Translated(self._translation, rows, None, "a")
        return Page(records=records, positions=[str(row.id) for row in rows], end=None)


class RowsWorld(World):
    """One backend, a, whose letters are rows."""

    def __init__(self, *rows: Row, translation: Translation[Letter] = LETTERS) -> None:
        whole = World().fakes["a"]
        self.letters = Letters(translation, rows)
        adapter = dataclasses.replace(whole.backend.adapter, letters=self.letters)  # type: ignore[arg-type]
        backend = dataclasses.replace(whole.backend, adapter=adapter)
        self.fakes: dict[str, Fake] = {"a": Fake(backend, whole.behaviour, whole.shelves)}
        self.gateway: Gateway = gateway_over(*self.fakes.values())


async def agreed(query: str, *rows: Row, translation: Translation[Letter] = LETTERS) -> Any:
    """What both executors answer, asked again when the plan has learned what classes there are."""
    both = Both(RowsWorld(*rows, translation=translation))
    await both.agree(query)
    return await both.agree(query)


ROWS = (
    Row(1, 1, datetime.date(2026, 1, 2), "  Reminder ", 1),
    Row(2, 1, None, " ", 7),
    Row(3, 2, datetime.date(2026, 1, 1), None, 99),
)
LISTED = "{ letters(first: 9) { nodes { __typename nativeId date title state } totalCount problems { code } } }"
SOME = "{ customers { nodes { code letters { a: nodes { date } __typename b: nodes { title kind: __typename } } } } }"
OWN = "{ customers(first: 9) { nodes { nativeId letters(first: 2) { nodes { n: nativeId date title state } } } } }"


@pytest.mark.parametrize("query", [LISTED, OWN, SOME])
async def test_leaves_are_written_without_a_record(query: str, monkeypatch: pytest.MonkeyPatch) -> None:
    both = Both(RowsWorld(*ROWS))
    await both.agree(query)  # by which the plan learns what classes there are
    made: list[type] = []

    def records(self: Translation[Any], *given: Any) -> Any:
        made.append(self.record)
        return making(self, *given)

    making = Translation.records
    monkeypatch.setattr(Translation, "records", records)
    operation = both.documents.prepared(query).operation(None)
    result: Any = await both.compiled.execute(operation, None, both.world.gateway.context(LOCAL))
    assert result.errors is None
    assert "'title': 'Reminder'" in repr(result.data)
    assert made == []


@pytest.mark.parametrize(
    "query",
    [
        LISTED,
        OWN,
        SOME,
        "{ customers { nodes { emails letters { nodes { title } } } } }",
        "{ customers { nodes { letters { totalCount nodes { title } } } } }",
        "{ customers { nodes { address { city } letters { nodes { title } edges { cursor } } } } }",
        "{ customers { nodes { letters(first: 1) { pageInfo { hasNextPage endCursor } nodes { id raw } } } } }",
        "{ customers { nodes { letters { nodes { title customer { name } } } message { text } } } }",
        "{ customers { nodes { x: letters { nodes { title } } y: letters { nodes { title } } } } }",
        "{ customers { nodes { x: letters { nodes { title } } y: letters { nodes { date } totalCount } } } }",
        "{ letters { nodes { id title customer { name } } edges { cursor node { title } } } }",
        "{ letters(first: 2) { nodes { title kind: __typename actions pageCount vendorStatus } } }",
        "{ documents { nodes { __typename nativeId title ... on Letter { addressId } } } }",
        "{ customers { nodes { documents { nodes { title } pageInfo { hasNextPage endCursor } } } } }",
        "{ a: letters { nodes { title } } b: letters { nodes { title state } } letters { nodes { raw } } }",
    ],
)
async def test_both_executors_answer_rows_alike(query: str) -> None:
    await agreed(query, *ROWS)


async def test_null_where_the_schema_has_none_takes_what_holds_it() -> None:
    answer = await agreed(LISTED, *ROWS, Row(4, 1, None, "x", 0))
    assert (answer.data, len(answer.errors)) == (None, 1)


async def test_text_that_there_must_be_and_is_not_takes_what_holds_it() -> None:
    unnamed = Translation(Letter, {**READINGS, "native_id": Filled("title")})
    answer = await agreed("{ letters { nodes { nativeId } } }", *ROWS[:2], translation=unnamed)
    assert (answer.data, len(answer.errors)) == (None, 1)


async def test_an_attribute_that_no_column_has_is_that_of_the_record() -> None:
    answer = await agreed("{ letters { nodes { pageCount title } } }", ROWS[0])
    assert answer.data == {"letters": {"nodes": [{"pageCount": None, "title": "Reminder"}]}}


ROW = st.builds(
    Row,
    id=st.integers(1, 2**53),
    client_id=st.integers(0, 3),
    date=st.none() | st.dates() | st.just("2026-01-01") | st.integers(0, 1),
    title=st.none() | st.text(),
    status=st.none() | st.sampled_from([0, 1, 7, 8]),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(rows=st.lists(ROW, max_size=4, unique_by=lambda row: row.id))
async def test_whatever_is_in_the_columns_both_executors_answer_alike(rows: list[Row]) -> None:
    await agreed(LISTED, *rows)
    await agreed(OWN, *rows)
    await agreed(SOME, *rows)


def test_a_list_that_is_noted_beside_another_stays_as_it_is() -> None:
    first = Translated(LETTERS, [Row(1), Row(2)], None, "a")
    second = Translated(LETTERS, [Row(3)], None, "b")
    level: Level = {}
    for sources in (first, second):
        Run.note(object.__new__(Run), level, 0, sources, [{} for _ in sources])
    assert [(one.backend, one.native_id) for one in level[0][0]] == [("a", "1"), ("a", "2"), ("b", "3")]
    assert [one.native_id for one in first] == ["1", "2"]
