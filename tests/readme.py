"""The README's blocks, for the tests that run them."""

import re
from pathlib import Path

__all__ = ["README", "block"]

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")


def block(language: str, number: int = 0) -> str:
    """The ``number``-th block of a language."""
    found: str = re.findall(rf"^```{language}\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)[number]
    return found
