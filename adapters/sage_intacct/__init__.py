"""Sage Intacct, over its REST API."""

from adapters.contract import Limits, Vendor
from adapters.sage_intacct.adapter import connect
from adapters.sage_intacct.credential import IntacctCredentials, IntacctSettings, authenticate
from adapters.sage_intacct.envelope import is_outage, is_sound, patience_of
from adapters.sage_intacct.query import KEY
from adapters.sage_intacct.writes import OUTCOMES

__all__ = ["vendor"]

vendor = Vendor(
    name="sage_intacct",
    title="Sage Intacct",
    base_url="https://api.intacct.com/ia/api/v1",
    credentials=IntacctCredentials,
    settings=IntacctSettings,
    # A query takes at most 4,000 rows. The lowest service tier bears six calls at once of an application.
    limits=Limits(page_size=4000, concurrency=6, scan_budget=20_000),
    outcomes=OUTCOMES,
    is_outage=is_outage,
    retry_after=patience_of,
    native_ids={"Customer": KEY, "CustomerEmailTemplate": KEY, "EmailTemplate": KEY, "CustomerMessage": KEY},
    reads=frozenset(
        {
            "aggregate",
            "customer.get",
            "customer.list",
            "email_template.get",
            "email_template.list",
            "message.get",
            "message.list",
            "message.references",
            "template.get",
            "template.list",
            "template.references",
        }
    ),
    is_sound=is_sound,
    credential_headers={"Authorization": "Bearer [redacted]"},
    authenticate=authenticate,
    connect=connect,
    sandbox_module="adapters.sage_intacct.sandbox",
    unique_codes=True,
    takes_idempotency_keys=True,
    notes={
        "customers": "An e-mail address, a postal address and the raw record cost a call per customer.",
        "aggregate": "Over customers, customers' templates and messages.",
        "messages": "Messages cannot be deleted.",
    },
)
