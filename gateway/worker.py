"""Which of several processes behind one listening socket this is."""

from pathlib import Path

from msgspec import Struct

__all__ = ["Worker"]


class Worker(Struct, frozen=True):
    """Its number, from 0, which who replaces it inherits, and the folder in which all have their sockets."""

    number: int
    folder: Path

    @property
    def socket(self) -> Path:
        """Where it answers its siblings."""
        return self.folder / f"{self.number}.sock"
