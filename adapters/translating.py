"""Records read off a vendor's rows only when somebody looks at them: lists are long, and most of a row nobody asks for.

How a record's attributes are read is declared once (`Translation`), each as a `Reading` of one column. Of that two
things are made: records of the model, for whoever wants those; and for the compiled executor the expressions
themselves, so that it writes an answer out of the rows, and records need not be.

All that gets into source here are attributes' and columns' names; values are reached through names.
"""

import keyword
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import reduce
from itertools import chain, repeat
from operator import add
from typing import Any, ClassVar, Generic, TypeVar, overload

from msgspec import UNSET, Struct

__all__ = [
    "Always",
    "Column",
    "Filled",
    "FilledOne",
    "FilledText",
    "Looked",
    "Made",
    "Reading",
    "Reference",
    "Text",
    "Translated",
    "Translation",
    "joined",
]

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

Naming = Callable[[object], str]
"""Gives a value a name that source may use."""


class Reading(Struct, frozen=True):
    """How an attribute is read off a column, or where that is None off the whole row.

    ``text`` is what it gives, where that is text: ``str``, or it or None.
    """

    column: str | None
    text: ClassVar[Any] = None

    def source(self, column: str, name: Naming) -> str:
        """The expression, of the expression that reads the column. It may call what it has read ``given``."""
        raise NotImplementedError


class Column(Reading, frozen=True):
    """The column as it is."""

    def source(self, column: str, name: Naming) -> str:  # noqa: ARG002 - as of all readings
        """Itself."""
        return column


class Text(Reading, frozen=True):
    """The column as text."""

    text: ClassVar[Any] = str

    def source(self, column: str, name: Naming) -> str:  # noqa: ARG002
        """By ``str``."""
        return f"str({column})"


class Reference(Reading, frozen=True):
    """Another record's number as text; None where it is no number from 1."""

    text: ClassVar[Any] = str | None

    def source(self, column: str, name: Naming) -> str:  # noqa: ARG002
        """By ``str``, where it is a number."""
        return f"(str(given) if (given := {column}) > 0 else None)"


class Filled(Reading, frozen=True):
    """Text without space around it; None where nothing is left, or there was none."""

    text: ClassVar[Any] = str | None

    def source(self, column: str, name: Naming) -> str:  # noqa: ARG002
        """Stripped."""
        return f"((given.strip() or None) if (given := {column}) else None)"


class FilledOne(Reading, frozen=True):
    """Likewise, as the one of its kind or none; UNSET where the column is."""

    def source(self, column: str, name: Naming) -> str:
        """In a tuple."""
        unset, filled = name(UNSET), "(given,) if given and (given := given.strip()) else ()"
        return f"({unset} if (given := {column}) is {unset} else {filled})"


class FilledText(Reading, frozen=True):
    """Likewise of a number that may be written as one or as text."""

    text: ClassVar[Any] = str | None

    def source(self, column: str, name: Naming) -> str:  # noqa: ARG002
        """By ``str``, stripped."""
        return f"((str(given).strip() or None) if (given := {column}) is not None else None)"


class Looked(Reading, frozen=True):
    """What a table has for the column; ``otherwise`` says it of what the table does not have."""

    table: Mapping[Any, Any]
    otherwise: Callable[[Any], Any]

    def source(self, column: str, name: Naming) -> str:
        """Looked up. What a table has for something is never false."""
        return f"({name(self.table)}.get(given := {column}) or {name(self.otherwise)}(given))"


class Made(Reading, frozen=True):
    """What a function makes of the column."""

    function: Callable[[Any], Any]

    def source(self, column: str, name: Naming) -> str:
        """A call."""
        return f"{name(self.function)}({column})"


class Always(Reading, frozen=True):
    """The same of each row."""

    value: Any

    def source(self, column: str, name: Naming) -> str:  # noqa: ARG002
        """By a name."""
        return name(self.value)


