"""What a backend can do, in words for people: grouped, and each ability once."""

from collections.abc import Iterable, Mapping
from typing import Final

from gateway.backends import Capability

__all__ = ["WORDS", "said_of"]

WORDS: Final[Mapping[Capability, tuple[str, str]]] = {
    Capability.READ_CUSTOMERS: ("Reads", "customers"),
    Capability.READ_CORRESPONDENCE: ("Reads", "correspondence"),
    Capability.READ_LETTERS: ("Reads", "letters"),
    Capability.READ_TEMPLATES: ("Reads", "templates"),
    Capability.READ_MESSAGES: ("Reads", "messages"),
    Capability.AGGREGATE_TEMPLATES: ("Reads", "totals of templates"),
    Capability.DOCUMENT_PDF: ("Reads", "PDFs"),
    Capability.DOCUMENT_PREVIEW: ("Reads", "previews"),
    Capability.WRITE_CORRESPONDENCE: ("Writes", "correspondence"),
    Capability.WRITE_LETTERS: ("Writes", "letters"),
    Capability.WRITE_TEMPLATES: ("Writes", "templates"),
    Capability.WRITE_MESSAGES: ("Writes", "messages"),
    Capability.SET_DOCUMENT_STATUS: ("Writes", "a document’s status"),
    Capability.EMAIL_DOCUMENT: ("Sends", "documents by e-mail"),
    Capability.DELIVER_DOCUMENT: ("Sends", "documents by the vendor’s own delivery"),
    Capability.POST_DOCUMENT: ("Sends", "documents by post"),
    Capability.EMAIL_STATEMENT: ("Sends", "statements by e-mail"),
}
"""The group and the words of each, in the order in which they are said."""


def said_of(capabilities: Iterable[Capability]) -> dict[str, list[str]]:
    """The words by group."""
    offered = frozenset(capabilities)
    said: dict[str, list[str]] = {}
    for capability, (group, words) in WORDS.items():
        if capability in offered:
            said.setdefault(group, []).append(words)
    return said
