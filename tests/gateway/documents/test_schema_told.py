"""With introspection off nobody is told the schema, a federation's composer included."""

import pytest

from gateway.documents.limits import DocumentLimits
from gateway.documents.prepared import DocumentRefusedError
from gateway.documents.preparing import Documents
from gateway.schema.build import build_schema
from gateway.schema.costs import field_costs

SCHEMA = build_schema().core
CLOSED = Documents(SCHEMA, field_costs(SCHEMA), DocumentLimits(), most_records=100, introspecting=False)
OPEN = Documents(SCHEMA, field_costs(SCHEMA), DocumentLimits(), most_records=100)

TELLING = [
    ("__schema", "{ __schema { types { name } } }"),
    ("__type", '{ __type(name: "Customer") { name } }'),
    ("_service", "{ _service { sdl } }"),
    ("_service", "{ ...A } fragment A on Query { other: _service { __typename } }"),
]


@pytest.mark.parametrize(("field", "text"), TELLING)
def test_the_schema_is_not_told(field: str, text: str) -> None:
    OPEN.prepared(text)
    with pytest.raises(DocumentRefusedError) as refused:
        CLOSED.prepared(text)

    assert [error.message for error in refused.value.errors][:1] == [
        f"GraphQL introspection has been disabled, but the requested query contained the field {field!r}."
    ]


def test_what_is_no_schema_can_be_asked() -> None:
    CLOSED.prepared('{ __typename _entities(representations: [{__typename: "Backend", id: "x"}]) { __typename } }')
