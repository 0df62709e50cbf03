"""The manifest of trusted documents: Apollo's format, and everything wrong with one said at once."""

import json
from pathlib import Path
from typing import Any

import pytest

from gateway.documents.manifest import ManifestError, read_manifest
from tests.gateway.documents.test_preparing import documents_of

GOOD = {"id": "1", "name": "A", "type": "query", "body": "query A { echo }"}


def written(folder: Path, content: Any) -> Path:
    """A file with this content; bytes as they are, the rest as JSON."""
    path = folder / "manifest.json"
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    return path


def manifest(*operations: Any) -> dict[str, Any]:
    """A manifest as Apollo's tools write it."""
    return {"format": "apollo-persisted-query-manifest", "version": 1, "operations": list(operations)}


def test_documents_are_known_by_id_and_to_the_letter(tmp_path: Path) -> None:
    found = read_manifest(written(tmp_path, manifest(GOOD)), documents_of())
    assert (found.by_id, found.has(GOOD["body"]), found.has("query A {echo}")) == ({"1": GOOD["body"]}, True, False)


FORM = 'must be an object with "format": "apollo-persisted-query-manifest" and "version": 1.'


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"\xff", "is not JSON: JSON is malformed: invalid character (byte 0)."),
        (b"{", "is not JSON: Input data was truncated."),
        ([], FORM),
        ({"1": "{ echo }"}, FORM),
        ({"format": "apollo-persisted-query-manifest", "version": 2, "operations": []}, FORM),
        ({"format": "apollo-persisted-query-manifest", "version": 1}, '"operations" must be a list.'),
    ],
)
def test_what_is_no_manifest_is_refused(tmp_path: Path, content: Any, problem: str) -> None:
    path = written(tmp_path, content)
    with pytest.raises(ManifestError) as caught:
        read_manifest(path, documents_of())
    assert caught.value.problems == (f"{path}: {problem}",)


def test_a_file_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="cannot be read: No such file or directory"):
        read_manifest(tmp_path / "none.json", documents_of())


def test_everything_that_is_wrong_is_said_at_once(tmp_path: Path) -> None:
    entries = [
        GOOD,
        7,
        {"id": "2", "name": "A"},
        {**GOOD, "id": ""},
        {**GOOD, "body": "query A { echo echo }"},
        {**GOOD, "id": "3", "body": "query A { ech"},
        {**GOOD, "id": "4", "body": "query A { other } query B { another }"},
        {**GOOD, "id": "5", "name": "B"},
        {**GOOD, "id": "6", "type": "mutation"},
        {**GOOD, "id": "7", "body": "query A {" + " echo" * 200 + "}"},
    ]
    path = written(tmp_path, manifest(*entries))
    with pytest.raises(ManifestError) as caught:
        read_manifest(path, documents_of())
    assert [problem.removeprefix(f"{path}: operations") for problem in caught.value.problems] == [
        "[1]: must be an object with id, name, type and body.",
        "[2]: type and body must be a text.",
        "[3]: id must be a text.",
        "[4]: '1' is there twice, with two bodies.",
        "[5]: '3' (A): Syntax Error: Expected Name, found <EOF>.",
        "[6]: '4' (A): Cannot query field 'other' on type 'Query'.",
        "[6]: '4' (A): Cannot query field 'another' on type 'Query'.",
        "[7]: '5' (B): the body has no operation of this name.",
        "[8]: '6' (A): the body has a query of this name, no mutation.",
        "[9]: '7' (A): An operation has 200 root fields; at most 20 are allowed (limits.root_fields).",
    ]
