"""Links to files: signed, short-lived, and telling nothing of the vendor but what its id already does.

A link is ``payload.signature``; the payload names the record, the file, who may fetch it and until when. The signature
is HMAC-SHA-256 with the gateway's key. A link is a bearer's: browsers send no header for an image or a download. So it
is short-lived, ends with the credential that it was got with, and is looked at again when it is opened: whether that
credential still stands, and still may read that backend.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import msgspec
from msgspec import Struct

from gateway.ids import Ref
from gateway.principals import Principal, Scope

__all__ = ["FileClaim", "FileLinks", "LinkExpiredError", "LinkInvalidError", "VendorFile"]

PDF_TYPE = "application/pdf"
PNG_TYPE = "image/png"


class LinkInvalidError(Exception):
    """Not a link of ours."""


class LinkExpiredError(Exception):
    """A link of ours that is past its time."""


class FileClaim(Struct, frozen=True, kw_only=True, array_like=True):
    """What a link stands for. ``page`` and ``width`` are those of a preview, 0 for a PDF. ``expires`` is Unix time."""

    type: str
    backend: str
    native_id: str
    page: int
    width: int
    principal: str
    credential: str
    expires: int

    @property
    def ref(self) -> Ref:
        """The record whose file it is."""
        return Ref(self.type, self.backend, self.native_id)

    @property
    def bearer(self) -> Principal:
        """Whoever got the link, with what the link allows."""
        return Principal(
            id=self.principal,
            backends=frozenset((self.backend,)),
            scopes=frozenset((Scope.READ,)),
            credential=self.credential or None,
            expires=datetime.fromtimestamp(self.expires, UTC),
        )


class VendorFile(Struct, frozen=True, kw_only=True):
    """A file that the gateway will stream."""

    url: str
    content_type: str
    expires_at: datetime


class FileLinks:
    """Makes links and takes them back. ``base_url`` is where the gateway is reached from outside."""

    def __init__(self, *, key: bytes, base_url: str, lifetime: timedelta, clock: Callable[[], datetime]) -> None:
        self._key = key
        self._base_url = base_url.rstrip("/")
        self._lifetime = lifetime
        self._clock = clock

    def pdf(self, record: Ref, principal: Principal) -> VendorFile:
        """The link to a document's PDF."""
        return self._link(record, principal, page=0, width=0, content_type=PDF_TYPE)

    def preview(self, record: Ref, principal: Principal, *, page: int, width: int) -> VendorFile:
        """The link to a picture of a page."""
        return self._link(record, principal, page=page, width=width, content_type=PNG_TYPE)

    def open(self, token: str) -> FileClaim:
        """What a link stands for; its payload is read only once it is proved ours.

        Raises `LinkInvalidError` or `LinkExpiredError`.
        """
        payload, _, signature = token.partition(".")
        if not hmac.compare_digest(
            self._sign(payload.encode("utf-8", "replace")), signature.encode("utf-8", "replace")
        ):
            raise LinkInvalidError
        try:
            claim = msgspec.msgpack.decode(base64.urlsafe_b64decode(payload + "=="), type=FileClaim)
        except (binascii.Error, msgspec.MsgspecError):
            raise LinkInvalidError from None
        if claim.expires <= self._clock().timestamp():
            raise LinkExpiredError
        return claim

    def _link(self, record: Ref, principal: Principal, *, page: int, width: int, content_type: str) -> VendorFile:
        last = self._clock() + self._lifetime
        expires = int(min(last, principal.expires or last).timestamp())
        claim = FileClaim(
            type=record.type,
            backend=record.backend,
            native_id=record.native_id,
            page=page,
            width=width,
            principal=principal.id,
            credential=principal.credential or "",
            expires=expires,
        )
        payload = base64.urlsafe_b64encode(msgspec.msgpack.encode(claim)).rstrip(b"=")
        url = f"{self._base_url}/files/{payload.decode('ascii')}.{self._sign(payload).decode('ascii')}"
        return VendorFile(url=url, content_type=content_type, expires_at=datetime.fromtimestamp(expires, UTC))

    def _sign(self, payload: bytes) -> bytes:
        digest = hmac.new(self._key, b"postroom file link\x00" + payload, hashlib.sha256).digest()
        return base64.urlsafe_b64encode(digest).rstrip(b"=")
