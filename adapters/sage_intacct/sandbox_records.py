"""The emulated company's records, in SQLite, and how their fields are reached and shown."""

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import quote

import msgspec

from adapters.sage_intacct.sandbox_catalogue import (
    CUSTOMER,
    CUSTOMER_EMAIL_TEMPLATE,
    OBJECTS,
    Field,
    ObjectType,
    Record,
    Reference,
)
from adapters.sage_intacct.sandbox_conditions import Column

__all__ = ["Records", "link_of"]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS record (
    object TEXT NOT NULL, key INTEGER NOT NULL, id TEXT NOT NULL, body BLOB NOT NULL,
    PRIMARY KEY (object, key)
) WITHOUT ROWID;
CREATE UNIQUE INDEX IF NOT EXISTS record_by_id ON record (object, id);
CREATE TABLE IF NOT EXISTS last_key (object TEXT PRIMARY KEY, key INTEGER NOT NULL) WITHOUT ROWID;
"""
_LONGEST_KEY = 18


def link_of(object_name: str, key: str) -> str:
    """A record's ``href``: relative to the base, without ``/ia/api/v1``."""
    return f"/objects/{object_name}/{quote(key, safe='')}"


class Records:
    """All records; a record is found by its object's name and its key or id. Lists come in key order."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database
        with database:
            database.executescript(_SCHEMA)

    def is_empty(self) -> bool:
        """Whether nothing was ever stored."""
        return self._database.execute("SELECT 1 FROM record LIMIT 1").fetchone() is None

    def fill(self, records: Iterable[tuple[str, Record]], last_keys: Mapping[str, int]) -> None:
        """Stores the first records, and the last keys given out before."""
        with self._database:
            for object_name, record in records:
                self._put(object_name, record)
            self._database.executemany("INSERT OR REPLACE INTO last_key VALUES (?, ?)", last_keys.items())

    def all(self, object_name: str) -> list[Record]:
        """Every record of an object."""
        rows = self._database.execute("SELECT body FROM record WHERE object = ? ORDER BY key", (object_name,))
        return [msgspec.json.decode(body) for (body,) in rows]

    def by_key(self, object_name: str, key: str) -> Record | None:
        """The record under a key; None too where the text is no key."""
        if not (key.isascii() and key.isdecimal() and len(key) <= _LONGEST_KEY):
            return None
        return self._one("SELECT body FROM record WHERE object = ? AND key = ?", object_name, int(key))

    def by_id(self, object_name: str, record_id: str) -> Record | None:
        """The record with an id."""
        return self._one("SELECT body FROM record WHERE object = ? AND id = ?", object_name, record_id)

    def add(self, object_name: str, make: Callable[[str], Record]) -> Record:
        """Stores what ``make`` makes of the next key; a key is never given out twice."""
        with self._database:
            row = self._database.execute("SELECT key FROM last_key WHERE object = ?", (object_name,)).fetchone()
            key = (row[0] if row else 0) + 1
            record = make(str(key))
            self._put(object_name, record)
        return record

    def replace(self, object_name: str, record: Record) -> None:
        """Stores a record's new state."""
        with self._database:
            self._put(object_name, record)

    def delete(self, object_name: str, key: str) -> None:
        """Forgets a record."""
        with self._database:
            self._database.execute("DELETE FROM record WHERE object = ? AND key = ?", (object_name, int(key)))

    def view(self, object_name: str, record: Record) -> dict[str, Any]:
        """A record as a GET shows it: nested, with the shown fields of what it refers to."""
        flat: dict[str, Any] = {}
        for name, member in OBJECTS[object_name].members.items():
            if isinstance(member, Field):
                flat[name] = link_of(object_name, record["key"]) if name == "href" else record.get(name)
                continue
            target = self._target(member, record.get(name))
            for part in member.shown:
                if part != "href":
                    flat[f"{name}.{part}"] = target and target.get(part)
                elif target:
                    flat[f"{name}.href"] = link_of(member.target, target["key"])
        if object_name == CUSTOMER:
            flat["contactList"] = []
            flat["customerEmailTemplates"] = [
                self.view(CUSTOMER_EMAIL_TEMPLATE, template)
                for template in self.all(CUSTOMER_EMAIL_TEMPLATE)
                if template["customer"] == record["key"]
            ]
        return _nested(flat)

    def columns(self, object_name: str) -> Callable[[str], Column | None]:
        """Finds an object's columns by dotted name, through references too. Good for one query: it remembers rows."""
        tables: dict[str, dict[str, Record]] = {}

        def table(name: str) -> dict[str, Record]:
            if name not in tables:
                tables[name] = {record["key"]: record for record in self.all(name)}
            return tables[name]

        def find(path: str) -> Column | None:
            return _column(OBJECTS[object_name], path, table)

        return find

    def _target(self, reference: Reference, key: str | None) -> Record | None:
        return None if key is None else self.by_key(reference.target, key)

    def _one(self, statement: str, object_name: str, value: object) -> Record | None:
        row = self._database.execute(statement, (object_name, value)).fetchone()
        return None if row is None else msgspec.json.decode(row[0])

    def _put(self, object_name: str, record: Record) -> None:
        key = int(record["key"])
        row = (object_name, key, record["id"], msgspec.json.encode(record))
        self._database.execute(
            "INSERT INTO record VALUES (?, ?, ?, ?)"
            " ON CONFLICT (object, key) DO UPDATE SET id = excluded.id, body = excluded.body",
            row,
        )
        self._database.execute(
            "INSERT INTO last_key VALUES (?, ?) ON CONFLICT (object) DO UPDATE SET key = max(key, excluded.key)",
            (object_name, key),
        )


def _column(kind: ObjectType, path: str, table: Callable[[str], dict[str, Record]]) -> Column | None:
    hops: list[tuple[str, str]] = []
    rest = path
    while (member := kind.members.get(rest)) is None or isinstance(member, Reference):
        name, reference = next(_references_at_start(kind, rest), (None, None))
        if name is None or reference is None:
            return None
        hops.append((name, reference.target))
        rest = rest.removeprefix(f"{name}.")
        kind = OBJECTS[reference.target]
    if not member.queryable:
        return None
    return Column(name=path, kind=member.kind, read=_reader(kind.name, rest, hops, table))


def _references_at_start(kind: ObjectType, path: str) -> Iterator[tuple[str, Reference]]:
    for name, member in kind.members.items():
        if isinstance(member, Reference) and path.startswith(f"{name}."):
            yield name, member


def _reader(
    object_name: str, field: str, hops: list[tuple[str, str]], table: Callable[[str], dict[str, Record]]
) -> Callable[[Record], Any]:
    def value_of(row: Record) -> Any:
        return link_of(object_name, row["key"]) if field == "href" else row.get(field)

    if not hops:
        return value_of

    def read(row: Record) -> Any:
        target: Record | None = row
        for name, target_name in hops:
            key = target.get(name) if target else None
            target = None if key is None else table(target_name).get(key)
        return None if target is None else value_of(target)

    return read


def _nested(flat: Mapping[str, Any]) -> dict[str, Any]:
    nested: dict[str, Any] = {}
    for path, value in flat.items():
        *groups, name = path.split(".")
        inside = nested
        for group in groups:
            inside = inside.setdefault(group, {})
        inside[name] = value
    return nested
