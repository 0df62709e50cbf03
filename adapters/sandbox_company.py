"""The sample company's customers: the same ones at every vendor's emulator, under shared codes. Deterministic."""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from random import Random

__all__ = ["COMPANY_NAME", "COMPANY_TODAY", "CompanyCustomer", "company_customers"]

COMPANY_NAME = "Northgate Supplies"
COMPANY_TODAY = date(2026, 6, 30)
"""The day the sample data ends; nothing seeded is dated later."""

CUSTOMER_COUNT = 240
FIRST_NUMBER = 10001
SEED = 20260630

_FIRST = (
    "Alder", "Amber", "Anchor", "Arden", "Beacon", "Birch", "Bridge", "Canal", "Castle", "Cedar", "Cobalt",
    "Copper", "Coral", "Delta", "Dune", "Eastfield", "Elm", "Ember", "Fairway", "Fern", "Fjord", "Garnet",
    "Glacier", "Harbour", "Hazel", "Heron", "Highland", "Indigo", "Ivory", "Juniper", "Kestrel", "Lantern",
    "Lime", "Maple", "Meridian", "Mill", "Moor", "Nimbus", "Oak", "Orchard", "Pebble", "Pine", "Quarry", "Raven",
    "Ridge", "River", "Saffron", "Sable", "Silver", "Slate", "Summit", "Thistle", "Tidal", "Umber", "Valley",
    "Walnut", "Westgate", "Willow", "Yarrow", "Zephyr",
)  # fmt: skip
_TRADE = (
    "Bakery", "Books", "Cabling", "Catering", "Ceramics", "Components", "Couriers", "Dental", "Electrics",
    "Engineering", "Fabrics", "Foods", "Freight", "Furniture", "Gardens", "Glazing", "Interiors", "Joinery",
    "Laundry", "Lighting", "Logistics", "Marine", "Motors", "Optics", "Packaging", "Papers", "Pharmacy",
    "Plumbing", "Print", "Tools",
)  # fmt: skip
_FORM = {"GB": "Ltd", "CH": "AG", "DE": "GmbH", "IE": "Ltd"}
_TOWNS = (
    ("GB", "Leeds", "LS1 4AP"), ("GB", "Bristol", "BS1 5TR"), ("GB", "Manchester", "M1 2WD"), ("CH", "Zürich", "8001"),
    ("GB", "Norwich", "NR2 1AB"), ("CH", "Bern", "3011"), ("DE", "Köln", "50667"), ("GB", "Cardiff", "CF10 1EP"),
    ("IE", "Cork", "T12 W8K"), ("CH", "Lausanne", "1003"), ("GB", "Glasgow", "G1 3SL"), ("DE", "Bremen", "28195"),
)  # fmt: skip
_STREETS = (
    "Mill Lane",
    "Station Road",
    "High Street",
    "Quay Street",
    "Bahnhofstrasse",
    "Seeweg",
    "Park Row",
    "Dock Road",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CompanyCustomer:
    """One customer of the sample company, in nobody's API terms.

    ``index`` counts from 0; ``code`` is the shared code, digits only so that a vendor with whole-number client numbers
    can hold it. ``emails`` is empty for some; ``email_is_broken`` marks those whose address no mail server would take.
    """

    index: int
    code: str
    name: str
    emails: tuple[str, ...]
    email_is_broken: bool
    street: str
    house: str
    city: str
    postcode: str
    country: str
    currency: str
    balance: Decimal
    active: bool
    since: date


def company_customers() -> tuple[CompanyCustomer, ...]:
    """All customers, in code order.

    Each name is unique. Every 16th (from the 8th) has no e-mail address, every 40th (from the 20th) a broken one, every
    12th (from the 11th) is inactive; the first ten are active and have a good address.
    """
    chance = Random(SEED)  # noqa: S311 - sample data
    names = [f"{first} {trade}" for first in _FIRST for trade in _TRADE]
    chance.shuffle(names)
    return tuple(_customer(index, names[index], chance) for index in range(CUSTOMER_COUNT))


def _customer(index: int, name: str, chance: Random) -> CompanyCustomer:
    country, city, postcode = _TOWNS[chance.randrange(len(_TOWNS))]
    slug = name.lower().replace(" ", "-")
    broken = index % 40 == 19
    emails: tuple[str, ...] = (f"accounts@{slug}.example",)
    if index % 7 == 3:
        emails += (f"office@{slug}.example",)
    if index % 16 == 15:
        emails = ()
    if broken:
        emails = (f"accounts.at.{slug}",)
    return CompanyCustomer(
        index=index,
        code=str(FIRST_NUMBER + index),
        name=f"{name} {_FORM[country]}",
        emails=emails,
        email_is_broken=broken,
        street=_STREETS[chance.randrange(len(_STREETS))],
        house=str(chance.randrange(1, 120)),
        city=city,
        postcode=postcode,
        country=country,
        currency={"GB": "GBP", "CH": "CHF", "DE": "EUR", "IE": "EUR"}[country],
        balance=Decimal(chance.randrange(0, 900_000)) / 100 if chance.random() > 0.25 else Decimal("0.00"),
        active=index % 12 != 11,
        since=COMPANY_TODAY - timedelta(days=chance.randrange(400, 3000)),
    )
