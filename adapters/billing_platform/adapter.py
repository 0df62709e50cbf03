"""Puts the adapter together, and checks a backend."""

from functools import partial

from adapters.billing_platform.client import Client
from adapters.billing_platform.correspondence import BillingPlatformCorrespondence
from adapters.billing_platform.customers import BillingPlatformCustomers
from adapters.billing_platform.evidence import evidence
from adapters.billing_platform.outcomes import perform
from adapters.billing_platform.settings import BillingPlatformSettings
from adapters.billing_platform.translate import CustomerRow
from adapters.billing_platform.writes import BillingPlatformWrites
from adapters.contract import Adapter, Connection
from adapters.wire import WireRequest

__all__ = ["connect"]


def connect(connection: Connection) -> Adapter:
    """The adapter of one tenant."""
    settings: BillingPlatformSettings = connection.settings
    client = Client(connection)
    correspondence = BillingPlatformCorrespondence(client, settings, connection.limits)
    writes = BillingPlatformWrites(connection.key)
    return Adapter(
        perform=partial(perform, client),
        check=partial(_check, client, settings),
        customers=BillingPlatformCustomers(client, settings, connection.limits),
        correspondence=correspondence,
        write_correspondence=writes,
        delete_correspondence=writes.delete,
        email_document=writes.email,
        deliver_document=writes.deliver,
        pdf=correspondence.pdf,
        evidence=partial(evidence, correspondence),
    )


async def _check(client: Client, settings: BillingPlatformSettings) -> tuple[str, ...]:
    """Lists the customers, and asks for those after the last one: a server that still has some caps its answers."""
    rows, _ = await client.rows(_customers(), list[CustomerRow])
    if not rows:
        return ("Signed in. The tenant has no customers, so whether its server caps list answers is not known.",)
    count, last = len(rows), max(row.id for row in rows)
    rest, _ = await client.rows(_customers(("idAfter", str(last))), list[CustomerRow])
    signed_in = f"Signed in. A list of customers has {count} rows."
    if any(row.id <= last for row in rest):
        return (signed_in, "The server ignores idAfter, so a cap on its list answers would go unseen.")
    if rest and settings.page_cap is None:
        return (signed_in, f"The server caps list answers: set page_cap = {count}, or the rest is never read.")
    if rest and settings.page_cap != count:
        return (signed_in, f"The server caps list answers at {count} rows: set page_cap to that.")
    return (signed_in,)


def _customers(*query: tuple[str, str]) -> WireRequest:
    return WireRequest(operation="check", method="GET", path=("customers",), trailing_slash=True, query=query)
