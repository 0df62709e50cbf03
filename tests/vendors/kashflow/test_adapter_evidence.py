"""What the vendor's notes and its e-mail log prove of a statement, and what they do not."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.contract import Adapter
from adapters.errors import Unavailable, UnsupportedByVendor
from adapters.kashflow import vendor
from adapters.kashflow.evidence import weigh
from adapters.kashflow.moments import latest, parse, readings
from adapters.kashflow.rows import LogRow
from adapters.kashflow.sandbox_seed import FIRST_ID
from adapters.sandbox_company import FIRST_NUMBER
from adapters.sandboxing import SandboxOptions
from adapters.writes import EmailStatements, Evidence, EvidenceRequest, OtherSending, SendAction, Verdict
from tests.connecting import RunningSandbox, connected, running_sandbox
from tests.vendors.kashflow.wired import answering

SINCE = datetime(2026, 1, 14, 9, 30, 20, 600_000, tzinfo=UTC)
LATER = SINCE + timedelta(hours=2)
TODAY = datetime(2026, 6, 30, 9, 30, 20, tzinfo=UTC)
"""A while before the adapter's clock, and after what the emulator is seeded with."""

SENT, NOT_SENT, UNDECIDED = Verdict.SENT, Verdict.NOT_SENT, Verdict.UNDECIDED


def mail(created: str | None, error: str | None = None) -> LogRow:
    return LogRow(
        status="Sent", created_timestamp=created, recipient_email_id="accounts@acme.example", error_message=error
    )


def weighed(
    notes: list[str | None],
    log: list[LogRow],
    *,
    complete: bool = True,
    now: datetime = LATER,
    others: tuple[OtherSending, ...] = (),
    until: datetime = SINCE,
) -> Evidence:
    return weigh(notes, log, complete=complete, since=SINCE, until=until, now=now, others=others)


class TestWeighing:
    def test_no_note_and_no_mail_prove_that_nothing_was_sent(self) -> None:
        assert weighed([], []).verdict is NOT_SENT

    def test_what_is_older_proves_nothing_else(self) -> None:
        assert (
            weighed(["2026-01-12 09:30:00", "2012-09-13 12:00:00"], [mail("2026-01-12 09:30:00")]).verdict is NOT_SENT
        )

    def test_the_vendor_may_still_be_at_work(self) -> None:
        evidence = weighed([], [], now=SINCE + timedelta(minutes=14))
        assert evidence.verdict is UNDECIDED
        assert "Ask again later" in evidence.text

    def test_the_vendor_may_be_at_work_long_after_a_call_that_took_long(self) -> None:
        evidence = weighed([], [], until=SINCE + timedelta(minutes=2), now=SINCE + timedelta(minutes=16))
        assert evidence.verdict is UNDECIDED

    def test_a_log_that_was_not_read_whole_rules_nothing_out(self) -> None:
        assert weighed([], [], complete=False).verdict is UNDECIDED

    @pytest.mark.parametrize(
        "date",
        [
            "2026-01-14 12:00:00",
            "2026-01-13 21:00:00",
            "2026-01-13 12:00:00",
            "2026-01-14 15:00:21 +05:30",
            "1900-01-01 12:00:00",
            "",
            None,
            "yesterday",
        ],
    )
    def test_a_note_that_may_be_later_rules_out_that_nothing_was_sent(self, date: str | None) -> None:
        assert weighed([date], []).verdict is UNDECIDED

    @pytest.mark.parametrize("created", ["2026-01-14 09:30:21", "2026-01-13 21:00:00", None])
    def test_a_mail_alone_proves_nothing(self, created: str | None) -> None:
        assert weighed([], [mail(created)]).verdict is UNDECIDED

    @pytest.mark.parametrize("time", ["2026-01-14 09:30:20", "2026-01-14 09:40:20", "2026-01-14 15:00:21 +05:30"])
    def test_a_note_and_a_mail_within_minutes_prove_it_sent(self, time: str) -> None:
        evidence = weighed([time], [mail(time)])
        assert evidence.verdict is SENT
        assert time in evidence.text

    @pytest.mark.parametrize(
        "time", ["2026-01-14 09:30:19", "2026-01-14 09:40:21", "2026-01-14 10:30:21", "2026-01-14 09:30:21 +05:30"]
    )
    def test_a_note_and_a_mail_at_another_time_prove_nothing(self, time: str) -> None:
        assert weighed([time], [mail(time)]).verdict is UNDECIDED

    @pytest.mark.parametrize(
        ("begins", "ends", "expected"),
        [
            (-31, -30, SENT),
            (-31, -1.1, SENT),
            (-31, -0.9, UNDECIDED),
            (-31, None, UNDECIDED),
            (-0.1, 0.1, UNDECIDED),
            (1, None, UNDECIDED),
            (1.1, None, SENT),
        ],
    )
    def test_traces_that_may_be_another_statements_prove_nothing(
        self, begins: float, ends: float | None, expected: Verdict
    ) -> None:
        until = None if ends is None else SINCE + timedelta(days=ends)
        other = OtherSending(since=SINCE + timedelta(days=begins), until=until)
        time = "2026-01-14 09:30:21"
        assert weighed([time], [mail(time)], others=(other,)).verdict is expected

    def test_where_there_is_no_trace_another_statement_makes_no_difference(self) -> None:
        assert weighed([], [], others=(OtherSending(since=SINCE, until=None),)).verdict is NOT_SENT

    def test_a_note_that_is_only_a_date_does_not_prove_it_sent(self) -> None:
        assert weighed(["2026-01-14 12:00:00"], [mail("2026-01-14 09:30:21")]).verdict is UNDECIDED

    def test_a_mail_that_failed_does_not_prove_it_sent(self) -> None:
        evidence = weighed(["2026-01-14 09:30:21"], [mail("2026-01-14 09:30:21", error="Mailbox unavailable")])
        assert evidence.verdict is UNDECIDED
        assert "failed" in evidence.text


