"""A file at a vendor, reached through the gateway."""

import datetime

import strawberry

from gateway.schema.fields import attribute

__all__ = ["VendorFile"]


@strawberry.type(
    description="A file, reached through the gateway by a signed, short-lived URL that streams it. "
    "It may turn out not to be available: the URL then answers 404."
)
class VendorFile:
    """A file at a vendor."""

    url: str = attribute("url", "Streams the file. No credential and no URL of the vendor is in it.")
    content_type: str = attribute("content_type", "Its media type.")
    expires_at: datetime.datetime = attribute("expires_at", "When the URL stops working; ask again for another.")
