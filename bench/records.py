"""The records behind every contender: as the vendors' REST writes them, and as an answer to a query holds them.

Both are written out here by hand, from the same numbers, so that what a contender answers can be compared with what
it should. Each tenant has the same records under names of its own: one that is shown another's is found out.
"""

from datetime import date, timedelta
from typing import Any

__all__ = ["CORRESPONDENCE", "CUSTOMERS", "LETTERS", "Tenant"]

CUSTOMERS = 50
"""Of each tenant."""

LETTERS = 5
CORRESPONDENCE = 5
"""Of each customer."""

_NEWEST = date(2026, 6, 30)
_TITLES = ("Opening hours", "New price list", "Annual balance confirmation", "Change of bank account", "Reminder")
_TYPES = ("Welcome", "Price change", "Final notice", "Contract", "Reminder")
_STATES = {"Ready": "READY", "Emailed": "SENT", "Delivered": "DELIVERED"}


class Tenant:
    """One tenant of a vendor; ``name`` is in all that is its own."""

    def __init__(self, name: str) -> None:
        self.name = name

    def letter_client(self, number: int) -> dict[str, Any]:
        """A customer's row at the vendor of letters."""
        street = {"street": "Dock Road", "streetno": str(number), "street2": "", "code": "28195", "city": "Bremen"}
        return {
            "id": 1000 + number,
            "type": 1,
            "gender": 0,
            "number": 10_000 + number,
            "name": self._customer_name(number),
            "addition": "",
            "vat_id": "",
            "language": "de",
            "phone": "",
            "fax": "",
            "email": _email(number),
            "website": f"https://www.customer-{number}.example",
            "notes": "",
            "main_contact_id": 0,
            "main_address_id": 5000 + number,
            **street,
            "country": "DE",
            "addresses": [{"id": 5000 + number, **street, "country": "DE"}],
            "contacts": [],
            "assigns": [],
        }

    def letter(self, place: int) -> dict[str, Any]:
        """The row at this place of the list of all letters, newest first: each day, each customer has one."""
        number = place % CUSTOMERS
        return {
            "id": 900_000 - place,
            "client_id": 1000 + number,
            "client_address_id": 5000 + number,
            "client_contact_id": 0,
            "date": _day(place // CUSTOMERS),
            "title": f"{_TITLES[place % len(_TITLES)]} {number}",
            "status": 7 if place % 3 else 1,
            "pages": 1 + place % 4,
        }

    def billing_customer(self, number: int) -> dict[str, Any]:
        """A customer's row at the vendor of correspondence."""
        return {
            "id": str(1000 + number),
            "accountNumber": str(10_000 + number),
            "CRMReference": f"CRM-{10_000 + number}",
            "name": self._customer_name(number),
            "email": _email(number),
        }

    def correspondence(self, number: int, place: int) -> dict[str, Any]:
        """The row at this place of a customer's correspondence."""
        return {
            "id": str(_correspondence_id(number, place)),
            "customerID": str(1000 + number),
            "correspondenceNumber": f"C{number:03}{place}",
            "correspondenceDate": _day(place),
            "correspondenceType": _TYPES[place % len(_TYPES)],
            "status": list(_STATES)[: 1 + place % 3],
        }

    def customer_answer(self, number: int) -> dict[str, Any]:
        """A customer as a query is answered."""
        return {
            "nativeId": str(1000 + number),
            "code": str(10_000 + number),
            "name": self._customer_name(number),
            "emails": [_email(number)],
        }

    def letter_answer(self, place: int) -> dict[str, Any]:
        """A letter as a query is answered."""
        row = self.letter(place)
        state = {1: "SENT", 7: "DRAFT"}[row["status"]]
        return {"nativeId": str(row["id"]), "date": row["date"], "title": row["title"], "state": state}

    def letters_answer(self, number: int) -> list[dict[str, Any]]:
        """A customer's letters as a query is answered."""
        return [self.letter_answer(number + turn * CUSTOMERS) for turn in range(LETTERS)]

    def all_correspondence_answer(self, number: int) -> list[dict[str, Any]]:
        """A customer's correspondence as a query is answered."""
        return [self.correspondence_answer(number, place) for place in range(CORRESPONDENCE)]

    def correspondence_answer(self, number: int, place: int) -> dict[str, Any]:
        """Correspondence as a query is answered."""
        row = self.correspondence(number, place)
        return {
            "nativeId": row["id"],
            "date": row["correspondenceDate"],
            "title": row["correspondenceType"],
            "state": _STATES[row["status"][-1]],
        }

    def _customer_name(self, number: int) -> str:
        return f"Customer {number} of {self.name}"


def _email(number: int) -> str:
    return f"accounts@customer-{number}.example"


def _correspondence_id(number: int, place: int) -> int:
    return 20_000 + number * CORRESPONDENCE + place


def _day(ago: int) -> str:
    return (_NEWEST - timedelta(days=ago)).isoformat()
