"""How a request names a document that it does not hold.

By ``documentId``, as the appendix "Persisted Documents" of GraphQL over HTTP has it and urql sends it; by
``extensions.persistedQuery.sha256Hash``, which Apollo's clients send, and urql's exchange; by ``id``, which Relay's
guide sends.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from msgspec import Struct

__all__ = ["BadNameError", "DocumentName", "name_of"]

_HASH = re.compile(r"[0-9a-f]{64}")
_PREFIX: Final = "sha256:"
_LONGEST: Final = 512
"""Characters of an id; hashes have 64."""


class BadNameError(Exception):
    """A name that names nothing, or another document than the one beside it."""


class DocumentName(Struct, frozen=True):
    """What a document is called. ``hash`` is that of its text (SHA-256, hexadecimal), where the name is one."""

    id: str
    hash: str | None = None


def name_of(document_id: str | None, id: str | None, extensions: Mapping[str, Any] | None) -> DocumentName | None:
    """The name that a request gives; None where it gives none.

    Raises:
        BadNameError: what stands for a name is none.
    """
    if document_id is not None:
        return _named(document_id, prefixed=True)
    persisted = (extensions or {}).get("persistedQuery")
    if persisted is not None:
        if not isinstance(persisted, dict) or persisted.get("version") != 1:
            raise BadNameError("extensions.persistedQuery must be an object with version 1.")
        sha256 = persisted.get("sha256Hash")
        if not isinstance(sha256, str):
            raise BadNameError("extensions.persistedQuery.sha256Hash must be a text.")
        return _named(sha256, prefixed=False)
    return None if id is None else _named(id, prefixed=False)


def _named(text: str, *, prefixed: bool) -> DocumentName:
    if not 0 < len(text) <= _LONGEST:
        raise BadNameError(f"A document's id has 1 to {_LONGEST} characters.")
    bare = text.removeprefix(_PREFIX) if prefixed else text
    return DocumentName(text, bare if _HASH.fullmatch(bare) else None)