class TestMoments:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("2013-02-05 12:00:00 +05:30", "2013-02-05T12:00:00+05:30"),
            ("2013-02-05 12:00:00 -0530", "2013-02-05T12:00:00-05:30"),
            ("2013-02-05 12:00:00+05:30", "2013-02-05T12:00:00+05:30"),
            ("2013-02-05 12:00:00", "2013-02-05T12:00:00"),
            ("  2013-02-05T12:00:00.1234567Z ", "2013-02-05T12:00:00.123456+00:00"),
            ("2013-02-05", "2013-02-05T00:00:00"),
            ("1900-01-01 12:00:00", None),
            ("1900-01-01 12:00:00 +00:00", None),
            ("9999-12-31 23:59:59", None),
            ("05/02/2013", None),
            ("", None),
            (None, None),
        ],
    )
    def test_the_vendors_times_are_read(self, text: str | None, expected: str | None) -> None:
        moment = parse(text)
        assert (moment.isoformat() if moment else None) == expected

    @pytest.mark.parametrize(
        ("text", "hours"),
        [
            ("2026-01-14 09:30:00", ["09"]),
            ("2026-07-14 09:30:00", ["09", "08"]),
            ("2026-07-14 09:30:00 +05:30", ["04"]),
            ("2026-07-14 12:00:00", []),
            ("2026-07-14", []),
        ],
    )
    def test_a_time_without_offset_is_utc_or_summer_time(self, text: str, hours: list[str]) -> None:
        moment = parse(text)
        assert moment is not None
        assert [reading.strftime("%H") for reading in readings(moment)] == hours

    @given(st.datetimes(datetime(1901, 1, 1), datetime(9998, 12, 31)), st.integers(-12 * 60, 14 * 60))  # noqa: DTZ001
    def test_no_zone_makes_a_time_later_than_its_latest(self, written: datetime, offset: int) -> None:
        meant = written.replace(tzinfo=UTC) - timedelta(minutes=offset)
        assert latest(written) >= meant


@dataclass
class Clock:
    now: datetime = TODAY

    def __call__(self) -> datetime:
        return self.now


@asynccontextmanager
async def at_work() -> AsyncIterator[tuple[Adapter, RunningSandbox]]:
    """An emulator whose clock stands at the time of the send; the adapter's is the tests', hours later."""
    with running_sandbox(vendor, SandboxOptions(clock=Clock())) as sandbox:
        async with connected(vendor, sandbox) as adapter:
            yield adapter, sandbox


async def found(
    adapter: Adapter,
    code: str,
    action: SendAction = SendAction.EMAIL_STATEMENT,
    stable_id: str | None = None,
    others: tuple[OtherSending, ...] = (),
) -> Evidence:
    """The evidence about a customer; without ``stable_id`` about the one that was seeded with this code."""
    assert adapter.evidence is not None
    seeded = str(FIRST_ID + int(code) - FIRST_NUMBER) if code.isdecimal() else "1"
    return await adapter.evidence(
        EvidenceRequest(action=action, native_id=code, stable_id=stable_id or seeded, since=TODAY, others=others)
    )


async def send(adapter: Adapter, code: str) -> None:
    assert adapter.email_statements is not None
    [call] = adapter.email_statements(EmailStatements(customer_ids=(code,)))
    await adapter.perform(call)


