"""What the vendor shows of a statement that may have been sent.

Its page promises a note on the customer for each statement that is marked for sending, so no note is proof of no
statement. The words of that note are not published: any note may be another's. With an e-mail logged for the customer
in the same minutes it is taken for proof, where no other statement to the customer went out about then. All else is
left to a person.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from adapters.errors import NotFound, UnsupportedByVendor
from adapters.kashflow.client import Client
from adapters.kashflow.codes import CODE, unpadded
from adapters.kashflow.moments import latest, parse, readings
from adapters.kashflow.rows import LogRow
from adapters.kashflow.translate import addresses_in, emails_of
from adapters.writes import Evidence, EvidenceRequest, OtherSending, SendAction, Verdict

__all__ = ["find"]

_SETTLED = timedelta(minutes=15)
"""For this long after a call the vendor may still be at work on it."""

_MARKED_WITHIN = timedelta(minutes=10)
"""A call that marks 35 statements makes its notes and log entries while it lasts."""

_CLOCKS_APART = timedelta(days=1)
"""How far the vendor's clock may be off where something is to be ruled out."""

_LOG_PAGE_SIZE = 100
_MOST_LOG_PAGES = 10


async def find(client: Client, request: EvidenceRequest, *, backend: str, now: datetime) -> Evidence:
    """Whether a statement was sent, by the customer's notes and the e-mail log as they are now."""
    if request.action is not SendAction.EMAIL_STATEMENT:
        message = "This vendor shows evidence of statements only."
        raise UnsupportedByVendor(message, backend=backend, operation="evidence")
    code = request.native_id
    try:
        found = await client.customer(code, operation="evidence.customer") if CODE.fullmatch(code) else None
        notes = await client.notes(code, operation="evidence.notes") if found is not None else ()
    except NotFound:
        found, notes = None, ()
    if found is None or unpadded(found.row.code) != code:
        return Evidence(verdict=Verdict.UNDECIDED, text="The vendor shows no customer with notes under this code.")
    if str(found.row.id) != request.stable_id:
        text = f"This code belongs to another customer now. Look at the customer whose Id is {request.stable_id}."
        return Evidence(verdict=Verdict.UNDECIDED, text=text)
    logs = [await _log(client, address) for address in emails_of(found.row)]
    return weigh(
        [note.date for note in notes],
        [row for rows, _ in logs for row in rows],
        complete=all(complete for _, complete in logs),
        since=request.since,
        until=request.until,
        now=now,
        others=request.others,
    )


async def _log(client: Client, address: str) -> tuple[list[LogRow], bool]:
    """The e-mails logged for an address, and whether these are all."""
    rows: list[LogRow] = []
    for number in range(1, _MOST_LOG_PAGES + 1):
        page = await client.email_log(address, number, _LOG_PAGE_SIZE, operation="evidence.email_log")
        rows += [row for row in page.data if _is_to(address, row)]
        total = page.meta_data.total_records
        if not page.data or (total is not None and number * _LOG_PAGE_SIZE >= total):
            return rows, True
    return rows, False


def _is_to(address: str, row: LogRow) -> bool:
    return address.casefold() in [recipient.casefold() for recipient in addresses_in(row.recipient_email_id)]


def weigh(
    notes: Iterable[str | None],
    log: Iterable[LogRow],
    *,
    complete: bool,
    since: datetime,
    now: datetime,
    until: datetime | None = None,
    others: Iterable[OtherSending] = (),
) -> Evidence:
    """What notes (their dates) and logged e-mails to the customer say of a statement.

    It was begun to be sent at ``since`` or later, and given up at ``until``.
    """
    since = since.astimezone(UTC).replace(microsecond=0)  # as coarse as the vendor's own times
    possible_notes = [date for date in notes if _possibly_since(date, since)]
    possible_mails = [row for row in log if _possibly_since(row.created_timestamp, since)]
    if not possible_notes and not possible_mails and complete:
        if now - (until or since) < _SETTLED:
            return Evidence(
                verdict=Verdict.UNDECIDED,
                text="The vendor shows no customer note and no e-mail yet, and may still be at work. Ask again later.",
            )
        return Evidence(
            verdict=Verdict.NOT_SENT,
            text="The vendor makes a customer note for each statement that it marks for sending, and shows none since.",
        )
    mails = [row for row in possible_mails if _surely_then(row.created_timestamp, since)]
    shown = f"{len(possible_notes)} customer notes and {len(possible_mails)} logged e-mails may be from then or later"
    if any(_surely_then(date, since) for date in possible_notes) and any(not row.error_message for row in mails):
        times = ", ".join(f"{row.created_timestamp} ({row.status})" for row in mails if not row.error_message)
        text = f"A customer note and an e-mail to the customer were made within minutes: {times}."
        if any(_is_about_then(other, since) for other in others):
            text = f"{text} They may be about another statement to this customer, sent about then."
            return Evidence(verdict=Verdict.UNDECIDED, text=text)
        return Evidence(verdict=Verdict.SENT, text=text)
    failed = "".join(f" The e-mail of {row.created_timestamp} failed." for row in mails if row.error_message)
    return Evidence(
        verdict=Verdict.UNDECIDED, text=f"{shown}, which proves neither.{failed} Look at the customer's notes."
    )


def _possibly_since(text: str | None, since: datetime) -> bool:
    moment = parse(text)
    return moment is None or latest(moment) >= since - _CLOCKS_APART


def _is_about_then(other: OtherSending, since: datetime) -> bool:
    begins, ends = since - _CLOCKS_APART, since + _MARKED_WITHIN + _CLOCKS_APART
    return other.since <= ends and (other.until is None or other.until >= begins)


def _surely_then(text: str | None, since: datetime) -> bool:
    moment = parse(text)
    return moment is not None and any(since <= then <= since + _MARKED_WITHIN for then in readings(moment))
