"""The bulk e-mailing of statements in KashFlow's emulator: who gets one, and what it leaves behind.

Each statement marked to send leaves a customer note, rows in the e-mail log and one mailing in the outbox.
"""

import re
from calendar import monthrange
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from adapters.kashflow.sandbox_query import Parameters, RefusedError, invalid, stamp
from adapters.kashflow.sandbox_record import Customer
from adapters.kashflow.sandbox_sessions import Account
from adapters.kashflow.sandbox_store import LoggedMail, Store, Template
from adapters.sandboxing import SandboxState

__all__ = ["PARAMETERS", "Period", "Post", "read_codes", "read_period", "recipients"]

PARAMETERS = ("startdate", "enddate", "excludepaidinvoices", "filterby", "excludeOpeningBalance")
MOST_CODES = 35
MARKED, UNKNOWN, UNREACHABLE = "Marked to send", "Invalid customer code", "Invalid customer email address"
_ADDRESS = re.compile(r"[^\s@,;<>\"]+@[^\s@,;<>\".]+(\.[^\s@,;<>\".]+)+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """What a statement is to show: the invoices between two days, or all; with or without the paid ones."""

    start: date | None
    end: date | None
    exclude_paid: bool
    exclude_opening_balance: bool

    def __str__(self) -> str:
        return "all invoices" if self.start is None else f"{self.start} to {self.end}"


def read_codes(body: object) -> list[str]:
    """The customer codes of the request, one to thirty-five."""
    if not isinstance(body, list) or not body or not all(isinstance(code, str) for code in body):
        raise invalid("The request body must be a list of customer codes")
    if len(body) > MOST_CODES:
        raise RefusedError(
            400, "TooManyCustomers", f"Maximum {MOST_CODES} customers statements can be emailed at a time"
        )
    return body


def read_period(parameters: Parameters, today: date) -> Period:
    """The statement's period; without dates the last three months, with ``filterby=all`` everything."""
    start, end = parameters.day("startdate"), parameters.day("enddate")
    if (start is None) != (end is None):
        raise invalid("startdate and enddate must be given together")
    if start is None or end is None:
        start, end = three_months_before(today), today
    if start > end:
        raise invalid("startdate must not be after enddate")
    whole = parameters.text("filterby") == "all"
    return Period(
        start=None if whole else start,
        end=None if whole else end,
        exclude_paid=parameters.bit("excludepaidinvoices"),
        exclude_opening_balance=parameters.bit("excludeOpeningBalance"),
    )


def three_months_before(day: date) -> date:
    """The same day three months earlier, or that month's last."""
    year, month = divmod(day.year * 12 + day.month - 1 - 3, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def recipients(customer: Customer) -> tuple[str, ...]:
    """The addresses of a customer's statement; none if the primary contact (else the first) has no good one."""
    main = next((contact for contact in customer.Contacts if contact.IsPrimary), None) or next(
        iter(customer.Contacts), None
    )
    if main is None or not _ADDRESS.fullmatch(main.Email):
        return ()
    others = (contact.Email for contact in customer.Contacts if contact.ReceiveEmails)
    return tuple(dict.fromkeys([main.Email, *(email for email in others if _ADDRESS.fullmatch(email))]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """Sends statements. Mail to ``failing`` addresses fails after it was marked; the rest goes ``delay`` after it."""

    store: Store
    state: SandboxState
    account: Account
    clock: Callable[[], datetime]
    delay: timedelta
    failing: frozenset[str]

    def send(self, codes: list[str], period: Period) -> list[dict[str, object]]:
        """A result for each code, in order; a code given twice is sent twice."""
        sent: list[tuple[Customer, Template, tuple[str, ...]]] = []
        results: list[dict[str, object]] = []
        with self.store.database:
            for code in codes:
                customer = self.store.customer(code)
                addresses = () if customer is None else recipients(customer)
                if customer is not None and addresses:
                    sent.append((customer, self._mark(customer, addresses, period), addresses))
                message = UNKNOWN if customer is None else MARKED if addresses else UNREACHABLE
                results.append({"CustomerCode": code, "Sent": message == MARKED, "Message": message})
        for customer, template, addresses in sent:
            self._report(customer, template, addresses, period)
        return results

    def _mark(self, customer: Customer, addresses: tuple[str, ...], period: Period) -> Template:
        now = self.clock()
        template = self._template(customer)
        self.store.add_note(
            customer.Id, f"Statement ({period}) emailed to {', '.join(addresses)}", stamp(now), self.account.user
        )
        self.store.log_mails(
            LoggedMail(
                subject=subject_for(template, customer),
                recipient=address,
                from_name=self.account.company,
                from_email=self.account.email,
                created=now,
                due=now + self.delay,
                error="The recipient's mail server refused the message" if address in self.failing else None,
            )
            for address in addresses
        )
        return template

    def _report(self, customer: Customer, template: Template, addresses: tuple[str, ...], period: Period) -> None:
        self.state.changed()  # the note
        reached = tuple(address for address in addresses if address not in self.failing)
        if not reached:
            return
        self.state.mail(
            "email",
            record=customer.Code,
            recipients=reached,
            subject=subject_for(template, customer),
            customer_id=customer.Id,
            startdate=None if period.start is None else f"{period.start:%Y%m%d}",
            enddate=None if period.end is None else f"{period.end:%Y%m%d}",
            excludepaidinvoices=period.exclude_paid,
            excludeOpeningBalance=period.exclude_opening_balance,
            template=template.Name,
        )

    def _template(self, customer: Customer) -> Template:
        own = (t for t in self.store.templates() if t.Number == customer.EmailTemplateNumber)
        return next(own, None) or self.store.statement_template()


def subject_for(template: Template, customer: Customer) -> str:
    """The template's subject with its ``#KEY#`` places filled."""
    values = {"CUSTCODE": customer.Code, "NAME": customer.Name, "TOTAL": f"{customer.OutstandingBalance:.2f}"}
    return re.sub("#([A-Z]+)#", lambda match: values.get(match[1], match[0]), template.Subject)
