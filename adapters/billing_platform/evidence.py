"""What a document's status names prove of a send."""

from adapters.billing_platform.correspondence import BillingPlatformCorrespondence
from adapters.errors import AdapterError
from adapters.writes import Evidence, EvidenceRequest, SendAction, Verdict

__all__ = ["evidence"]

# "Emailed" says nothing of delivery, nor "Delivered" of e-mail.
_NAMES = {SendAction.EMAIL: "Emailed", SendAction.DELIVER: "Delivered"}


async def evidence(correspondence: BillingPlatformCorrespondence, request: EvidenceRequest) -> Evidence:
    """SENT where the status has the action's own name, and what was sent was all the vendor's choice.

    A status name carries neither a time nor addresses: it cannot prove that chosen recipients got theirs. And where the
    name is missing, that proves nothing either: a mail may have gone to some of the addresses before it failed.
    """
    found = (await correspondence.by_key([request.native_id], frozenset()))[request.native_id]
    if isinstance(found, AdapterError):
        raise found
    if found is None:
        return Evidence(verdict=Verdict.UNDECIDED, text="The vendor has no such correspondence any more.")
    shown = f"Its status is {', '.join(found.vendor_status)}." if found.vendor_status else "It has no status."
    name = _NAMES.get(request.action)
    if name is None or name not in found.vendor_status:
        return Evidence(verdict=Verdict.UNDECIDED, text=shown)
    if request.recipients is not None:
        return Evidence(verdict=Verdict.UNDECIDED, text=f"{shown} It does not say who was sent it.")
    return Evidence(verdict=Verdict.SENT, text=shown)
