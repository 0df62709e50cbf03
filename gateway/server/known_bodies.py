"""Requests that came before, to the byte: probes, pages that ask again and again, all that persisted documents send."""

from typing import Final

from gateway.server.requests_reading import OperationRequest, read_body

__all__ = ["KnownBodies"]

MOST_BYTES: Final = 1024 * 1024
"""Of all bodies that are kept."""

LONGEST: Final = 8 * 1024
"""Bytes of one that is kept, so that there is room for a hundred of them at least."""


class KnownBodies:
    """Reads bodies, and those that say the same again are not read again; the oldest are forgotten first.

    None with variables is kept: hardly any two are the same, and they hold what is about persons.
    """

    def __init__(self) -> None:
        self._known: dict[bytes, OperationRequest] = {}
        self._bytes = 0

    def read(self, body: bytes) -> OperationRequest:
        """The operation that a body asks for. Raises `RequestRefusedError`."""
        known = self._known.get(body)
        if known is None:
            known = read_body(body)
            if not (known.variables or known.extensions) and len(body) <= LONGEST:
                self._keep(body, known)
        return known

    def _keep(self, body: bytes, operation: OperationRequest) -> None:
        self._known[body] = operation
        self._bytes += len(body)
        while self._bytes > MOST_BYTES:
            oldest = next(iter(self._known))
            del self._known[oldest]
            self._bytes -= len(oldest)
