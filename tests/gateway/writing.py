"""Writes through the schema, over a backend that can write everything."""

from typing import Any

from tests.gateway.asking import data, gateway_over, gid
from tests.gateway.fakes import Fake, fake
from tests.gateway.records import correspondence, customer, letter, message, template

CUSTOMER, LETTER = gid("Customer", "a", "1"), gid("Letter", "a", "l1")
CORRESPONDENCE, MESSAGE = gid("Correspondence", "a", "c1"), gid("CustomerMessage", "a", "m1")
TEMPLATE, TEXT = gid("CustomerEmailTemplate", "a", "t1"), gid("EmailTemplate", "a", "Tt1")


def writer(key: str = "a", **options: Any) -> Fake:
    return fake(
        key,
        customers=[customer(key, "1"), customer(key, "2")],
        correspondence=[correspondence(key, "c1", "1")],
        letters=[letter(key, "l1", "1")],
        templates=[template(key, "t1", "1")],
        messages=[message(key, "m1")],
        writes=True,
        **options,
    )


MUTATIONS = {
    "createCorrespondence": ("CreateCorrespondenceInput", "correspondence"),
    "updateCorrespondence": ("UpdateCorrespondenceInput", "correspondence"),
    "deleteCorrespondence": ("DeleteInput", None),
    "createLetter": ("CreateLetterInput", "letter"),
    "updateLetter": ("UpdateLetterInput", "letter"),
    "deleteLetter": ("DeleteInput", None),
    "createTemplate": ("CreateTemplateInput", "template"),
    "updateTemplate": ("UpdateTemplateInput", "template"),
    "deleteTemplate": ("DeleteInput", None),
    "createMessage": ("CreateMessageInput", "message"),
    "updateMessage": ("UpdateMessageInput", "message"),
    "setDocumentStatus": ("SetDocumentStatusInput", "document"),
}


def text_of(mutation: str, selected: str | None = "{ id }") -> str:
    kind, record = MUTATIONS[mutation]
    member = "deletedId" if record is None else "" if selected is None else f"{record} {selected}"
    problems = "problems { code message path backend vendorCode retryable retryAfter }"
    return f"mutation($input: {kind}!) {{ {mutation}(input: $input) {{ {member} {problems} }} }}"


async def written(a: Fake, mutation: str, *, selected: str | None = "{ id }", **members: Any) -> Any:
    return (await data(gateway_over(a), text_of(mutation, selected), input=members))[mutation]


NEW_LETTER = {"customer": CUSTOMER, "date": "2026-02-03"}
