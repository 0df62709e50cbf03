"""Everything that can go wrong at a vendor, as one tree.

::

    AdapterError
    ├── Unavailable            the vendor was not reached, broke off, or answered 5xx
    ├── RateLimited            429 and its kin: later
    ├── TimedOut               no answer within the time given
    ├── OutcomeUnknown         a write was sent and nothing proves what became of it
    ├── Rejected               the vendor understood and refused
    │   ├── NotFound
    │   ├── BadCredentials     the backend's credentials, never the caller's
    │   ├── Forbidden          the credentials are good but may not do this
    │   ├── InvalidInput
    │   ├── NotReady           in the vendor's own words, never by our guess
    │   ├── Conflict
    │   └── FileNotAvailable
    ├── MalformedAnswer        an answer that the vendor's documentation does not allow
    ├── ScanLimit              a list stopped at its scan budget; its position goes on
    └── UnsupportedByVendor    cannot be expressed at this vendor; no call was made
"""

from typing import ClassVar

from adapters.asked import asked_last

__all__ = [
    "AdapterError",
    "BadCredentials",
    "Conflict",
    "FileNotAvailable",
    "Forbidden",
    "InvalidInput",
    "MalformedAnswer",
    "NotFound",
    "NotReady",
    "OutcomeUnknown",
    "RateLimited",
    "Rejected",
    "ScanLimit",
    "TimedOut",
    "Unavailable",
    "UnsupportedByVendor",
]


class AdapterError(Exception):
    """A failure at a backend, in words that may be shown to the caller: no secret, no URL with one.

    ``backend`` is the backend's key and ``operation`` what was tried (``letter.list``). ``status`` is the HTTP status,
    ``vendor_code`` and ``request_id`` the vendor's own, unchanged. ``retry_after`` is in seconds. ``never_sent`` says
    that no byte of the request can have reached the vendor. ``field`` names the model attribute at fault. ``asked`` is
    the call that it was found by, if there was one.
    """

    retryable: ClassVar[bool] = False

    def __init__(
        self,
        message: str,
        *,
        backend: str = "",
        operation: str = "",
        status: int | None = None,
        vendor_code: str | None = None,
        request_id: str | None = None,
        retry_after: int | None = None,
        never_sent: bool = False,
        field: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.backend = backend
        self.operation = operation
        self.status = status
        self.vendor_code = vendor_code
        self.request_id = request_id
        self.retry_after = retry_after
        self.never_sent = never_sent
        self.field = field
        self.asked = asked_last()


class Unavailable(AdapterError):
    """The vendor was not reached, broke the connection off, or answered with a server error."""

    retryable = True


class RateLimited(AdapterError):
    """The vendor asks for patience; ``retry_after`` says how much, where it said so."""

    retryable = True


class TimedOut(AdapterError):
    """The vendor did not answer in the time given."""

    retryable = True


class OutcomeUnknown(AdapterError):
    """A write was sent, and no answer proves that it was or was not done. Never sent again by itself."""


class Rejected(AdapterError):
    """The vendor understood the request and refused it."""


class NotFound(Rejected):
    """The vendor has no such record, or shows it to nobody with these credentials."""


class BadCredentials(Rejected):
    """The vendor does not accept the backend's credentials."""


class Forbidden(Rejected):
    """The credentials are good, but not for this."""


class InvalidInput(Rejected):
    """The vendor, or the adapter on its behalf, found the input wrong; ``field`` says which."""


class NotReady(Rejected):
    """The record cannot be sent yet, says the vendor."""


class Conflict(Rejected):
    """A unique value is taken, or the record changed meanwhile."""


class FileNotAvailable(Rejected):
    """The record has no such file, or not yet."""


class MalformedAnswer(AdapterError):
    """The answer is not what the vendor documents; nothing in it is believed."""


class ScanLimit(AdapterError):
    """As many rows as the scan budget allows were read without filling the page. The page's end goes on from there."""

    retryable = True


class UnsupportedByVendor(AdapterError):
    """This cannot be said to this vendor. No call was made."""
