"""What a new store holds: the sample company's clients with two years of letters, or the published examples."""

import sqlite3
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import count
from random import Random

from adapters.sandbox_company import COMPANY_TODAY, CompanyCustomer, company_customers

__all__ = ["seed_company", "seed_examples"]

SEED = 2013_02_25
TWO_YEARS = timedelta(days=730)
LETTERS_OF_TWO = 8
"""Letters of two neighbouring clients together: four each on average, and the same total whatever the chances."""

FIRST_CLIENT_ID, FIRST_ADDRESS_ID, FIRST_CONTACT_ID, FIRST_LETTER_ID = 24_101, 50_011, 8_001, 32_007
SENT, DRAFT = 1, 7
COMPANY_TYPE = 1

_TITLES = (
    "Payment reminder",
    "Second payment reminder",
    "Our new bank details",
    "Price list for the coming year",
    "Confirmation of your credit limit",
    "Change to our delivery terms",
    "Annual balance confirmation",
    "Opening hours over the holidays",
    "Your request of last week",
    "Cancellation of your standing order",
)
_OFFICES = ("Accounts office", "Front desk", "Purchasing")

_ADD_CLIENT = """
INSERT INTO client (id, type, gender, number, name, addition, vat_id, language, phone, fax, email, website, notes,
  main_contact_id, main_address_id, assigns)
VALUES (:id, :type, :gender, :number, :name, '', '', :language, '', '', :email, :website, :notes,
  :main_contact_id, :main_address_id, :assigns)
"""
_ADD_ADDRESS = "INSERT INTO address VALUES (:id, :client_id, :street, :streetno, '', :code, :city, :country)"
_ADD_CONTACT = "INSERT INTO contact VALUES (:id, :client_id, :surname)"
_ADD_LETTER = """
INSERT INTO letter VALUES (:id, :client_id, :client_name, :client_address_id, :client_contact_id, :date, :title,
  :status, :pages)
"""


@dataclass(frozen=True, slots=True)
class _Place:
    """A seeded client's ids, which its letters point to."""

    client: int
    address: int
    contact: int


def seed_company(store: sqlite3.Connection) -> None:
    """Fills the store with all customers of the sample company and four letters each on average."""
    chance = Random(SEED)  # noqa: S311 - sample data
    customers = company_customers()
    contact_ids = count(FIRST_CONTACT_ID)
    places = []
    client_id, address_id = FIRST_CLIENT_ID, FIRST_ADDRESS_ID
    for customer in customers:
        contact_id = next(contact_ids) if chance.random() < 0.4 else 0
        place = _Place(client_id, address_id, contact_id)
        _add_customer(store, customer, place, _OFFICES[chance.randrange(len(_OFFICES))])
        places.append(place)
        client_id += chance.randrange(1, 9)
        address_id += chance.randrange(1, 4)
    _add_letters(store, customers, places, chance)


def _add_customer(store: sqlite3.Connection, customer: CompanyCustomer, place: _Place, office: str) -> None:
    email = next(iter(customer.emails), "")
    domain = email.partition("@")[2]
    french = customer.city == "Lausanne"
    store.execute(
        _ADD_CLIENT,
        {
            "id": place.client,
            "type": COMPANY_TYPE,
            "gender": 0,
            "number": int(customer.code),
            "name": customer.name,
            "language": "fr" if french else {"CH": "de", "DE": "de"}.get(customer.country, "en"),
            "email": email,
            "website": f"https://www.{domain}" if domain else "",
            "notes": "" if customer.active else "No longer a customer",
            "main_contact_id": place.contact,
            "main_address_id": place.address,
            "assigns": "[]",
        },
    )
    store.execute(
        _ADD_ADDRESS,
        {
            "id": place.address,
            "client_id": place.client,
            "street": customer.street,
            "streetno": customer.house,
            "code": customer.postcode,
            "city": customer.city,
            "country": customer.country,
        },
    )
    if place.contact:
        store.execute(_ADD_CONTACT, {"id": place.contact, "client_id": place.client, "surname": office})


def _add_letters(
    store: sqlite3.Connection, customers: tuple[CompanyCustomer, ...], places: list[_Place], chance: Random
) -> None:
    shares: list[int] = []
    for _ in range(len(customers) // 2):
        share = chance.randrange(1, LETTERS_OF_TWO + 1)
        shares += [share, LETTERS_OF_TWO - share]
    letters = []
    for customer, place, share in zip(customers, places, shares, strict=True):
        letters += [_letter(customer, place, chance) for _ in range(share)]
    # Numbered in the order of writing, which is not quite that of their dates: a letter may be dated back.
    letters.sort(key=lambda letter: date.fromisoformat(str(letter["date"])) + timedelta(days=chance.randrange(6)))
    letter_id = FIRST_LETTER_ID
    for letter in letters:
        store.execute(_ADD_LETTER, {"id": letter_id, **letter})
        letter_id += chance.randrange(1, 4)


def _letter(customer: CompanyCustomer, place: _Place, chance: Random) -> dict[str, object]:
    first_day = max(customer.since, COMPANY_TODAY - TWO_YEARS)
    day = first_day + timedelta(days=chance.randrange((COMPANY_TODAY - first_day).days + 1))
    recent = day > COMPANY_TODAY - timedelta(days=60)
    return {
        "client_id": place.client,
        "client_name": customer.name,
        "client_address_id": place.address,
        "client_contact_id": place.contact if chance.random() < 0.5 else 0,
        "date": day.isoformat(),
        "title": _TITLES[chance.randrange(len(_TITLES))],
        "status": DRAFT if chance.random() < (0.5 if recent else 0.1) else SENT,
        "pages": 2 if chance.random() < 0.15 else 1,
    }


def seed_examples(store: sqlite3.Connection) -> None:
    """Fills the store with the records of the published examples: one client and its one letter.

    The letter has the title of the "get" answer; the published "edit" gives it the one of the "list" answer. The next
    letter added gets the published id 43.
    """
    store.execute(
        _ADD_CLIENT,
        {
            "id": 16,
            "type": COMPANY_TYPE,
            "gender": 0,
            "number": 1000,
            "name": "Jane Doe",
            "language": "de",
            "email": "",
            "website": "",
            "notes": "",
            "main_contact_id": 0,
            "main_address_id": 11,
            "assigns": '[{"id":3,"employee":"John Doe","comment":"My husband","hours":3,"year":2013,"month":2,"day":27,'
            '"billed":0}]',
        },
    )
    address = {"street": "Address", "streetno": "", "code": "123", "city": "Atlantis", "country": "EG"}
    store.execute(_ADD_ADDRESS, {"id": 11, "client_id": 16, **address})
    letter = {"client_address_id": 11, "client_contact_id": 0, "date": "2013-02-25", "title": "Letter to Jane Doe"}
    store.execute(
        _ADD_LETTER, {"id": 2, "client_id": 16, "client_name": "Jane Doe", "status": DRAFT, "pages": 1, **letter}
    )
    store.execute("UPDATE sqlite_sequence SET seq = 42 WHERE name = 'letter'")
