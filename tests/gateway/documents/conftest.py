"""What tests of documents look at."""

from typing import Any

import pytest
from graphql import DocumentNode, validate

from gateway.documents import preparing


@pytest.fixture
def validated(monkeypatch: pytest.MonkeyPatch) -> list[DocumentNode]:
    """Every document that is validated."""
    seen: list[DocumentNode] = []

    def noting(schema: Any, document: DocumentNode, *more: Any, **options: Any) -> Any:
        seen.append(document)
        return validate(schema, document, *more, **options)

    monkeypatch.setattr(preparing, "validate", noting)
    return seen
