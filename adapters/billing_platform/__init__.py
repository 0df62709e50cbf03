"""The Billing Platform (UK): its adapter and its emulator."""

from adapters.billing_platform.adapter import connect
from adapters.billing_platform.client import NATIVE_ID
from adapters.billing_platform.credential import BillingPlatformCredentials, authenticate
from adapters.billing_platform.evidence import SENT_STATUSES
from adapters.billing_platform.outcomes import OUTCOMES
from adapters.billing_platform.refusals import is_sound
from adapters.billing_platform.settings import BillingPlatformSettings
from adapters.contract import Limits, Vendor

__all__ = ["vendor"]

vendor = Vendor(
    name="billing_platform",
    title="The Billing Platform (UK)",
    base_url=None,
    credentials=BillingPlatformCredentials,
    settings=BillingPlatformSettings,
    # The vendor's pages name no limits. Its lists take no page size.
    limits=Limits(page_size=1_000, concurrency=8),
    outcomes=OUTCOMES,
    sent_statuses=SENT_STATUSES,
    native_ids={"Customer": NATIVE_ID, "Correspondence": NATIVE_ID},
    reads=frozenset({"customer.get", "customer.list", "correspondence.get", "correspondence.list"}),
    is_sound=is_sound,
    credential_headers={"Authorization": "Bearer [redacted]"},
    authenticate=authenticate,
    connect=connect,
    sandbox_module="adapters.billing_platform.sandbox",
    unique_codes=True,  # "API, Customers": a search by account number answers one customer or none
    notes={
        "customers": "by name or code only where the tenant may be listed whole",
        "correspondence": "newest first by windows of days; oldest first only where the tenant may be listed whole",
        "email_document": "to the customer and its contacts, or to given addresses; no subject, text, names or copies",
    },
)
