"""The model's records and the GraphQL types they are."""

from typing import Any

from adapters import model
from gateway.ids import Ref

__all__ = ["ref_of", "type_name"]

_NAMES: dict[type, str] = {
    model.Customer: "Customer",
    model.Correspondence: "Correspondence",
    model.Letter: "Letter",
    model.CustomerEmailTemplate: "CustomerEmailTemplate",
    model.EmailTemplate: "EmailTemplate",
    model.CustomerMessage: "CustomerMessage",
}


def type_name(record: Any) -> str:
    """The GraphQL type of a record of the model."""
    return _NAMES[type(record)]


def ref_of(record: Any) -> Ref:
    """What a record's id stands for."""
    return Ref(_NAMES[type(record)], record.backend, record.native_id)
