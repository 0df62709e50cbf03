"""What a backend at The Billing Platform can be told about its tenant."""

from pydantic import Field

from adapters.contract import VendorSettings

__all__ = ["BillingPlatformSettings"]


class BillingPlatformSettings(VendorSettings):
    """The tenant's own traits.

    ``page_cap`` is the most rows that the tenant's server puts into one list answer; None: one answer is the whole
    list. ``list_whole`` allows reading the tenant's whole correspondence for several customers at once, and whole
    lists for orders that the vendor cannot give.
    """

    page_cap: int | None = Field(default=None, ge=1, strict=True)
    list_whole: bool = Field(default=False, strict=True)
