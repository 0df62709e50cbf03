"""What of an input tells it from another under the same idempotency key."""

import datetime

import strawberry
from strawberry import UNSET

from adapters.model import RecordStatus
from gateway.schema.idempotency_keys import input_json
from gateway.schema.record_inputs import CreateMessageInput, UpdateLetterInput
from gateway.schema.send_inputs import EmailDocumentInput, RecipientInput

LETTER = strawberry.ID("l1")


def test_an_input_is_told_by_what_was_given_alone_so_that_a_later_release_may_take_more() -> None:
    given = CreateMessageInput(backend="a", code="C", text="T", status=RecordStatus.ACTIVE, idempotency_key="k")
    assert input_json(given) == {"backend": "a", "code": "C", "text": "T"}


def test_what_is_taken_away_is_told_from_what_is_left_alone() -> None:
    given = UpdateLetterInput(id=LETTER, title=None, contact_id=UNSET, date=datetime.date(2026, 2, 3))
    assert input_json(given) == {"id": "l1", "title": None, "date": "2026-02-03"}


def test_an_input_is_told_with_all_that_is_in_it() -> None:
    given = EmailDocumentInput(document=LETTER, recipients=[RecipientInput(email="a@example.com", cc=True)])
    assert input_json(given) == {"document": "l1", "recipients": [{"email": "a@example.com", "cc": True}]}


def test_the_vendors_fields_are_told_as_they_are() -> None:
    fields = {"b": [1, 2.5, None, True], "a": {"c": "x"}}
    given = UpdateLetterInput(id=LETTER, vendor_fields=fields)  # type: ignore[arg-type]
    assert input_json(given) == {"id": "l1", "vendor_fields": fields}
