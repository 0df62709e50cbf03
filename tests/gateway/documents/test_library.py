"""Documents by name: whose, found how, and what is let in."""

from typing import Any

import pytest

from gateway.documents.automatic import MemoryDocuments, hash_of
from gateway.documents.library import Asked, Library
from gateway.documents.manifest import Manifest
from gateway.documents.naming import BadNameError
from gateway.documents.prepared import DocumentRefusedError

TEXT = "query A { __typename }"
OTHER = "query B { __typename }"
MANIFEST = Manifest({"a-1": TEXT, hash_of(OTHER): OTHER})


def apollo(hash: str) -> dict[str, Any]:
    """Apollo's way to name a document."""
    return {"persistedQuery": {"version": 1, "sha256Hash": hash}}


async def outcome(library: Library, query: str | None = None, **names: Any) -> str:
    """The text that is asked for, or why there is none."""
    try:
        asked = await library.asked(query, names.get("document_id"), names.get("id"), names.get("extensions"))
    except BadNameError as error:
        return f"400 {error}"
    except DocumentRefusedError as refusal:
        return str((refusal.errors[0].extensions or {})["code"])
    await library.keep(asked)
    return asked.text


MISMATCH = "400 The hash is not that of the query (SHA-256 of its UTF-8, hexadecimal)."


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ({"document_id": "a-1"}, TEXT),
        ({"id": "a-1"}, TEXT),
        ({"extensions": apollo("a-1")}, TEXT),
        ({"extensions": apollo(hash_of(OTHER))}, OTHER),
        ({"document_id": f"sha256:{hash_of(OTHER)}"}, OTHER),
        ({"document_id": hash_of(OTHER)}, OTHER),
        ({"document_id": "a-1", "id": "b"}, TEXT),
        ({"document_id": "b"}, "PERSISTED_QUERY_NOT_FOUND"),
        ({"id": f"sha256:{hash_of(OTHER)}"}, "PERSISTED_QUERY_NOT_FOUND"),
        ({"document_id": ""}, "400 A document's id has 1 to 512 characters."),
        ({"extensions": {"persistedQuery": 1}}, "400 extensions.persistedQuery must be an object with version 1."),
        (
            {"extensions": {"persistedQuery": {"version": 2, "sha256Hash": "x"}}},
            "400 extensions.persistedQuery must be an object with version 1.",
        ),
        (
            {"extensions": {"persistedQuery": {"version": 1}}},
            "400 extensions.persistedQuery.sha256Hash must be a text.",
        ),
        ({"extensions": {"other": 1}}, "400 There is no query, and nothing that names a document."),
    ],
)
@pytest.mark.parametrize("trusted_only", [False, True])
async def test_a_document_of_the_manifest_is_named_in_any_of_the_ways(
    names: dict[str, Any], expected: str, trusted_only: bool
) -> None:
    assert await outcome(Library(MANIFEST, MemoryDocuments(), trusted_only=trusted_only), **names) == expected


@pytest.mark.parametrize(
    ("query", "names", "expected"),
    [
        (TEXT, {}, TEXT),
        (TEXT, {"document_id": "a-1"}, TEXT),
        (OTHER, {"document_id": "a-1"}, "400 The query is not the document of this id."),
        (TEXT + " ", {}, "UNTRUSTED_DOCUMENT"),
        (TEXT + " ", {"extensions": apollo(hash_of(TEXT + " "))}, "UNTRUSTED_DOCUMENT"),
        (TEXT + " ", {"extensions": apollo(hash_of(TEXT))}, MISMATCH),
        (None, {"extensions": apollo(hash_of(TEXT))}, "PERSISTED_QUERY_NOT_SUPPORTED"),
    ],
)
async def test_where_trust_is_required_only_the_manifests_documents_are_let_in(
    query: str | None, names: dict[str, Any], expected: str
) -> None:
    assert await outcome(Library(MANIFEST, MemoryDocuments(), trusted_only=True), query, **names) == expected


async def test_a_document_that_was_given_with_its_hash_is_found_by_it() -> None:
    library = Library(None, MemoryDocuments())
    name = apollo(hash_of(TEXT))
    found = [await outcome(library, query, extensions=name) for query in (None, TEXT, None)]
    assert found == ["PERSISTED_QUERY_NOT_FOUND", TEXT, TEXT]


async def test_one_that_was_given_without_its_hash_is_not_kept() -> None:
    library = Library(None, MemoryDocuments())
    await outcome(library, TEXT)
    assert await outcome(library, extensions=apollo(hash_of(TEXT))) == "PERSISTED_QUERY_NOT_FOUND"


async def test_a_hash_of_another_text_is_refused_and_nothing_is_kept() -> None:
    library = Library(None, MemoryDocuments())
    assert await outcome(library, TEXT, extensions=apollo(hash_of(OTHER))) == MISMATCH
    assert await outcome(library, extensions=apollo(hash_of(OTHER))) == "PERSISTED_QUERY_NOT_FOUND"


async def test_where_nothing_is_kept_clients_are_told_to_send_documents_whole() -> None:
    library = Library()
    name = apollo(hash_of(TEXT))
    assert [await outcome(library, query, extensions=name) for query in (None, TEXT)] == [
        "PERSISTED_QUERY_NOT_SUPPORTED",
        TEXT,
    ]


async def test_a_document_is_kept_only_when_it_was_found_valid() -> None:
    kept = MemoryDocuments()
    assert await Library(None, kept).asked(TEXT, None, None, apollo(hash_of(TEXT))) == Asked(TEXT, hash_of(TEXT))
    assert await kept.get(hash_of(TEXT)) is None
