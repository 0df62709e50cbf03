"""KashFlow REST v2."""

from adapters.contract import Limits, Vendor
from adapters.kashflow.adapter import connect
from adapters.kashflow.codes import CODE
from adapters.kashflow.credential import KashFlowCredentials, authenticate
from adapters.kashflow.refusals import OUTCOMES, is_outage

__all__ = ["vendor"]

vendor = Vendor(
    name="kashflow",
    title="KashFlow",
    base_url="https://api.kashflow.com/v2",
    credentials=KashFlowCredentials,
    limits=Limits(page_size=100, concurrency=4, statement_batch=35),
    outcomes=OUTCOMES,
    is_outage=is_outage,
    native_ids={"Customer": CODE},
    reads=frozenset({"customer.get", "customer.list"}),
    credential_headers={"Authorization": "KfToken [redacted]"},
    authenticate=authenticate,
    connect=connect,
    sandbox_module="adapters.kashflow.sandbox",
    unique_codes=True,
    notes={
        "customers": "Archived customers are listed too, as INACTIVE. Raw records cost a call each.",
        "email_statements": "At most 35 customers a call; the vendor chooses the addresses and queues the e-mails.",
        "evidence": "Customer notes and the e-mail log; notes carry no proof of what they are about.",
    },
)
