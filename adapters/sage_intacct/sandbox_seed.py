"""The first records: the sample company, or those of the vendor's published examples. Deterministic."""

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from random import Random
from typing import Any

from adapters.sage_intacct.sandbox_catalogue import (
    CUSTOMER,
    CUSTOMER_EMAIL_TEMPLATE,
    CUSTOMER_MESSAGE,
    EMAIL_TEMPLATE,
    ENTITY,
    TXN_DEFINITION,
    USER,
    Record,
)
from adapters.sandbox_company import COMPANY_NAME, COMPANY_TODAY, CompanyCustomer, company_customers

__all__ = ["LAST_KEYS", "SCENES", "company_records", "example_records"]

Seed = Iterator[tuple[str, Record]]

SCENES = ("collection", "record", "empty")
"""Whose company the examples seed holds: the published lists', the single records', or the creations'."""
LAST_KEYS: Mapping[str, Mapping[str, int]] = {
    "collection": {CUSTOMER_EMAIL_TEMPLATE: 9},
    "record": {},
    "empty": {CUSTOMER_EMAIL_TEMPLATE: 9},
}
"""Per scene, the last keys given out before: the published creation of a customer e-mail template answers key 10."""

_ADMIN, _API_USER = "1", "2"
_MESSAGES = (
    ("Welcome", "Welcome to {company}. We look forward to doing business with you."),
    ("Thank you", "Thank you for your custom."),
    ("Express shipping", "Express shipping is now available to all our customers."),
    ("Payment terms", "Payment is due within 30 days. Please quote the invoice number."),
    ("payment reminder", "Our records show an overdue balance. Please disregard this if you have paid already."),
    ("Direct debit", "Pay by direct debit and save 1% on each invoice."),
    ("New bank details", "Please note our new bank details, which you find below."),
    ("Holiday hours", "Our warehouse is closed from 24 December to 2 January."),
    ("Key account", "Your account manager is glad to help: call us any time."),
    ("Zahlungsziel", "Zahlbar innert 30 Tagen. Vielen Dank für Ihren Auftrag."),
    ("Délai de paiement", "Payable à 30 jours. Merci de votre confiance."),
    ("Anniversary 2024", "Twenty years of {company}: ask for your anniversary discount."),
)
_INACTIVE_MESSAGE = len(_MESSAGES)
_TYPES = {
    "arInvoice": ("Invoice", "Your invoice {!ARINVOICE.RECORDID!}", "Payment is due on {!ARINVOICE.WHENDUE!}."),
    "arStatement": ("Statement", "Your statement of account", "Please find your statement of account attached."),
    "contract": ("Contract", "Your contract {!CONTRACT.CONTRACTID!}", "Please find your contract attached."),
    "orderEntryTxn": ("Order", "Your order {!SODOCUMENT.DOCNO!}", "Please find the document attached."),
    "purchasingTxn": ("Purchase", "Our order {!PODOCUMENT.DOCNO!}", "Please find our order attached."),
}
_VARIANTS = (
    "standard", "short", "formal", "key accounts", "with logo", "German", "French", "first reminder", "second reminder",
    "retired",
)  # fmt: skip
_DEFINITIONS = (
    "Sales Quote", "Sales Order", "Packing List", "Sales Invoice", "Customer Sales Invoice", "Sales Return",
)  # fmt: skip
_ENTITIES = (("E100", f"{COMPANY_NAME} UK"), ("E200", f"{COMPANY_NAME} Switzerland"))
_ON_HOLD_EVERY = 29


def company_records() -> Seed:
    """The sample company: its customers under their shared codes, with keys of their own in another order."""
    chance = Random(20260630)  # noqa: S311 - sample data
    yield from _users()
    for number, (name, title) in enumerate(_ENTITIES, 1):
        yield ENTITY, {"key": str(number), "id": name, "name": title}
    for number, name in enumerate(_DEFINITIONS, 1):
        yield TXN_DEFINITION, _definition(str(number), name)
    for number, (name, message) in enumerate(_MESSAGES, 1):
        status = "inactive" if number == _INACTIVE_MESSAGE else "active"
        text = message.format(company=COMPANY_NAME)
        yield CUSTOMER_MESSAGE, _message(str(number), name, text, status, _stamp(chance, COMPANY_TODAY))
    templates = list(_email_templates(chance))
    yield from ((EMAIL_TEMPLATE, template) for template in templates)
    customers = company_customers()
    keys = chance.sample(range(21, 21 + 2 * len(customers)), len(customers))
    for customer, key in zip(customers, keys, strict=True):
        yield CUSTOMER, _company_customer(customer, str(key), chance)
    yield from _customer_email_templates(chance, keys, [one for one in templates if one["status"] == "active"])


