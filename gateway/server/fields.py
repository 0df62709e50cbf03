"""A request whose header fields are looked up, not searched for: each is asked for several times on an answer's way."""

from functools import cached_property

from starlette.datastructures import Headers
from starlette.requests import Request

__all__ = ["Fields", "FieldsRequest"]


class Fields(Headers):
    """Header fields by name; of several of one name `get` gives the first."""

    def __init__(self, raw: list[tuple[bytes, bytes]]) -> None:
        super().__init__(raw=raw)
        self._first = dict(reversed(raw))

    def __getitem__(self, key: str) -> str:
        return self._first[key.lower().encode("latin-1")].decode("latin-1")

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and key.lower().encode("latin-1") in self._first

    def get(self, key: str, default: str | None = None) -> str | None:  # type: ignore[override] # the very same of a Mapping
        """The field's value."""
        found = self._first.get(key.lower().encode("latin-1"))
        return default if found is None else found.decode("latin-1")

    def getlist(self, key: str) -> list[str]:
        """The values of all fields of this name."""
        if len(self._first) < len(self.raw):
            return super().getlist(key)
        found = self._first.get(key.lower().encode("latin-1"))
        return [] if found is None else [found.decode("latin-1")]


class FieldsRequest(Request):
    """A request with `Fields`."""

    @cached_property
    def headers(self) -> Fields:
        """Its header fields."""
        return Fields(self.scope["headers"])
