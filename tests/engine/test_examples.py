"""The example queries, by both executors."""

import json
from pathlib import Path
from typing import Any

import pytest
from graphql import OperationType

from tests.engine.comparing import Both

EXAMPLES = sorted((Path(__file__).parent.parent.parent / "examples").glob("*.graphql"))


def read(file: Path) -> tuple[str, Any]:
    """An example's document and variables."""
    given = file.with_suffix(".json")
    variables = json.loads(given.read_text(encoding="utf-8")) if given.exists() else None
    return file.read_text(encoding="utf-8"), variables


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.stem)
async def test_an_example(both: Both, file: Path) -> None:
    text, variables = read(file)
    for name, operation in both.documents.prepared(text).operations.items():
        if operation.kind is not OperationType.SUBSCRIPTION:
            await both.agree(text, variables, name=name)