def example_records(scene: str) -> Seed:
    """The records that one published example shows, and what they refer to."""
    yield from _users()
    yield TXN_DEFINITION, _definition("12", "Customer Sales Invoice")
    for key, name in (("4", "SimpleARInvTemp"), ("10", "DetailedARInvTemp")):
        yield EMAIL_TEMPLATE, _email_template(key, name, "arInvoice", "active", "2024-01-15T09:00:00Z")
    for key, code in (("5", "C-00001"), ("7", "C-00003"), ("29", "C-00025"), ("127", "Cust_Dif_Con_PnEtmp")):
        yield CUSTOMER, _bare_customer(key, code)
    if scene == "collection":
        for key, customer, template in (("1", "5", "10"), ("6", "7", "4"), ("8", "29", "4")):
            yield CUSTOMER_EMAIL_TEMPLATE, _customer_email_template(key, customer, template, None)
        stamp = "2024-08-01T08:00:00Z"
        yield CUSTOMER_MESSAGE, _message("1", "Active Message", "Thank you for your order.", "active", stamp)
        yield CUSTOMER_MESSAGE, _message("2", "Inactive Message", "Closed for the holidays.", "inactive", stamp)
        yield CUSTOMER_MESSAGE, _message("3", "Message Balance", "Please settle your balance.", "active", stamp)
    elif scene == "record":
        definition = ("12", "Customer Sales Invoice")
        yield CUSTOMER_EMAIL_TEMPLATE, _customer_email_template("10", "127", "4", definition)
        stamp = "2024-08-16T13:26:56Z"
        yield CUSTOMER_MESSAGE, _message("15", "Welcome Message", "Welcome to the company!", "active", stamp)


def _users() -> Seed:
    yield USER, {"key": _ADMIN, "id": "Admin"}
    yield USER, {"key": _API_USER, "id": "postroom"}


def _definition(key: str, name: str) -> Record:
    return {"key": key, "id": name, "description": f"{name} of order entry", "status": "active"}


def _audit(stamp: str) -> Record:
    by_admin = {f"audit.{word}{suffix}": _ADMIN for word in ("created", "modified") for suffix in ("ByUser", "By")}
    return {"audit.createdDateTime": stamp, "audit.modifiedDateTime": stamp} | by_admin


def _stamp(chance: Random, last: date) -> str:
    day = last - timedelta(days=chance.randrange(30, 900))
    return f"{day.isoformat()}T{chance.randrange(7, 18):02}:{chance.randrange(60):02}:{chance.randrange(60):02}Z"


def _message(key: str, name: str, message: str, status: str, stamp: str) -> Record:
    return {"key": key, "id": name, "message": message, "status": status} | _audit(stamp)


def _email_templates(chance: Random) -> Iterator[Record]:
    """Ten of each type, one of them retired, and one without a type."""
    number = 0
    for kind, (label, _, _) in _TYPES.items():
        for variant in _VARIANTS:
            number += 1
            status = "inactive" if variant == "retired" else "active"
            yield _email_template(str(number), f"{label}, {variant}", kind, status, _stamp(chance, COMPANY_TODAY))
    yield _email_template(str(number + 1), "General notice", None, "active", _stamp(chance, COMPANY_TODAY))


def _email_template(key: str, name: str, kind: str | None, status: str, stamp: str) -> Record:
    _, subject, body = _TYPES.get(kind or "", ("", f"A notice from {COMPANY_NAME}", "Please find a notice attached."))
    return {
        "key": key,
        "id": key,
        "name": name,
        "status": status,
        "description": None if kind is None else f"For {kind} documents",
        "templateType": kind,
        "subject": subject,
        "body": f"Dear customer,\n\n{body}\n\n{COMPANY_NAME}",
        "sender.senderName": COMPANY_NAME,
        "sender.approvedSenderEmailId": None,
        "sender.useOwnEmailAddress": True,
        "recipients.to": "{!CUSTOMER.EMAIL1!}",
        "logo.isLogoIncluded": "logo" in name,
        "logo.verticalPosition": "top",
        "logo.horizontalPosition": "left",
        "includeTxnAttachments": True,
        "combineAttachmentsToZip": False,
    } | _audit(stamp)