class Translation(Generic[T_co]):
    """How records of one class are read off rows of another; ``native_id`` and each other attribute by its reading."""

    def __init__(self, record: type[T_co], readings: Mapping[str, Reading]) -> None:
        self.record = record
        self.names: dict[str, Any] = {}
        self.readings = readings
        self._reads = self._compiled()

    def reads(self, attribute: str) -> bool:
        """Whether an attribute is read off a row."""
        return attribute == "backend" or attribute in self.readings

    def source(self, attribute: str, row: str, backend: str) -> str:
        """The expression that reads an attribute off a row, for which this translation's ``names`` are to be known."""
        if attribute == "backend":
            return backend
        reading = self.readings[attribute]
        column = row if reading.column is None else f"{row}.{_identifier(reading.column)}"
        return reading.source(column, self._name)

    def records(self, rows: Sequence[Any], raws: Sequence[Any] | None, backend: str) -> list[T_co]:
        """The records of these rows, with their raw forms where those are given."""
        made: list[T_co] = self._reads["records"](rows, repeat(UNSET) if raws is None else raws, backend)
        return made

    def native_ids(self, rows: Sequence[Any]) -> list[str]:
        """Their native ids alone."""
        ids: list[str] = self._reads["native_ids"](rows)
        return ids

    def _compiled(self) -> dict[str, Any]:
        members = {name: self.source(name, "row", "backend") for name in ("backend", *self.readings)}
        given = ", ".join(f"{_identifier(name)}={source}" for name, source in members.items())
        source = (
            "def records(rows, raws, backend):\n"
            f"    return [record({given}, raw=raw) for row, raw in zip(rows, raws)]\n"
            "def native_ids(rows):\n"
            f"    return [{members['native_id']} for row in rows]\n"
        )
        names = {**self.names, "record": self.record}
        exec(compile(source, f"<translation of {self.record.__name__}>", "exec"), names)  # noqa: S102 - see above
        return names

    def _name(self, value: object) -> str:
        known = next((name for name, one in self.names.items() if one is value), None)
        name = known or f"of_column_{len(self.names)}"
        self.names[name] = value
        return name


def _identifier(name: str) -> str:
    if not name.isidentifier() or keyword.iskeyword(name):
        raise ValueError(f"{name!r} is no attribute's name.")
    return name


class Translated(Sequence[T_co]):
    """Rows as a sequence of records, which are made when somebody looks at them; all at once where all are looked at.

    Equal to any list or tuple of the same records.
    """

    __slots__ = ("_records", "backend", "raws", "rows", "translation")

    def __init__(
        self, translation: Translation[T_co], rows: Sequence[Any], raws: Sequence[Any] | None, backend: str
    ) -> None:
        self.translation = translation
        self.rows = rows
        self.raws = raws
        self.backend = backend
        self._records: list[T_co] | None = None

    @property
    def records(self) -> list[T_co]:
        """All records."""
        if self._records is None:
            self._records = self.translation.records(self.rows, self.raws, self.backend)
        return self._records

    def native_ids(self) -> list[str]:
        """Theirs, for which no records need be made."""
        return self.translation.native_ids(self.rows)

    def native_id(self, at: int) -> str:
        """That of one, likewise."""
        return self.translation.native_ids((self.rows[at],))[0]

    def picked(self, places: Sequence[int]) -> "Translated[T_co]":
        """Those at these places."""
        rows, raws = self.rows, self.raws
        picked_raws = None if raws is None else [raws[place] for place in places]
        return Translated(self.translation, [rows[place] for place in places], picked_raws, self.backend)

    def __add__(self, more: "Translated[T_co]") -> "Translated[T_co]":
        """More rows of the same list behind these."""
        raws = None if self.raws is None else [*self.raws, *(more.raws or ())]
        return Translated(self.translation, [*self.rows, *more.rows], raws, self.backend)

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[T_co]:
        return iter(self.records)

    @overload
    def __getitem__(self, at: int) -> T_co: ...

    @overload
    def __getitem__(self, at: slice) -> "Translated[T_co]": ...

    def __getitem__(self, at: int | slice) -> "T_co | Translated[T_co]":
        if isinstance(at, slice):
            if at.indices(len(self.rows)) == (0, len(self.rows), 1):
                return self
            raws = None if self.raws is None else self.raws[at]
            return Translated(self.translation, self.rows[at], raws, self.backend)
        return self.records[at] if self._records is not None else self.picked((at,)).records[0]

    def __eq__(self, other: object) -> bool:
        if isinstance(other, list | tuple | Translated):
            return len(self) == len(other) and all(one == same for one, same in zip(self, other, strict=True))
        return NotImplemented

    __hash__ = None  # type: ignore[assignment] # as of lists

    def __repr__(self) -> str:
        return f"Translated({self.records!r})"


def joined(parts: Sequence[Sequence[T]]) -> Sequence[T]:
    """Parts of one list as one sequence; still to be translated where all are."""
    waiting = [part for part in parts if isinstance(part, Translated)]
    if not parts or len(waiting) < len(parts):
        return tuple(chain.from_iterable(parts))
    return reduce(add, waiting)
