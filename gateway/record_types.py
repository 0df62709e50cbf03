"""The model's records and the GraphQL types they are."""

from typing import Any

from adapters import model
from gateway.ids import Ref

__all__ = ["NAMES", "ref_of", "type_name"]

NAMES: dict[type, str] = {
    model.Customer: "Customer",
    model.Correspondence: "Correspondence",
    model.Letter: "Letter",
    model.CustomerEmailTemplate: "CustomerEmailTemplate",
    model.EmailTemplate: "EmailTemplate",
    model.CustomerMessage: "CustomerMessage",
}
"""The GraphQL type of each class of the model's records."""


def type_name(record: Any) -> str:
    """The GraphQL type of a record of the model."""
    return NAMES[type(record)]


def ref_of(record: Any) -> Ref:
    """What a record's id stands for."""
    return Ref(NAMES[type(record)], record.backend, record.native_id)
