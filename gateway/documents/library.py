"""Which document a request asks for: its own text, or one that it names; and which are let in at all."""

from typing import Any

from graphql import GraphQLError
from msgspec import Struct

from gateway.documents.automatic import KeptDocuments, hash_of
from gateway.documents.manifest import Manifest
from gateway.documents.naming import BadNameError, DocumentName, name_of
from gateway.documents.prepared import DocumentRefusedError
from gateway.public_codes import RequestCode

__all__ = ["Asked", "Library"]


class Asked(Struct, frozen=True):
    """The text that is asked for; once it was found valid, it is to be kept under ``keep_as``, where that is given."""

    text: str
    keep_as: str | None = None


class Library:
    """Documents by name: those of a manifest, and those that clients gave us to keep.

    With ``trusted_only`` nothing but the manifest's is executed, and so nothing is kept.
    """

    def __init__(
        self, manifest: Manifest | None = None, kept: KeptDocuments | None = None, *, trusted_only: bool = False
    ) -> None:
        self._manifest = manifest or Manifest({})
        self._kept = None if trusted_only else kept
        self._trusted_only = trusted_only

    async def asked(
        self, query: str | None, document_id: str | None, id: str | None, extensions: dict[str, Any] | None
    ) -> Asked:
        """What a request with these parameters asks for.

        Raises:
            BadNameError: the name is none, or not that of the document beside it.
            DocumentRefusedError: the document is not known by this name, or not trusted.
        """
        name = name_of(document_id, id, extensions)
        if name is not None:
            trusted = self._manifest.by_id.get(name.id) or self._manifest.by_id.get(name.hash or "")
            if trusted is not None:
                return _same(trusted, query)
            if query is None:
                return await self._found(name)
        if query is None:
            raise _nothing()
        return self._given(query, name)

    def given(self, query: str | None) -> Asked:
        """What a request asks for that names no document. Raises as `asked` does."""
        if query is None:
            raise _nothing()
        return self._given(query, None)

    async def keep(self, asked: Asked) -> None:
        """Keeps a document that was found valid, where that was asked for."""
        if asked.keep_as is not None and self._kept is not None:
            await self._kept.keep(asked.keep_as, asked.text)

    async def _found(self, name: DocumentName) -> Asked:
        if name.hash is None:
            raise _unknown()
        if self._kept is None:
            raise _refused(RequestCode.PERSISTED_QUERY_NOT_SUPPORTED, "PersistedQueryNotSupported")
        text = await self._kept.get(name.hash)
        if text is None:
            raise _unknown()
        return Asked(text)

    def _given(self, query: str, name: DocumentName | None) -> Asked:
        hashed = None if name is None else name.hash
        if hashed is not None and hash_of(query) != hashed:
            raise BadNameError("The hash is not that of the query (SHA-256 of its UTF-8, hexadecimal).")
        if self._trusted_only and not self._manifest.has(query):
            raise _refused(
                RequestCode.UNTRUSTED_DOCUMENT,
                "Only the documents of the manifest are executed here, by their id or to the letter.",
            )
        return Asked(query, hashed)


def _nothing() -> BadNameError:
    return BadNameError("There is no query, and nothing that names a document.")


def _same(trusted: str, query: str | None) -> Asked:
    if query is not None and query != trusted:
        raise BadNameError("The query is not the document of this id.")
    return Asked(trusted)


def _unknown() -> DocumentRefusedError:
    """Clients know this error by its message or by its code, and send the document whole."""
    return _refused(RequestCode.PERSISTED_QUERY_NOT_FOUND, "PersistedQueryNotFound")


def _refused(code: RequestCode, message: str) -> DocumentRefusedError:
    return DocumentRefusedError([GraphQLError(message, extensions={"code": code.value})])