def _customer_email_templates(chance: Random, customers: list[int], templates: list[Record]) -> Seed:
    """None to three per customer, of different templates."""
    number = 0
    for customer in customers:
        for template in chance.sample(templates, chance.choices((0, 1, 2, 3), (15, 40, 30, 15))[0]):
            number += 1 + (chance.random() < 0.1)  # a gap where one was deleted
            definition = None
            if template["templateType"] == "orderEntryTxn":
                place = chance.randrange(len(_DEFINITIONS))
                definition = str(place + 1), _DEFINITIONS[place]
            record = _customer_email_template(str(number), str(customer), template["key"], definition)
            yield CUSTOMER_EMAIL_TEMPLATE, record


def _customer_email_template(key: str, customer: str, template: str, definition: tuple[str, str] | None) -> Record:
    return {
        "key": key,
        "id": key,
        "customer": customer,
        "txnDefinition": definition and definition[0],
        "txnDefinitionName": definition and definition[1],
        "emailTemplate": template,
    }


def _bare_customer(key: str, code: str) -> Record:
    return {
        "key": key,
        "id": code,
        "name": f"Example customer {code}",
        "status": "active",
        "isOnHold": False,
        "isOneTimeUse": False,
        "disableRefund": False,
        "emailOptIn": False,
        "deliveryOptions": "print",
        "customerRestriction": "unrestricted",
        "customerMessage": None,
        "entity": None,
        "contacts.default.email1": f"{code.lower()}@example.com",
    } | _audit("2024-01-15T09:00:00Z")


def _company_customer(customer: CompanyCustomer, key: str, chance: Random) -> Record:
    billed = customer.balance > 0
    invoiced = (COMPANY_TODAY - timedelta(days=chance.randrange(0, 120))).isoformat()
    stated = (COMPANY_TODAY - timedelta(days=chance.choice((0, 30, 61, 91)))).isoformat()
    stamp = f"{customer.since.isoformat()}T09:{chance.randrange(60):02}:00Z"
    own = {
        "name": customer.name,
        "status": _status(customer),
        # A customer that was never billed has no balance; a settled one has 0.00.
        "totalDue": f"{customer.balance:.2f}" if billed or customer.index % 2 else None,
        "creditLimit": None if customer.index % 6 == 1 else chance.randrange(1, 200) * 250,
        "currency": customer.currency,
        "isOnHold": customer.index % _ON_HOLD_EVERY == _ON_HOLD_EVERY - 1,
        "emailOptIn": bool(customer.emails),
        "deliveryOptions": ("print", "email", "both")[chance.randrange(3)] if customer.emails else "print",
        "customerMessage": _message_of(customer, chance),
        "lastInvoiceCreatedDate": invoiced if billed else None,
        "lastStatementGeneratedDate": stated if billed and customer.index % 3 else None,
        "entity": {5: "1", 6: "2"}.get(customer.index % 8),
        "webURL": f"https://northgate.example/customers/{key}",
    }
    return _bare_customer(key, customer.code) | own | _contact(customer, key) | _audit(stamp)


def _status(customer: CompanyCustomer) -> str:
    if not customer.active:
        return "inactive"
    return "activeNonPosting" if customer.index in {50, 150} else "active"


def _message_of(customer: CompanyCustomer, chance: Random) -> str | None:
    """A fifth have none; a few still hold the message that was made inactive since."""
    number = chance.randrange(1, _INACTIVE_MESSAGE)
    if customer.index % 5 == 4:
        return None
    return str(_INACTIVE_MESSAGE if customer.index % 50 == 17 else number)


def _contact(customer: CompanyCustomer, key: str) -> dict[str, Any]:
    emails = (*customer.emails, None, None)
    return {
        f"contacts.default.{name}": value
        for name, value in {
            "key": str(1000 + int(key)),
            "id": f"{customer.name}(C{customer.code})",
            "printAs": customer.name,
            "email1": emails[0],
            "email2": emails[1],
            "mailingAddress.addressLine1": f"{customer.house} {customer.street}",
            "mailingAddress.city": customer.city,
            "mailingAddress.postCode": customer.postcode,
            "mailingAddress.country": _COUNTRIES[customer.country],
            "mailingAddress.isoCountryCode": customer.country,
        }.items()
    }


_COUNTRIES = {"GB": "United Kingdom", "CH": "Switzerland", "DE": "Germany", "IE": "Ireland"}
