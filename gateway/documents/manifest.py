"""Trusted documents: the list of all that a frontend's builds may ask, in the format that Apollo's tools write.

https://www.apollographql.com/docs/graphos/platform/security/persisted-queries (``persisted-query-manifest.json``), as
``@apollo/generate-persisted-query-manifest``, graphql-codegen's presets, Apollo Kotlin and Apollo iOS make it.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from gateway.documents.prepared import DocumentRefusedError
from gateway.documents.preparing import Documents

__all__ = ["Manifest", "ManifestError", "read_manifest"]

_FORMAT: Final = "apollo-persisted-query-manifest"
_VERSION: Final = 1


class ManifestError(Exception):
    """A manifest that cannot be used: everything that is wrong with it, a sentence each."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


class Manifest:
    """The documents of a manifest, by id and by their very text."""

    def __init__(self, by_id: Mapping[str, str]) -> None:
        self.by_id = by_id
        self._texts = frozenset(by_id.values())

    def has(self, text: str) -> bool:
        """Whether a document is one of these, to the letter."""
        return text in self._texts


def read_manifest(path: Path, documents: Documents) -> Manifest:
    """The manifest of a file, each document of which can be executed.

    Raises:
        ManifestError: with everything that is wrong: file, format, entries, documents.
    """
    try:
        content: Any = msgspec.json.decode(path.read_bytes())
    except OSError as error:
        raise ManifestError([f"{path}: cannot be read: {error.strerror}."]) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ManifestError([f"{path}: is not JSON: {error}."]) from None
    if not isinstance(content, dict) or (content.get("format"), content.get("version")) != (_FORMAT, _VERSION):
        raise ManifestError([f'{path}: must be an object with "format": "{_FORMAT}" and "version": {_VERSION}.'])
    operations = content.get("operations")
    if not isinstance(operations, list):
        raise ManifestError([f'{path}: "operations" must be a list.'])
    by_id: dict[str, str] = {}
    problems = [
        f"{path}: operations[{place}]: {problem}"
        for place, entry in enumerate(operations)
        for problem in _problems(entry, by_id, documents)
    ]
    if problems:
        raise ManifestError(problems)
    return Manifest(by_id)


def _problems(entry: Any, by_id: dict[str, str], documents: Documents) -> Iterator[str]:
    """What is wrong with an entry; it is added to those that are known."""
    if not isinstance(entry, dict):
        yield "must be an object with id, name, type and body."
        return
    missing = [name for name in ("id", "name", "type", "body") if not isinstance(entry.get(name), str)]
    if missing or not entry["id"]:
        yield f"{' and '.join(missing) or 'id'} must be a text."
        return
    named, body = f"{entry['id']!r}", entry["body"]
    if by_id.setdefault(entry["id"], body) != body:
        yield f"{named} is there twice, with two bodies."
    yield from (f"{named} ({entry['name']}): {problem}" for problem in _of_document(entry, body, documents))


def _of_document(entry: Mapping[str, str], body: str, documents: Documents) -> Iterator[str]:
    try:
        document = documents.prepared(body)
    except DocumentRefusedError as refusal:
        yield from (error.message for error in refusal.errors)
        return
    operation = document.operations.get(entry["name"])
    if operation is None:
        yield "the body has no operation of this name."
    elif operation.kind.value != entry["type"]:
        yield f"the body has a {operation.kind.value} of this name, no {entry['type']}."
