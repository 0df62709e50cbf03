"""The emulator's records: customers, contacts and correspondence in SQLite, and the JSON that each is shown as."""

import sqlite3
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

__all__ = [
    "ATTACHMENTS",
    "CORRESPONDENCE_TYPES",
    "DELIVERED_SQL",
    "Condition",
    "ContactRow",
    "CorrespondenceRow",
    "CustomerRow",
    "LinkRow",
    "Records",
    "Seed",
    "stamp",
]

CORRESPONDENCE_TYPES = (
    "Welcome",
    "Failed Payment",
    "Overdue Account",
    "Suspension Warning",
    "Final Notice",
    "Copy Invoices",
)

ATTACHMENTS = {
    "Welcome": ("Terms and Conditions", "Price List"),
    "Copy Invoices": ("Invoices",),
    "Final Notice": ("Statement of Account",),
}
"""The names that can be attached, by correspondence type."""

STATUS_COLUMNS = {
    "Ready": "ready",
    "Emailed": "emailed",
    "Downloaded": "downloaded",
    "Printed": "printed",
    "Delivered": "delivered",
}

DELIVERED_SQL = "(emailed OR downloaded OR printed OR delivered)"
"""What ``delivered`` means: the invoices page's definition, taken over for correspondence."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS customers (
    id INTEGER PRIMARY KEY AUTOINCREMENT, account_number TEXT NOT NULL UNIQUE, crm_reference TEXT NOT NULL,
    name TEXT NOT NULL, email TEXT NOT NULL, address TEXT NOT NULL, final_bill INTEGER NOT NULL,
    dropped INTEGER NOT NULL, dropped_at TEXT, reinstated_at TEXT, created_at TEXT NOT NULL, updated_at TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS contacts (
    id INTEGER PRIMARY KEY AUTOINCREMENT, customer_id INTEGER REFERENCES customers (id), name TEXT NOT NULL,
    email TEXT NOT NULL, dealer_code TEXT NOT NULL, created_at TEXT NOT NULL, updated_at TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS contact_links (
    contact_id INTEGER NOT NULL REFERENCES contacts (id), customer_id INTEGER NOT NULL REFERENCES customers (id),
    PRIMARY KEY (contact_id, customer_id));
CREATE TABLE IF NOT EXISTS correspondence (
    id INTEGER PRIMARY KEY AUTOINCREMENT, customer_id INTEGER NOT NULL REFERENCES customers (id), number TEXT NOT NULL,
    date TEXT NOT NULL, type TEXT NOT NULL, ready INTEGER NOT NULL, emailed INTEGER NOT NULL,
    downloaded INTEGER NOT NULL, printed INTEGER NOT NULL, delivered INTEGER NOT NULL, created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL, UNIQUE (customer_id, number));
"""

LINKED_SQL = "(customer_id = ? OR id IN (SELECT contact_id FROM contact_links WHERE customer_id = ?))"
"""The contacts of a customer: its own, and the shared ones linked to it."""


class CustomerRow(NamedTuple):
    """A customer; ``email`` may hold several addresses separated by commas, the times are as `stamp` writes them."""

    id: int
    account_number: str
    crm_reference: str
    name: str
    email: str
    address: str
    final_bill: bool
    dropped: bool
    dropped_at: str | None
    reinstated_at: str | None
    created_at: str
    updated_at: str

    def shown(self) -> dict[str, Any]:
        """The customer as the API shows it."""
        return {
            "id": str(self.id),
            "accountNumber": self.account_number,
            "CRMReference": self.crm_reference,
            "name": self.name,
            "email": self.email,
        }


class ContactRow(NamedTuple):
    """A contact of one customer, or a shared one (``customer_id`` is None)."""

    id: int
    customer_id: int | None
    name: str
    email: str
    dealer_code: str
    created_at: str
    updated_at: str

    def shown(self) -> dict[str, Any]:
        """The contact as the API shows it."""
        return {
            "id": str(self.id),
            "customerID": None if self.customer_id is None else str(self.customer_id),
            "name": self.name,
            "email": self.email,
            "dealerCode": self.dealer_code,
        }


class LinkRow(NamedTuple):
    """A shared contact's link to a customer."""

    contact_id: int
    customer_id: int


class CorrespondenceRow(NamedTuple):
    """One letter, with a flag for each status."""

    id: int
    customer_id: int
    number: str
    date: str
    type: str
    ready: bool
    emailed: bool
    downloaded: bool
    printed: bool
    delivered: bool
    created_at: str
    updated_at: str

    def shown(self) -> dict[str, Any]:
        """The correspondence as the API shows it."""
        flags = (self.ready, self.emailed, self.downloaded, self.printed, self.delivered)
        return {
            "id": str(self.id),
            "customerID": str(self.customer_id),
            "correspondenceNumber": self.number,
            "correspondenceDate": self.date,
            "correspondenceType": self.type,
            "status": [name for name, flag in zip(STATUS_COLUMNS, flags, strict=True) if flag],
        }


