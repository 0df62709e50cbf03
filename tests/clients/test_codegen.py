"""GraphQL Code Generator: TypeScript of the example queries, and a program over it that the compiler accepts."""

from pathlib import Path
from typing import Any

import pytest

from tests.node import answer_of

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What was generated, and what the TypeScript compiler says of the program."""
    folder = tmp_path_factory.mktemp("codegen")
    return answer_of("codegen.mjs", str(ROOT / "schema.graphql"), str(ROOT / "examples"), str(folder))


def test_every_example_is_an_operation_with_a_name(told: Any) -> None:
    assert len(told["names"]) == len(list((ROOT / "examples").glob("*.graphql")))
    assert len(set(told["names"])) == len(told["names"])


def test_a_program_over_the_types_compiles_strictly(told: Any) -> None:
    assert told["said"] == []
