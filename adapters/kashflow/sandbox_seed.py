"""What KashFlow's emulator starts with: the sample company, or the records of the pages' examples."""

from datetime import datetime, time, timedelta
from random import Random
from uuid import UUID

from adapters.kashflow.sandbox_query import NEVER, stamp
from adapters.kashflow.sandbox_record import Address, Contact, Customer, Terms, currency
from adapters.kashflow.sandbox_sessions import Account
from adapters.kashflow.sandbox_statements import recipients, subject_for
from adapters.kashflow.sandbox_store import LoggedMail, Store, Template
from adapters.sandbox_company import COMPANY_NAME, COMPANY_TODAY, CompanyCustomer, company_customers

__all__ = ["COMPANY_ACCOUNT", "EXAMPLES_ACCOUNT", "EXAMPLE_TEMPORARY_TOKEN", "seed_company", "seed_examples"]

COMPANY_ACCOUNT = Account(
    username="sandbox-user",
    password="sandbox-password",  # noqa: S106 - the sandbox's own
    memorable_word="sandboxword",
    company=COMPANY_NAME,
    user="Sandbox User",
    email="accounts@northgate-supplies.example",
)
EXAMPLES_ACCOUNT = Account(
    username="admin",
    password="password",  # noqa: S106 - published
    memorable_word="aaaa",
    company="KashFlow Accounting Software",
    user="Sandbox User",
    email="accounts@kashflow.example",
    asked=(2, 3, 4),
)
EXAMPLE_TEMPORARY_TOKEN = ("b9494c49-6203-4127-bbbd-a0414e38f8dc", (3, 4, 1))
"""The temporary token of the published step 2, with the positions it answers."""

FIRST_ID = 41001
OFFSET_INDEX = 4
"""The customer whose dates carry an offset, as in the published customer sample."""
ARCHIVED_CODES = ("ARC01", "ARC02", "ARC03")


def seed_company(store: Store) -> None:
    """The sample company's 240 customers, three more that are archived, its templates, and a year of statements."""
    chance = Random(41)  # noqa: S311 - sample data
    for template in (
        Template(Number=1, Name="Default Email Template", Subject=f"Invoice from {COMPANY_NAME}",
                 Body="Please find your invoice attached.", IsHtml=False),
        Template(Number=3, Name="Statements, overdue", Subject="Overdue: #TOTAL# on account #CUSTCODE#",
                 Body="<p>Please find the statement of #NAME# attached.</p>", IsHtml=True),
    ):  # fmt: skip
        store.add_template(template)
    statements = Template(
        Number=2,
        Name="Statements",
        Subject="Statement of account #CUSTCODE#",
        Body="Please find the statement of #NAME# attached.",
        IsHtml=False,
    )
    store.add_template(statements, for_statements=True)
    everyone = [_company_customer(source, chance) for source in company_customers()]
    for customer in everyone:
        store.add_customer(customer)
        _add_history(store, customer, chance)
    for place, code in enumerate(ARCHIVED_CODES):
        closed = Customer(
            Id=FIRST_ID + len(everyone) + place,
            Code=code,
            Name=f"Closed Account {place + 1}",
            CustomerKey=_key(chance),
            IsArchived=True,
            CreatedDate="2018-04-06 12:00:00",
            LastUpdatedDate="2021-04-05 12:00:00",
        )
        store.add_customer(closed)


