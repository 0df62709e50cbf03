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
from gateway.schema.fields import Attribute, OwnLoad

__all__ = ["OwnRowWriters", "RowWriters", "are_rows_alone", "can_be_rows", "can_stay_rows"]

_TEXTS = ("String", "ID")


class RowWriters(dict[Translation[Any], Any]):
    """What writes a plan's objects out of rows, ``(values, run, level)`` → what is answered, by the rows' translation.

    Translations are as many as the vendors' packages have: nothing here grows with requests.
    """

    def __init__(self, made: ObjectPlan) -> None:
        super().__init__()
        self._made = made

    def __missing__(self, translation: Translation[Any]) -> Any:
        source = _RowSource(translation)
        self._write(source)
        names = source.names | translation.names
        exec(compile(source.text(), "<plan>", "exec"), names)  # noqa: S102 - see the head of `gateway.engine.source`
        found = self[translation] = names["rows"]
        return found

    def _write(self, source: "_RowSource") -> None:
        source.rows(self._made)


class OwnRowWriters(RowWriters):
    """Likewise what writes connections that are asked for their nodes alone, ``(values)`` being `OwnConnections`."""

    def _write(self, source: "_RowSource") -> None:
        source.connections(self._made)


def can_be_rows(made: ObjectPlan) -> bool:
    """Whether an object's type is a record's."""
    return made.type.name in NAMES.values()


def can_stay_rows(made: ObjectPlan) -> bool:
    """Whether no record is needed of a row: leaves alone are written, and what is loaded goes by its native id."""
    return can_be_rows(made) and all(
        one.declared is None or isinstance(one.declared, OwnLoad) or _is_leaf(one) for one in made.fields.values()
    )


def are_rows_alone(made: ObjectPlan) -> bool:
    """Whether an object is a connection of which nothing is written but such nodes, for which nothing is loaded."""
    return all(one.declared is None or _nodes_of(one) is not None for one in made.fields.values())


def _nodes_of(field: FieldPlan) -> ObjectPlan | None:
    """The objects at a connection's field of its nodes, where it is that and they can stay rows."""
    declared = field.declared
    if not isinstance(declared, Attribute) or declared.name != "nodes" or len(field.objects) != 1:
        return None
    (made,) = field.objects.values()
    return made if can_stay_rows(made) and not made.steps else None


def _is_leaf(field: FieldPlan) -> bool:
    return isinstance(field.declared, Attribute) and not field.objects


class _RowSource(Source):
    def __init__(self, translation: Translation[Any]) -> None:
        super().__init__()
        self._translation = translation

    def rows(self, made: ObjectPlan) -> None:
        """``rows(values, run, level)``. Where the translation lacks one of the attributes, records are made."""
        read_off, body = self._each(made, "done")
        noted = []
        if made.steps:
            sources = "values.records if unset else values" if read_off else "values.records"
            noted = [f"run.note(level, {made.number}, {sources}, done)"]
        loop = [f"for s in values.{'rows' if read_off else 'records'}:", *indented(body)]
        begin = ["backend = values.backend", *(["unset = False"] if made.steps else []), "done = []"]
        self.function("rows(values, run, level)", [*begin, *loop, *noted, "return done"])

    def connections(self, made: ObjectPlan) -> None:
        """``rows(values, run, level)``, of connections."""
        members, lists = [], []
        for place, field in enumerate(made.fields.values()):
            nodes = _nodes_of(field)
            members.append(f"{field.key!r}: {repr(made.type.name) if nodes is None else f'nodes{place}'}")
            if nodes is not None:
                read_off, body = self._each(nodes, f"nodes{place}")
                own = "own" if read_off else f"{self.name('records', self._translation.records)}(own, None, backend)"
                lists += [f"nodes{place} = []", f"for s in {own}:", *indented(body)]
        each = ["for own in values.rows:", *indented([*lists, f"done.append({{{', '.join(members)}}})"])]
        begin = ["backend = values.backend", "done = []"]
        self.function("rows(values, run, level)", [*begin, *each, "return done"])

    def _each(self, made: ObjectPlan, done: str) -> tuple[bool, list[str]]:
        """The statements that write the object of a row ``s``; whether that is a row, or must be its record."""
        if NAMES.get(self._translation.record) != made.type.name:
            raise OddError
        fields = made.fields.values()
        names = [one.declared.name for one in fields if isinstance(one.declared, Attribute)]
        read_off = all(self._translation.reads(name) for name in names)
        members, body = [], []
        for place, field in enumerate(fields):
            v = repr(made.type.name) if field.declared is None else "None"  # until it is loaded
            if isinstance(field.declared, Attribute):
                v = f"s{place}"
                body += self._read(v, field, field.declared.name) if read_off else self._attribute(v, field)
            members.append(f"{field.key!r}: {v}")
        return read_off, [*body, f"{done}.append({{{', '.join(members)}}})"]

    def _attribute(self, v: str, field: FieldPlan) -> list[str]:
        assert isinstance(field.declared, Attribute)  # noqa: S101 - all are
        return [f"{v} = s.{attribute_name(field.declared.name)}", *self._completed(v, field)]

    def _read(self, v: str, field: FieldPlan, name: str) -> list[str]:
        """The statements that read an attribute, and make of it what is answered."""
        reading, of_type = self._translation.readings.get(name), nullable(field.type)
        if isinstance(reading, Looked) and isinstance(of_type, GraphQLEnumType):
            return self._looked(v, reading, of_type)
        read = f"{v} = {self._translation.source(name, 's', 'backend')}"
        if isinstance(reading, Reading) and reading.text and getattr(of_type, "name", None) in _TEXTS:
            required = is_non_null_type(field.type) and reading.text is not str
            return [read, f"if {v} is None: raise Odd"] if required else [read]
        return [read, *self._completed(v, field)]

    def _completed(self, v: str, field: FieldPlan) -> list[str]:
        """Statements that make of an attribute what is answered for it; for now null, where it came without."""
        complete = self.completed(v, field.type, field)
        if not field.is_step:
            return complete
        return [f"if {v} is UNSET:", f"    {v} = None", "    unset = True", "else:", *indented(complete)]

    def _looked(self, v: str, reading: Looked, of_type: GraphQLEnumType) -> list[str]:
        """An enumeration's name straight from the column: one look where a table says it."""
        names = self.names[self.enum_names(of_type)]
        known = self.name(f"{v}_names", {column: names[value] for column, value in reading.table.items()})
        otherwise = self.name(f"{v}_otherwise", reading.otherwise)
        column = "s" if reading.column is None else f"s.{attribute_name(reading.column)}"
        return [f"{v} = {known}.get(given := {column}) or {self.enum_names(of_type)}[{otherwise}(given)]"]
