"""What a document's status names prove of a send."""

from collections.abc import Mapping

from adapters.billing_platform.correspondence import BillingPlatformCorrespondence
from adapters.errors import AdapterError
from adapters.writes import Evidence, EvidenceRequest, SendAction, Verdict

__all__ = ["SENT_STATUSES", "evidence"]

# The manual: an e-mail adds "Emailed" to the status. Of a delivery the pages name no status.
SENT_STATUSES: Mapping[SendAction, frozenset[str]] = {SendAction.EMAIL: frozenset(("Emailed",))}


async def evidence(correspondence: BillingPlatformCorrespondence, request: EvidenceRequest) -> Evidence:
    """SENT where the status has the action's own name, had not before, and what was sent was all the vendor's choice.

    A status name carries neither a time nor addresses: it cannot prove that chosen recipients got theirs, nor which of
    two e-mails it is about. And where the name is missing, that proves nothing either: a mail may have gone to some of
    the addresses before it failed.
    """
    found = (await correspondence.by_key([request.native_id], frozenset()))[request.native_id]
    if isinstance(found, AdapterError):
        raise found
    if found is None:
        return _undecided("The vendor has no such correspondence any more.")
    shown = f"Its status is {', '.join(found.vendor_status)}." if found.vendor_status else "It has no status."
    if not SENT_STATUSES.get(request.action, frozenset()).intersection(found.vendor_status):
        return _undecided(shown)
    if request.recipients is not None:
        return _undecided(f"{shown} It does not say who was sent it.")
    if request.others or not request.unsent_before:
        return _undecided(f"{shown} It does not say since when: that may be about another sending.")
    return Evidence(verdict=Verdict.SENT, text=f"{shown} Just before the send it was not.")


def _undecided(text: str) -> Evidence:
    return Evidence(verdict=Verdict.UNDECIDED, text=text)