class Condition(NamedTuple):
    """A piece of SQL, written in this package, and the values bound to its question marks."""

    sql: str
    values: tuple[str | int, ...] = ()


class Seed(NamedTuple):
    """What a new database is filled with."""

    customers: Sequence[CustomerRow]
    contacts: Sequence[ContactRow]
    links: Sequence[LinkRow]
    correspondence: Sequence[CorrespondenceRow]


def stamp(moment: datetime) -> str:
    """A time as the database keeps it: UTC, of fixed width, so that the text sorts as the times do."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds")


class Records:
    """The records of one emulator. Ids ascend and are never given twice."""

    def __init__(self, database: str) -> None:
        self._connection = sqlite3.connect(database, check_same_thread=False)
        self._connection.executescript(_SCHEMA)

    def close(self) -> None:
        """Closes the database."""
        self._connection.close()

    def is_empty(self) -> bool:
        """Whether nothing was seeded yet; customers cannot be deleted."""
        return self._connection.execute("SELECT 1 FROM customers LIMIT 1").fetchone() is None

    def fill(self, seed: Seed) -> None:
        """Adds all of a seed's rows at once."""
        with self._connection as connection:
            for table, rows in zip(("customers", "contacts", "contact_links", "correspondence"), seed, strict=True):
                if rows:
                    places = ", ".join("?" * len(rows[0]))
                    connection.executemany(f"INSERT INTO {table} VALUES ({places})", rows)  # noqa: S608 - own names

    def customers(self, conditions: Sequence[Condition], limit: int | None = None) -> list[CustomerRow]:
        """The customers that meet all conditions, by ascending id, at most ``limit``."""
        return [CustomerRow._make(row) for row in self._select("customers", conditions, limit)]

    def contacts(self, conditions: Sequence[Condition], limit: int | None = None) -> list[ContactRow]:
        """The contacts that meet all conditions, by ascending id, at most ``limit``."""
        return [ContactRow._make(row) for row in self._select("contacts", conditions, limit)]

    def correspondence(self, conditions: Sequence[Condition], limit: int | None = None) -> list[CorrespondenceRow]:
        """The correspondence that meets all conditions, by ascending id, at most ``limit``."""
        return [CorrespondenceRow._make(row) for row in self._select("correspondence", conditions, limit)]

    def addresses(self, customer: CustomerRow) -> list[str]:
        """Where a customer's correspondence goes when no address is given: its own addresses, then its contacts'."""
        contacts = self.contacts([Condition(LINKED_SQL, (customer.id, customer.id))])
        return [
            address for text in (customer.email, *(c.email for c in contacts)) for address in text.split(",") if address
        ]

    def next_number(self, customer_id: int) -> str:
        """The correspondence number after the customer's highest: ``C001``, ``C002``, ..."""
        query = """SELECT MAX(CAST(SUBSTR(number, 2) AS INTEGER)) FROM correspondence
            WHERE customer_id = ? AND number GLOB 'C[0-9]*' AND SUBSTR(number, 2) NOT GLOB '*[^0-9]*'"""
        highest = self._connection.execute(query, (customer_id,)).fetchone()[0]
        return f"C{(highest or 0) + 1:03d}"

    def add_correspondence(
        self, *, customer_id: int, number: str, date: str, type_name: str, now: str
    ) -> CorrespondenceRow:
        """Adds correspondence, ready at once. A number that the customer has already raises ValueError."""
        insert = "INSERT INTO correspondence VALUES (NULL, ?, ?, ?, ?, 1, 0, 0, 0, 0, ?, ?) RETURNING *"
        try:
            with self._connection as connection:
                added = connection.execute(insert, (customer_id, number, date, type_name, now, now)).fetchone()
        except sqlite3.IntegrityError as error:
            raise ValueError(number) from error
        return CorrespondenceRow._make(added)

    def change_correspondence(self, row: CorrespondenceRow) -> None:
        """Writes number, date, statuses and update time. A number that the customer has already raises ValueError."""
        update = """UPDATE correspondence SET number = ?, date = ?, emailed = ?, delivered = ?, updated_at = ?
            WHERE id = ?"""
        values = (row.number, row.date, row.emailed, row.delivered, row.updated_at, row.id)
        try:
            with self._connection as connection:
                connection.execute(update, values)
        except sqlite3.IntegrityError as error:
            raise ValueError(row.number) from error

    def delete_correspondence(self, correspondence_id: int) -> None:
        """Deletes correspondence."""
        with self._connection as connection:
            connection.execute("DELETE FROM correspondence WHERE id = ?", (correspondence_id,))

    def _select(self, table: str, conditions: Sequence[Condition], limit: int | None) -> sqlite3.Cursor:
        where = " AND ".join(["TRUE", *(condition.sql for condition in conditions)])
        values = [value for condition in conditions for value in condition.values]
        query = f"SELECT * FROM {table} WHERE {where} ORDER BY id LIMIT ?"  # noqa: S608 - own names and conditions
        return self._connection.execute(query, [*values, -1 if limit is None else limit])
