"""What KashFlow's emulator remembers, in SQLite: customers, their notes, e-mail templates and the e-mail log."""

import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from adapters.kashflow.sandbox_query import NEVER, Window, stamp
from adapters.kashflow.sandbox_record import Customer, summary_of

__all__ = ["LoggedMail", "Note", "Store", "Template", "open_database"]

_SCHEMA = """
CREATE TABLE customers (
    id INTEGER PRIMARY KEY AUTOINCREMENT, code TEXT NOT NULL UNIQUE, name TEXT NOT NULL, archived INTEGER NOT NULL,
    created TEXT NOT NULL, paid REAL NOT NULL, outstanding REAL NOT NULL, folded_name TEXT NOT NULL,
    sought TEXT NOT NULL, summary BLOB NOT NULL, record BLOB NOT NULL
);
CREATE INDEX by_name ON customers (folded_name, code);
CREATE INDEX by_paid ON customers (paid, code);
CREATE INDEX by_outstanding ON customers (outstanding, code);
CREATE TABLE notes (
    customer INTEGER NOT NULL REFERENCES customers (id) ON DELETE CASCADE, number INTEGER NOT NULL, text TEXT NOT NULL,
    date TEXT NOT NULL, author TEXT NOT NULL, PRIMARY KEY (customer, number)
);
CREATE TABLE templates (
    number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, subject TEXT NOT NULL, body TEXT NOT NULL,
    html INTEGER NOT NULL, for_statements INTEGER NOT NULL
);
CREATE TABLE mails (
    number INTEGER PRIMARY KEY, subject TEXT NOT NULL, recipient TEXT NOT NULL, from_name TEXT NOT NULL,
    from_email TEXT NOT NULL, created TEXT NOT NULL, due TEXT NOT NULL, error TEXT
);
CREATE TABLE sessions (token TEXT PRIMARY KEY, used REAL NOT NULL);
CREATE TABLE temporary_tokens (token TEXT PRIMARY KEY, positions TEXT NOT NULL, issued REAL NOT NULL);
CREATE TABLE failed_logins (at REAL NOT NULL);
PRAGMA user_version = 1;
"""

_CUSTOMERS = """
FROM customers
WHERE (:archived OR NOT archived)
  AND (:prefix IS NULL OR instr(folded_name, :prefix) = 1)
  AND (:text IS NULL OR instr(sought, :text) > 0)
  AND (:start IS NULL OR created >= :start)
  AND (:end IS NULL OR created <= :end)
"""
_SORTED_BY = {"Name": "folded_name", "TotalPaidAmount": "paid", "OutstandingBalance": "outstanding"}
"""The columns that a list is sorted by, each with an index; by code otherwise."""

_LOG = """
SELECT CASE WHEN due > :now THEN 'Queued' WHEN error IS NOT NULL THEN 'Failed' ELSE 'Sent' END AS status,
  subject, from_name, from_email, created, due, recipient, error, count(*) OVER () FROM mails
WHERE (:start IS NULL OR created >= :start)
  AND (:end IS NULL OR created <= :end)
  AND (:subject IS NULL OR instr(lower(subject), :subject) > 0)
  AND (:email IS NULL OR instr(lower(recipient), :email) > 0)
ORDER BY
  CASE WHEN :order = 'Asc' THEN
    CASE :sort WHEN 'Status' THEN status WHEN 'Subject' THEN subject WHEN 'RecipientEmailId' THEN recipient
               WHEN 'SentTimestamp' THEN due ELSE created END END,
  CASE WHEN :order = 'Desc' THEN
    CASE :sort WHEN 'Status' THEN status WHEN 'Subject' THEN subject WHEN 'RecipientEmailId' THEN recipient
               WHEN 'SentTimestamp' THEN due ELSE created END END DESC,
  CASE WHEN :order = 'Asc' THEN number ELSE -number END
LIMIT :limit OFFSET :offset
"""