def _company_customer(source: CompanyCustomer, chance: Random) -> Customer:
    balance = float(source.balance)
    invoices = chance.randrange(1, 60) if balance or chance.random() > 0.3 else 0
    paid = chance.randrange(0, 5_000_000) / 100 if invoices else 0.0
    net = round((paid + balance) / 1.2, 2)
    first, last = sorted(chance.randrange(0, 390) for _ in range(2))
    zone = " +05:30" if source.index == OFFSET_INDEX else ""

    def ago(days: int) -> str:
        return stamp(datetime.combine(COMPANY_TODAY - timedelta(days=days), time(12))) + zone

    return Customer(
        Id=FIRST_ID + source.index,
        Code=source.code,
        Name=source.name,
        CustomerKey=_key(chance),
        VATNumber=f"{source.country}{chance.randrange(10**8, 10**9)}" if chance.random() > 0.4 else "",
        IsRegisteredInEC=source.country in {"DE", "IE"},
        IsRegisteredOutsideEC=source.country == "CH",
        PaymentTerms=Terms(Days=chance.choice((14, 30, 60))),
        Currency=currency(source.currency),
        EmailTemplateNumber=3 if source.index % 5 == 2 else 0,
        Contacts=_contacts(source),
        Addresses=[
            Address(
                Line1=f"{source.house} {source.street}",
                Line3=source.city,
                PostCode=source.postcode,
                CountryCode=source.country,
            )
        ],
        TotalPaidAmount=paid,
        OutstandingBalance=balance,
        OverdueAmount=round(balance * chance.choice((0.0, 0.25, 1.0)), 2),
        InvoicedNetAmount=net,
        InvoicedVATAmount=round(paid + balance - net, 2),
        InvoiceCount=invoices,
        AverageDaysToPay=chance.randrange(5, 70) if paid else 0,
        FirstInvoiceDate=ago(last) if invoices else NEVER,
        LastInvoiceDate=ago(first) if invoices else NEVER,
        CreatedDate=ago((COMPANY_TODAY - source.since).days),
        LastUpdatedDate=ago(min(first, 30)),
    )


def _contacts(source: CompanyCustomer) -> list[Contact]:
    """The accounts department and, with a second address, the head office; half of those without any have nobody."""
    if not source.emails and source.index % 32 == 15:
        return []
    main = Contact(
        IsPrimary=True,
        ReceiveEmails=True,
        Firstname="Accounts",
        LastName="Department",
        Telephone=f"+44 20 7946 {source.index:04d}",
        Email=source.emails[0] if source.emails else "",
    )
    others = [
        Contact(Firstname="Head", LastName="Office", Email=email, ReceiveEmails=source.index % 2 == 1)
        for email in source.emails[1:]
    ]
    return [main, *others]


def _add_history(store: Store, customer: Customer, chance: Random) -> None:
    """A statement every third month of the past year, for every third customer who can get one."""
    addresses = recipients(customer)
    if not addresses or customer.Id % 3:
        return
    number = customer.EmailTemplateNumber or store.statement_template().Number
    template = next(template for template in store.templates() if template.Number == number)
    for months in (12, 9, 6, 3):
        day = datetime.combine(COMPANY_TODAY - timedelta(days=30 * months), time(9, chance.randrange(60)))
        bounced = chance.random() < 0.04
        store.add_note(customer.Id, f"Statement emailed to {', '.join(addresses)}", stamp(day), COMPANY_ACCOUNT.user)
        store.log_mails(
            LoggedMail(
                subject=subject_for(template, customer),
                recipient=address,
                from_name=COMPANY_ACCOUNT.company,
                from_email=COMPANY_ACCOUNT.email,
                created=day,
                due=day + timedelta(minutes=2),
                error="Mailbox full" if bounced else None,
            )
            for address in addresses
        )


def seed_examples(store: Store) -> None:
    """The customers of the bulk e-mail page (CUST123 is the code it knows nobody by), the notes, the templates."""
    chance = Random(42)  # noqa: S311 - sample data
    emails = {"101": "accounts@101.example", "CUST2345": "not an address", "0065": "accounts@0065.example"}
    for code in ("101", "CUST2345", "0065", "SHA01"):
        dated = "2013-02-05 12:00:00 +05:30" if code == "SHA01" else "2013-02-05 12:00:00"
        customer = Customer(
            Code=code,
            Name=f"Customer {code}",
            CustomerKey=_key(chance),
            Contacts=[Contact(IsPrimary=True, Email=emails[code])] if code in emails else [],
            CreatedDate=dated,
            LastUpdatedDate=dated,
        )
        store.add_customer(customer)
        if code == "SHA01":
            for text in ("Note 1", "Note 1"):
                store.add_note(customer.Id, text, "2012-09-13 12:00:00", "Von Pea")
    body = "Please see attached invoice. Regards,Accounts Dept. rediff"
    invoice = "Invoice from rediff"
    store.add_template(Template(Number=1, Name="Default Email Template", Subject=invoice, Body=body, IsHtml=False))
    store.add_template(Template(Number=2, Name="Statements", Subject="", Body=body, IsHtml=False), for_statements=True)


def _key(chance: Random) -> str:
    return str(UUID(int=chance.getrandbits(128), version=4))
