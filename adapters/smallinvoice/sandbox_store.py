"""The emulator's SQLite store, and its lists: paged, sorted and filtered by the pairs of a path."""

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from adapters.smallinvoice import sandbox_seed
from adapters.smallinvoice.sandbox_fields import ListPairs

__all__ = ["Source", "fetch", "list_page", "open_store"]

SEEDED = 1
"""`user_version` of a store that was seeded: one that was emptied since is not seeded again."""

SCHEMA = """
BEGIN;
CREATE TABLE client (
  id INTEGER PRIMARY KEY AUTOINCREMENT, type INTEGER NOT NULL, gender INTEGER NOT NULL, number INTEGER NOT NULL,
  name TEXT NOT NULL, addition TEXT NOT NULL, vat_id TEXT NOT NULL, language TEXT NOT NULL, phone TEXT NOT NULL,
  fax TEXT NOT NULL, email TEXT NOT NULL, website TEXT NOT NULL, notes TEXT NOT NULL,
  main_contact_id INTEGER NOT NULL, main_address_id INTEGER NOT NULL, assigns TEXT NOT NULL DEFAULT '[]',
  deleted INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE address (
  id INTEGER PRIMARY KEY AUTOINCREMENT, client_id INTEGER NOT NULL REFERENCES client, street TEXT NOT NULL,
  streetno TEXT NOT NULL, street2 TEXT NOT NULL, code TEXT NOT NULL, city TEXT NOT NULL, country TEXT NOT NULL
);
CREATE TABLE contact (
  id INTEGER PRIMARY KEY AUTOINCREMENT, client_id INTEGER NOT NULL REFERENCES client, surname TEXT NOT NULL
);
CREATE TABLE letter (
  id INTEGER PRIMARY KEY AUTOINCREMENT, client_id INTEGER NOT NULL REFERENCES client, client_name TEXT NOT NULL,
  client_address_id INTEGER NOT NULL, client_contact_id INTEGER NOT NULL, date TEXT NOT NULL, title TEXT NOT NULL,
  status INTEGER NOT NULL, pages INTEGER NOT NULL
);
CREATE INDEX address_of_client ON address (client_id);
CREATE INDEX contact_of_client ON contact (client_id);
CREATE VIEW live_client AS
  SELECT client.*, street, streetno, street2, code, city, country
  FROM client JOIN address ON address.id = client.main_address_id WHERE NOT deleted;
"""


@dataclass(frozen=True, kw_only=True)
class Source:
    """A table or view to read records from: its public columns, and what each documented sort key orders by."""

    table: str
    columns: tuple[str, ...]
    sorts: Mapping[str, str]
    default_sort: str


def open_store(database: str, seed: Literal["company", "examples"]) -> sqlite3.Connection:
    """A connection to the store, which is made and seeded when it is new."""
    store = sqlite3.connect(database, check_same_thread=False)
    if store.execute("PRAGMA user_version").fetchone() != (SEEDED,):
        with store:
            store.executescript(SCHEMA)
            (sandbox_seed.seed_company if seed == "company" else sandbox_seed.seed_examples)(store)
            store.execute(f"PRAGMA user_version = {SEEDED}")
    return store


def fetch(store: sqlite3.Connection, source: Source, id: str) -> dict[str, Any] | None:
    """The record with this id, which is compared as text: `007` and `1/../2` are nobody's."""
    query = (
        f"SELECT {', '.join(source.columns)} FROM {source.table} "  # noqa: S608 - our names
        "WHERE id = CAST(:id AS INTEGER) AND CAST(id AS TEXT) = :id"
    )
    row = store.execute(query, {"id": id}).fetchone()
    return None if row is None else dict(zip(source.columns, row, strict=True))


def list_page(
    store: sqlite3.Connection, source: Source, pairs: ListPairs
) -> tuple[dict[str, int], list[dict[str, Any]]]:
    """One page of a list: the envelope's `page`, `pages` and `count`, and the records."""
    wanted = _wanted(source, pairs.filter)
    where = " AND ".join(["1", *(f"CAST({column} AS TEXT) = ?" for column in wanted)])
    (count,) = store.execute(f"SELECT count(*) FROM {source.table} WHERE {where}", tuple(wanted.values())).fetchone()  # noqa: S608 - our names
    order = source.sorts.get(pairs.sort, source.default_sort)
    way = "ASC" if pairs.sorttype == "asc" else "DESC"
    query = (
        f"SELECT {', '.join(source.columns)} FROM {source.table} WHERE {where} "  # noqa: S608 - our names
        f"ORDER BY {order} {way}, id {way} LIMIT ? OFFSET ?"
    )
    window = (pairs.limit, (pairs.page - 1) * pairs.limit) if pairs.limit else (-1, 0)
    rows = store.execute(query, (*wanted.values(), *window))
    pages = -(-count // pairs.limit) if pairs.limit else 1
    envelope = {"page": pairs.page, "pages": max(1, pages), "count": count}
    return envelope, [dict(zip(source.columns, row, strict=True)) for row in rows]


def _wanted(source: Source, text: str) -> dict[str, str]:
    """The value wanted of each column, from `key:value;key:value` as the vendor's PHP client writes it."""
    pairs = (part.partition(":") for part in text.split(";"))
    return {key: value for key, colon, value in pairs if colon and key in source.columns}
