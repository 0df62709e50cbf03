"""Objects that are written out of a vendor's rows, which nobody has made records of (`adapters.translating`).

A function for each plan of objects and each translation, made when such rows first come. It is the function that writes
records, but that it reads columns where that one reads attributes; what a reading says of what it gives is not looked
at again.
"""

from typing import Any

from graphql import GraphQLEnumType, is_non_null_type

from adapters.translating import Looked, Reading, Translation
from gateway.engine.plan import FieldPlan, ObjectPlan
from gateway.engine.source import OddError, Source, attribute_name, indented, nullable
from gateway.record_types import NAMES
from gateway.schema.fields import Attribute

__all__ = ["RowWriters", "can_be_rows", "is_plain"]

_TEXTS = ("String", "ID")


class RowWriters(dict[Translation[Any], Any]):
    """What writes a plan's objects out of rows, ``(values)`` → what is answered, by the rows' translation.

    Translations are as many as the vendors' packages have: nothing here grows with requests.
    """

    def __init__(self, made: ObjectPlan) -> None:
        super().__init__()
        self._made = made

    def __missing__(self, translation: Translation[Any]) -> Any:
        if NAMES.get(translation.record) != self._made.type.name:
            raise OddError
        source = _RowSource(translation)
        source.rows(self._made)
        names = source.names | translation.names
        exec(compile(source.text(), "<plan>", "exec"), names)  # noqa: S102 - see the head of `gateway.engine.source`
        found = self[translation] = names["rows"]
        return found


def can_be_rows(made: ObjectPlan) -> bool:
    """Whether an object's type is a record's."""
    return made.type.name in NAMES.values()


def is_plain(made: ObjectPlan) -> bool:
    """Whether nothing is written of an object but attributes that are leaves."""
    return all(
        one.declared is None or (isinstance(one.declared, Attribute) and not one.is_step and not one.objects)
        for one in made.fields.values()
    )


class _RowSource(Source):
    def __init__(self, translation: Translation[Any]) -> None:
        super().__init__()
        self._translation = translation

    def rows(self, made: ObjectPlan) -> None:
        """``rows(values)``. Where the translation lacks one of the attributes, records are made after all."""
        fields = made.fields.values()
        names = [one.declared.name for one in fields if isinstance(one.declared, Attribute)]
        read_off = all(self._translation.reads(name) for name in names)
        members, body = [], []
        for place, field in enumerate(fields):
            v = f"s{place}"
            members.append(f"{field.key!r}: {repr(made.type.name) if field.declared is None else v}")
            if isinstance(field.declared, Attribute):
                body += self._read(v, field, field.declared.name) if read_off else self._attribute(v, field)
        sources = "rows" if read_off else "records"
        body.append(f"push({{{', '.join(members)}}})")
        begin = ["backend = values.backend", "done = []", "push = done.append"]
        self.function("rows(values)", [*begin, f"for s in values.{sources}:", *indented(body), "return done"])

    def _attribute(self, v: str, field: FieldPlan) -> list[str]:
        assert isinstance(field.declared, Attribute)  # noqa: S101 - all are
        return [f"{v} = s.{attribute_name(field.declared.name)}", *self.completed(v, field.type, field)]

    def _read(self, v: str, field: FieldPlan, name: str) -> list[str]:
        """The statements that read an attribute, and make of it what is answered."""
        reading, of_type = self._translation.readings.get(name), nullable(field.type)
        if isinstance(reading, Looked) and isinstance(of_type, GraphQLEnumType):
            return self._looked(v, reading, of_type)
        read = f"{v} = {self._translation.source(name, 's', 'backend')}"
        if isinstance(reading, Reading) and reading.text and getattr(of_type, "name", None) in _TEXTS:
            required = is_non_null_type(field.type) and reading.text is not str
            return [read, f"if {v} is None: raise Odd"] if required else [read]
        return [read, *self.completed(v, field.type, field)]

    def _looked(self, v: str, reading: Looked, of_type: GraphQLEnumType) -> list[str]:
        """An enumeration's name straight from the column: one look where a table says it."""
        names = self.names[self.enum_names(of_type)]
        known = self.name(f"{v}_names", {column: names[value] for column, value in reading.table.items()})
        otherwise = self.name(f"{v}_otherwise", reading.otherwise)
        column = "s" if reading.column is None else f"s.{attribute_name(reading.column)}"
        return [f"{v} = {known}.get(given := {column}) or {self.enum_names(of_type)}[{otherwise}(given)]"]