class Note(msgspec.Struct, kw_only=True):
    """A note on a customer; ``Number`` counts from 1 for each."""

    Number: int
    Text: str
    Date: str
    LastModifiedBy: str


class Template(msgspec.Struct, kw_only=True):
    """An e-mail template."""

    Number: int
    Name: str
    Subject: str
    Body: str
    IsHtml: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedMail:
    """One e-mail to one address: sent at ``due``, or failed then with ``error``."""

    subject: str
    recipient: str
    from_name: str
    from_email: str
    created: datetime
    due: datetime
    error: str | None = None


def open_database(path: str) -> tuple[sqlite3.Connection, bool]:
    """The database, and whether it is new and so to be seeded."""
    database = sqlite3.connect(path, check_same_thread=False)
    database.execute("PRAGMA foreign_keys = ON")
    database.execute("PRAGMA synchronous = OFF")
    is_new = database.execute("PRAGMA user_version").fetchone()[0] == 0
    if is_new:
        database.executescript(_SCHEMA)
    return database, is_new


class Store:
    """The records. Each method is one statement or a few; the caller holds the transaction."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self.database = database

    def customer(self, code: str) -> Customer | None:
        """The customer of that code."""
        row = self.database.execute("SELECT record FROM customers WHERE code = ?", (code,)).fetchone()
        return None if row is None else msgspec.json.decode(row[0], type=Customer)

    def add_customer(self, customer: Customer) -> None:
        """Stores a new customer under a fresh Id, or under its own where it has one."""
        row = self.database.execute(
            "INSERT INTO customers VALUES (:id, :code, '', 0, '', 0, 0, '', '', '', '') RETURNING id",
            {"id": customer.Id or None, "code": customer.Code},
        ).fetchone()
        customer.Id = row[0]
        self.save_customer(customer)

    def save_customer(self, customer: Customer) -> None:
        """Writes a customer back under its Id."""
        customer.settle()
        self.database.execute(
            """
            UPDATE customers SET code = :code, name = :name, archived = :archived, created = :created, paid = :paid,
              outstanding = :outstanding, folded_name = :folded_name, sought = :sought, summary = :summary,
              record = :record
            WHERE id = :id
            """,
            {
                "id": customer.Id,
                "code": customer.Code,
                "name": customer.Name,
                "archived": customer.IsArchived,
                "created": customer.CreatedDate[: len(NEVER)],
                "paid": customer.TotalPaidAmount,
                "outstanding": customer.OutstandingBalance,
                "folded_name": customer.Name.lower(),
                "sought": "\n".join([customer.Code, customer.Name, *(c.Email for c in customer.Contacts)]).lower(),
                "summary": summary_of(customer),
                "record": msgspec.json.encode(customer),
            },
        )

    def delete_customer(self, code: str) -> bool:
        """Deletes a customer with its notes; false when there is none."""
        return self.database.execute("DELETE FROM customers WHERE code = ?", (code,)).rowcount == 1

    def customers_page(
        self, window: Window, *, sort: str, order: str, archived: bool, filters: Mapping[str, str | None]
    ) -> tuple[list[msgspec.Raw], int]:
        """One page of summaries, and how many customers there are in all. ``filters``: prefix, text, start, end."""
        values = {**filters, "archived": archived, "limit": window.size, "offset": window.offset}
        direction = "DESC" if order == "Desc" else "ASC"
        sorting = f"ORDER BY {_SORTED_BY.get(sort, 'code')} {direction}, code LIMIT :limit OFFSET :offset"
        rows = self.database.execute(f"SELECT summary {_CUSTOMERS} {sorting}", values)
        summaries = [msgspec.Raw(row[0]) for row in rows]
        total = self.database.execute(f"SELECT count(*) {_CUSTOMERS}", values).fetchone()[0]
        return summaries, total

    def notes(self, customer: int) -> list[Note]:
        """A customer's notes, by number."""
        rows = self.database.execute(
            "SELECT number, text, date, author FROM notes WHERE customer = ? ORDER BY number", (customer,)
        )
        return [Note(Number=row[0], Text=row[1], Date=row[2], LastModifiedBy=row[3]) for row in rows]

    def add_note(self, customer: int, text: str, date: str, author: str) -> int:
        """Adds a note and answers its number."""
        row = self.database.execute(
            """
            INSERT INTO notes SELECT :customer, 1 + coalesce(max(number), 0), :text, :date, :author
            FROM notes WHERE customer = :customer RETURNING number
            """,
            {"customer": customer, "text": text, "date": date, "author": author},
        ).fetchone()
        return int(row[0])

    def save_note(self, customer: int, note: Note) -> None:
        """Writes a note back under its number."""
        self.database.execute(
            "UPDATE notes SET text = ?, date = ?, author = ? WHERE customer = ? AND number = ?",
            (note.Text, note.Date, note.LastModifiedBy, customer, note.Number),
        )

    def delete_note(self, customer: int, number: int) -> bool:
        """Deletes a note; false when there is none."""
        cursor = self.database.execute("DELETE FROM notes WHERE customer = ? AND number = ?", (customer, number))
        return cursor.rowcount == 1

    def templates(self) -> list[Template]:
        """The e-mail templates, by number."""
        rows = self.database.execute("SELECT number, name, subject, body, html FROM templates ORDER BY number")
        return [Template(Number=row[0], Name=row[1], Subject=row[2], Body=row[3], IsHtml=bool(row[4])) for row in rows]

    def statement_template(self) -> Template:
        """The template of the statements of customers who have none of their own."""
        number = self.database.execute("SELECT number FROM templates WHERE for_statements").fetchone()[0]
        return next(template for template in self.templates() if template.Number == number)

    def add_template(self, template: Template, *, for_statements: bool = False) -> None:
        """Stores a template."""
        self.database.execute(
            "INSERT INTO templates VALUES (?, ?, ?, ?, ?, ?)",
            (template.Number, template.Name, template.Subject, template.Body, template.IsHtml, for_statements),
        )

    def log_mails(self, mails: Iterable[LoggedMail]) -> None:
        """Writes e-mails into the log."""
        self.database.executemany(
            "INSERT INTO mails VALUES (NULL, ?, ?, ?, ?, ?, ?, ?)",
            [
                (m.subject, m.recipient, m.from_name, m.from_email, stamp(m.created), stamp(m.due), m.error)
                for m in mails
            ],
        )

    def log_page(
        self, window: Window, *, now: datetime, sort: str, order: str, filters: Mapping[str, str | None]
    ) -> tuple[list[dict[str, object]], int]:
        """One page of the e-mail log, and how many rows there are. ``filters``: start, end, subject, email."""
        values = {**filters, "now": stamp(now), "sort": sort, "order": order}
        rows = self._page(_LOG, values, window)
        return [_log_row(row) for row in rows], self._total(_LOG, values, rows)

    def _page(self, query: str, values: Mapping[str, object], window: Window) -> list[Any]:
        return self.database.execute(query, {**values, "limit": window.size, "offset": window.offset}).fetchall()

    def _total(self, query: str, values: Mapping[str, object], rows: list[Any]) -> int:
        """The count that each row of a page carries; past the end there is no row to carry it."""
        first = rows[:1] or self._page(query, values, Window(1, 1))
        return first[0][-1] if first else 0


def _log_row(row: tuple[Any, ...]) -> dict[str, object]:
    status, subject, from_name, from_email, created, due, recipient, error, _ = row
    return {
        "Status": status,
        "Subject": subject,
        "FromName": from_name,
        "FromEmailId": from_email,
        "CreatedTimestamp": created,
        "SentTimestamp": due if status == "Sent" else NEVER,
        "RecipientEmailId": recipient,
        "RecipientType": "To",
        "UsesCustomSmtp": False,
        "ErrorMessage": error if status == "Failed" else None,
    }