class TestReading:
    async def test_a_statement_whose_answer_was_lost_is_found(self) -> None:
        async with at_work() as (adapter, sandbox):
            sandbox.fault(kind="reset_after", route="POST /v2/customerstatements*")
            await send(adapter, "10001")
            assert sandbox.effects()["emails"] == 1
            assert (await found(adapter, "10001")).verdict is SENT

    async def test_a_statement_that_never_arrived_is_known_not_to_have_been_sent(self) -> None:
        async with at_work() as (adapter, sandbox):
            sandbox.fault(kind="reset_before", route="POST /v2/customerstatements*")
            await send(adapter, "10001")
            assert (await found(adapter, "10001")).verdict is NOT_SENT

    async def test_evidence_is_read_from_customer_notes_and_log(self) -> None:
        async with at_work() as (adapter, sandbox):
            await adapter.check()
            since = sandbox.count()
            await found(adapter, "10001")
            asked = sandbox.journal(since)
        paths = ["/v2/customers/10001", "/v2/customers/10001/notes", "/v2/reports/emaillog"]
        assert [entry["raw_path"] for entry in asked] == paths
        assert httpx.QueryParams(asked[2]["query"]).keys() == {"page", "perpage", "email"}

    async def test_mail_to_somebody_else_is_no_evidence(self) -> None:
        async with at_work() as (adapter, _):
            await send(adapter, "10002")
            assert (await found(adapter, "10001")).verdict is NOT_SENT

    @pytest.mark.parametrize(
        ("recipient", "expected"),
        [
            ("accounts@acme.example", SENT),
            ("Office@acme.example; Accounts@Acme.example", SENT),
            ("uk-accounts@acme.example", NOT_SENT),
            (None, NOT_SENT),
        ],
    )
    async def test_a_logged_mail_counts_for_its_own_recipients(self, recipient: str | None, expected: Verdict) -> None:
        time = "2026-06-30 09:30:21" if expected is SENT else "2026-01-14 09:30:21"
        adapter = answering(
            {"Id": 1, "Code": "A", "Contacts": [{"IsPrimary": True, "Email": "accounts@acme.example"}]},
            [{"Date": time, "Number": 1, "Text": "Any."}],
            {"Data": [{"RecipientEmailId": recipient, "CreatedTimestamp": "2026-06-30 09:30:21"}]},
            {"Data": []},
        )
        assert (await found(adapter, "A")).verdict is expected

    async def test_a_customer_under_another_code_proves_nothing(self) -> None:
        adapter = answering({"Id": 1, "Code": "B"}, [])
        assert (await found(adapter, "A")).verdict is UNDECIDED

    async def test_what_is_found_under_a_code_that_passed_to_another_customer_proves_nothing(self) -> None:
        time = "2026-06-30 09:30:21"
        customer = {"Id": 2, "Code": "A", "Contacts": [{"IsPrimary": True, "Email": "accounts@acme.example"}]}
        notes = [{"Date": time, "Number": 1, "Text": "Any."}]
        mails = {"Data": [{"RecipientEmailId": "accounts@acme.example", "CreatedTimestamp": time}]}
        answers: tuple[Any, ...] = (customer, notes, mails, {"Data": []})

        evidence = await found(answering(*answers), "A", stable_id="1")
        assert (evidence.verdict, (await found(answering(*answers), "A", stable_id="2")).verdict) == (UNDECIDED, SENT)
        assert evidence.text == "This code belongs to another customer now. Look at the customer whose Id is 1."

    async def test_another_statement_to_the_customer_the_same_day_makes_its_traces_prove_nothing(self) -> None:
        async with at_work() as (adapter, _):
            await send(adapter, "10001")
            alone = await found(adapter, "10001")
            both = await found(adapter, "10001", others=(OtherSending(since=TODAY, until=TODAY),))
        assert (alone.verdict, both.verdict) == (SENT, UNDECIDED)

    async def test_a_customer_without_address_is_judged_by_its_notes(self) -> None:
        async with at_work() as (adapter, sandbox):
            since = sandbox.count()
            assert (await found(adapter, "10016")).verdict is NOT_SENT
            assert not [entry for entry in sandbox.journal(since) if "emaillog" in entry["raw_path"]]

    @pytest.mark.parametrize("code", ["nobody", "..", "x" * 300])
    async def test_a_customer_that_is_not_there_proves_nothing(self, code: str) -> None:
        async with at_work() as (adapter, _):
            assert (await found(adapter, code)).verdict is UNDECIDED

    async def test_evidence_that_cannot_be_read_is_an_error(self) -> None:
        async with at_work() as (adapter, sandbox):
            sandbox.fault(kind="status", status=503, route="GET /v2/reports/emaillog*")
            with pytest.raises(Unavailable):
                await found(adapter, "10001")

    @pytest.mark.parametrize("action", [SendAction.EMAIL, SendAction.DELIVER, SendAction.POST])
    async def test_only_statements_leave_evidence(self, action: SendAction) -> None:
        async with at_work() as (adapter, _):
            with pytest.raises(UnsupportedByVendor):
                await found(adapter, "10001", action)
