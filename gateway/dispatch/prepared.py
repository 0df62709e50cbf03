"""Statements that are run for every send: written with SQLAlchemy, and run on the driver's own cursor.

SQLAlchemy takes a tenth of a millisecond and more to run a statement that it has compiled before, several times what
SQLite takes. Here each is compiled once for every number of values that its lists have.
"""

from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from msgspec import Struct
from sqlalchemy import Column, Connection, Dialect
from sqlalchemy.sql import Executable

__all__ = ["Prepared"]

MOST_SHAPES = 64
"""Compiled forms of one statement that are kept: batches are of few sizes."""

_Process = Callable[[Any], Any] | None


class _Shape(Struct, frozen=True):
    """A statement compiled for lists of certain lengths. ``expansions`` names the parameters that a list becomes."""

    sql: str
    constants: Mapping[str, Any]
    expansions: Mapping[str, Sequence[str]]
    processes: Mapping[str, Callable[[Any], Any]]
    positions: Sequence[str] | None
    readers: Sequence[_Process]


class Prepared:
    """A statement, and the columns that its rows have."""

    def __init__(self, statement: Executable, returning: Sequence[Column[Any]] = ()) -> None:
        self._statement: Any = statement
        self._columns = tuple(returning)
        self._row = namedtuple("_row", [column.name for column in returning])  # type: ignore[misc] # noqa: PYI024
        self._shapes: dict[tuple[Any, ...], _Shape] = {}

    def run(self, connection: Connection, given: Mapping[str, Any]) -> list[Any]:
        """The rows, with their columns as attributes. Lists are for parameters that are ``expanding``.

        Raises the driver's errors.
        """
        shape = self._shape(connection.dialect, given)
        driver: Any = connection.connection.dbapi_connection
        cursor = driver.cursor()
        cursor.execute(shape.sql, _parameters(shape, given))
        rows = cursor.fetchall() if self._columns else []
        cursor.close()
        return [self._record(shape.readers, row) for row in rows]

    def _shape(self, dialect: Dialect, given: Mapping[str, Any]) -> _Shape:
        lengths = (len(value) if isinstance(value, list) else None for value in given.values())
        key = (dialect.name, *given, *lengths)
        shape = self._shapes.get(key)
        if shape is None:
            if len(self._shapes) >= MOST_SHAPES:
                self._shapes.clear()
            shape = self._shapes[key] = _compiled(self._statement, self._columns, dialect, given)
        return shape

    def _record(self, readers: Sequence[_Process], row: Sequence[Any]) -> Any:
        return self._row(*(value if read is None else read(value) for value, read in zip(row, readers, strict=True)))


def _compiled(statement: Any, columns: Sequence[Column[Any]], dialect: Dialect, given: Mapping[str, Any]) -> _Shape:
    compiled = statement.compile(dialect=dialect, column_keys=list(given))
    state = compiled.construct_expanded_state(given)
    positions = state.positiontup
    expansions = {name: names for name, names in state.parameter_expansion.items() if name in given}
    varying = {*given, *(name for names in expansions.values() for name in names)}
    whole = {name: _writer(bind.type, dialect) for name, bind in compiled.binds.items()}
    writers = {name: write for name, write in (whole | state.processors).items() if write is not None}
    constants = {
        name: writers[name](value) if name in writers else value
        for name, value in state.parameters.items()
        if name not in varying
    }
    processes = {name: write for name, write in writers.items() if name in varying - expansions.keys()}
    readers = tuple(column.type.dialect_impl(dialect).result_processor(dialect, None) for column in columns)
    return _Shape(state.statement, constants, expansions, processes, positions, readers)


def _writer(kind: Any, dialect: Dialect) -> _Process:
    return kind.dialect_impl(dialect).bind_processor(dialect)  # type: ignore[no-any-return]


def _parameters(shape: _Shape, given: Mapping[str, Any]) -> Any:
    named = dict(shape.constants)
    for name, value in given.items():
        names = shape.expansions.get(name)
        if names is None:
            named[name] = value
        else:
            named.update(zip(names, _flat(value), strict=True))
    for name, process in shape.processes.items():
        named[name] = process(named[name])
    return named if shape.positions is None else [named[name] for name in shape.positions]


def _flat(values: Sequence[Any]) -> Sequence[Any]:
    """The values of a list, those of pairs one by one."""
    return [part for pair in values for part in pair] if values and isinstance(values[0], tuple) else values
