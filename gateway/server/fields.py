"""A request whose header fields are looked up, not searched for: each is asked for several times on an answer's way."""

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import Receive, Scope

__all__ = ["Fields", "FieldsRequest"]


class Fields(Headers):
    """Header fields by name; of several of one name `get` gives the first.

    ``first`` has them as they came, by their names in lower case.
    """

    def __init__(self, raw: list[tuple[bytes, bytes]]) -> None:
        self._list = raw
        self.first = dict(raw)
        self._is_simple = len(self.first) == len(raw)
        if not self._is_simple:
            self.first = dict(reversed(raw))

    def __getitem__(self, key: str) -> str:
        return self.first[key.lower().encode("latin-1")].decode("latin-1")

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and key.lower().encode("latin-1") in self.first

    def get(self, key: str, default: str | None = None) -> str | None:  # type: ignore[override] # the very same of a Mapping
        """The field's value."""
        found = self.first.get(key.lower().encode("latin-1"))
        return default if found is None else found.decode("latin-1")

    def getlist(self, key: str) -> list[str]:
        """The values of all fields of this name."""
        if not self._is_simple:
            return super().getlist(key)
        found = self.first.get(key.lower().encode("latin-1"))
        return [] if found is None else [found.decode("latin-1")]

    def together(self, name: bytes) -> str:
        """The values of all fields of this name in lower case, as the list that they are; empty where there is none."""
        if not self._is_simple:
            return ",".join(super().getlist(name.decode("latin-1")))
        return self.first.get(name, b"").decode("latin-1")


class FieldsRequest(Request):
    """A request with `Fields`."""

    def __init__(self, scope: Scope, receive: Receive) -> None:
        super().__init__(scope, receive)
        self.fields = Fields(scope["headers"])

    @property
    def headers(self) -> Fields:
        """Its header fields."""
        return self.fields
