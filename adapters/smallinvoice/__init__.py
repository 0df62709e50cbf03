"""smallinvoice API v1."""

from adapters.contract import Limits, Vendor
from adapters.smallinvoice.adapter import connect
from adapters.smallinvoice.credential import SmallinvoiceCredentials, authenticate
from adapters.smallinvoice.refusals import OUTCOMES, is_sound
from adapters.smallinvoice.translate import NATIVE_ID

__all__ = ["vendor"]

vendor = Vendor(
    name="smallinvoice",
    title="smallinvoice v1",
    base_url="https://api.smallinvoice.com",
    credentials=SmallinvoiceCredentials,
    limits=Limits(page_size=1000, concurrency=4),
    outcomes=OUTCOMES,
    native_ids={"Customer": NATIVE_ID, "Letter": NATIVE_ID},
    reads=frozenset({"client.get", "client.list", "letter.get", "letter.list"}),
    is_sound=is_sound,
    credential_path="/token/[redacted]",
    authenticate=authenticate,
    connect=connect,
    sandbox_module="adapters.smallinvoice.sandbox",
    notes={
        "customers": "No filter, so filters and codes are looked for here, in the whole list.",
        "letters": "No list of a customer's letters, so they are picked out of the list of all. Filters act here.",
        "email_document": "Subject, text and recipients must be given.",
        "evidence": "A letter's status, which never proves what became of a send.",
    },
)
