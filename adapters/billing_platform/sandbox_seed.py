"""What the emulator is filled with: the sample company's correspondence, or the records of the published examples."""

from datetime import UTC, date, datetime, time, timedelta
from random import Random

from adapters.billing_platform.sandbox_records import (
    CORRESPONDENCE_TYPES,
    ContactRow,
    CorrespondenceRow,
    CustomerRow,
    LinkRow,
    Seed,
    stamp,
)
from adapters.sandbox_company import COMPANY_TODAY, CompanyCustomer, company_customers

__all__ = ["company_seed", "examples_seed"]

RANDOM_SEED = 20260630
FIRST_CUSTOMER_ID = 501
FIRST_CONTACT_ID = 301
FIRST_CORRESPONDENCE_ID = 20001
MOST_LETTERS = 12
ALWAYS_READY = 20
"""So many first customers have correspondence, and all of it has its PDF."""
NOT_READY_SHARE = 0.025
DEALERS = ("D01", "D02", "D03")
LATER_TYPES = CORRESPONDENCE_TYPES[1:]
LATER_WEIGHTS = (30, 30, 14, 8, 18)


def company_seed() -> Seed:
    """The sample company: every customer, about five letters each (0 to 12), ids in the order of creation."""
    chance = Random(RANDOM_SEED)  # noqa: S311 - sample data
    customers, letters = [], []
    for company in company_customers():
        row = _customer(company, chance)
        customers.append(row)
        letters += _letters(row, company, chance)
    letters.sort(key=lambda letter: letter.created_at)
    ids, next_id = [], FIRST_CORRESPONDENCE_ID
    for _ in letters:
        ids.append(next_id)
        next_id += 2 if chance.random() < 0.1 else 1  # some were deleted
    numbered = [letter._replace(id=new_id) for letter, new_id in zip(letters, ids, strict=True)]
    contacts, links = _contacts(customers)
    return Seed(customers, contacts, links, numbered)


def _customer(company: CompanyCustomer, chance: Random) -> CustomerRow:
    created = _working_time(company.since, chance)
    dropped = reinstated = None
    if not company.active:
        dropped = _working_time(COMPANY_TODAY - timedelta(days=chance.randrange(30, 300)), chance)
    elif company.index % 24 == 12:
        dropped = _working_time(COMPANY_TODAY - timedelta(days=chance.randrange(200, 300)), chance)
        reinstated = dropped + timedelta(days=chance.randrange(5, 60))
    street = (
        f"{company.house} {company.street}" if company.country in {"GB", "IE"} else f"{company.street} {company.house}"
    )
    return CustomerRow(
        id=FIRST_CUSTOMER_ID + company.index,
        account_number=company.code,
        crm_reference=f"CRM-{company.code}" if company.index % 2 == 0 else "",
        name=company.name,
        email=",".join(company.emails),
        address="\n".join((street, f"{company.postcode} {company.city}", company.country)),
        final_bill=company.active and company.index % 30 == 25,
        dropped=not company.active,
        dropped_at=None if dropped is None else stamp(dropped),
        reinstated_at=None if reinstated is None else stamp(reinstated),
        created_at=stamp(created),
        updated_at=stamp(reinstated or dropped or created),
    )


def _letters(customer: CustomerRow, company: CompanyCustomer, chance: Random) -> list[CorrespondenceRow]:
    count = min(MOST_LETTERS, max(1 if company.index < ALWAYS_READY else 0, round(chance.gauss(5, 2.8))))
    last = date.fromisoformat(customer.dropped_at[:10]) if customer.dropped and customer.dropped_at else COMPANY_TODAY
    days = (last - company.since).days
    dates = sorted(company.since + timedelta(days=chance.randrange(3, days + 1)) for _ in range(count))
    if dates:
        dates[0] = company.since + timedelta(days=chance.randrange(3))
    return [
        _letter(
            customer,
            number,
            day,
            ready=company.index < ALWAYS_READY or chance.random() > NOT_READY_SHARE,
            chance=chance,
        )
        for number, day in enumerate(dates, start=1)
    ]


def _letter(customer: CustomerRow, number: int, day: date, *, ready: bool, chance: Random) -> CorrespondenceRow:
    recorded = day + timedelta(days=chance.randrange(1, 4)) if chance.random() < 0.05 else day
    created = _working_time(min(recorded, COMPANY_TODAY), chance)
    emailed, downloaded, printed, delivered = (ready and chance.random() < share for share in (0.6, 0.3, 0.15, 0.15))
    touched = emailed or downloaded or printed or delivered
    return CorrespondenceRow(
        id=0,
        customer_id=customer.id,
        number=f"C{number:03d}",
        date=day.isoformat(),
        type="Welcome" if number == 1 else chance.choices(LATER_TYPES, LATER_WEIGHTS)[0],
        ready=ready,
        emailed=emailed,
        downloaded=downloaded,
        printed=printed,
        delivered=delivered,
        created_at=stamp(created),
        updated_at=stamp(created + timedelta(minutes=chance.randrange(5, 300)) if touched else created),
    )


def _contacts(customers: list[CustomerRow]) -> tuple[list[ContactRow], list[LinkRow]]:
    """Three shared contacts of dealers, each linked to some customers, then a direct one of every sixth customer."""
    contacts = [
        _contact(number, None, f"Dealer {code}", f"copies@dealer-{code.lower()}.example", code, customers[0].created_at)
        for number, code in enumerate(DEALERS)
    ]
    links = [LinkRow(contacts[n % len(contacts)].id, customer.id) for n, customer in enumerate(customers[4::20])]
    for customer in customers[1::6]:
        slug = customer.name.rsplit(" ", 1)[0].lower().replace(" ", "-")
        email = f"accounts-payable@{slug}.example"
        contacts.append(_contact(len(contacts), customer.id, "Accounts payable", email, "", customer.created_at))
    return contacts, links


def _contact(number: int, customer_id: int | None, name: str, email: str, dealer: str, at: str) -> ContactRow:
    return ContactRow(
        id=FIRST_CONTACT_ID + number,
        customer_id=customer_id,
        name=name,
        email=email,
        dealer_code=dealer,
        created_at=at,
        updated_at=at,
    )


def _working_time(day: date, chance: Random) -> datetime:
    return datetime.combine(day, time(chance.randrange(8, 16), chance.randrange(60), chance.randrange(60)), UTC)


def examples_seed() -> Seed:
    """The correspondence 123 of the published requests, ready, and 124, of which every action fails."""
    at = stamp(datetime(2025, 2, 14, 9, 30, tzinfo=UTC))
    customer = CustomerRow(
        id=123,
        account_number="12345",
        crm_reference="CRM-12345",
        name="Example Ltd",
        email="accounts@example.com,billing@example.com",
        address="1 High Street\nLS1 4AP Leeds\nGB",
        final_bill=False,
        dropped=False,
        dropped_at=None,
        reinstated_at=None,
        created_at=at,
        updated_at=at,
    )
    ready = CorrespondenceRow(
        id=123,
        customer_id=customer.id,
        number="C001",
        date="2025-02-14",
        type="Welcome",
        ready=True,
        emailed=False,
        downloaded=False,
        printed=False,
        delivered=False,
        created_at=at,
        updated_at=at,
    )
    not_ready = ready._replace(id=124, number="C002", type="Overdue Account", ready=False)
    return Seed([customer], [], [], [ready, not_ready])
