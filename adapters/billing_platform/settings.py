"""What a backend at The Billing Platform can be told about its tenant."""

from typing import Annotated

from msgspec import Meta

from adapters.contract import VendorSettings

__all__ = ["BillingPlatformSettings"]


class BillingPlatformSettings(VendorSettings, frozen=True, kw_only=True):
    """The tenant's own traits.

    ``page_cap`` is the most rows that the tenant's server puts into one list answer; None: one answer is the whole
    list. ``list_whole`` allows reading the tenant's whole correspondence for several customers at once, and whole
    lists for orders that the vendor cannot give.
    """

    page_cap: Annotated[int, Meta(ge=1, description="a whole number above 0")] | None = None
    list_whole: Annotated[bool, Meta(description="true or false")] = False
