"""Which texts can be a customer's code, and when two codes are one customer's.

A code is free text that its owner may change, and the last segment of the customer's URL. It may hold any printable
character; it is sent percent-encoded, as one segment. A server that decodes too early would still walk up on a code
with a part ``..``, so no such code is ever sent.
"""

import re

__all__ = ["CODE", "same_code", "unpadded"]

CODE = re.compile(r"(?!(?:.*[/\\])?\.{1,2}(?:[/\\]|\Z))(?=\S)[^\x00-\x1f\x7f-\x9f\ud800-\udfff]{1,256}(?<=\S)")
"""No control character, no blank at either end, no ``.`` or ``..`` between slashes, at most 256 characters."""


def unpadded(code: str) -> str:
    """The code without the blanks that some of the vendor's answers pad it with."""
    return code.strip()


def same_code(code: str) -> str:
    """Equal for codes that may name one customer: the pages do not say whether case tells codes apart."""
    return unpadded(code).casefold()
