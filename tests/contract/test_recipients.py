"""Recipients that no e-mail can have are refused before any call."""

import pytest

from adapters.contract import EmailDocument, Recipient, Vendor
from adapters.errors import AdapterError, InvalidInput
from tests.contract.offers import unconnected

BAD = ("", "  ", "a@example.com\r\nBcc: b@example.com", "a@example.com\n", "a\x00@example.com", "a@example.com\u2028")


@pytest.mark.requires("email_document")
@pytest.mark.parametrize("address", BAD)
def test_a_blank_address_or_one_with_control_characters_is_invalid(vendor: Vendor, address: str) -> None:
    prepare = unconnected(vendor).email_document
    assert prepare is not None
    to = (Recipient(email=address),)
    mails = [
        EmailDocument(native_id="1", recipients=to),
        EmailDocument(native_id="1", recipients=to, subject="Your letter", body="Please see it."),
    ]
    found = []
    for mail in mails:
        try:
            prepare(mail)
        except AdapterError as error:
            found.append((type(error), error.field))

    assert (InvalidInput, "recipients") in found
    assert len(found) == len(mails)
