"""Customers' own pages out of one reading, still as the vendor's rows: few ask for more of a page than its records."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from adapters.model import Page
from adapters.translating import Translation

__all__ = ["OwnRows"]

T_co = TypeVar("T_co", covariant=True)


class OwnRows(Mapping[str, Page[T_co]]):
    """Each customer's page by its native id, made when somebody looks at it; none of them has a problem.

    ``rows`` are those of its records, for this translation. ``page`` makes a customer's page.
    """

    __slots__ = ("_page", "backend", "rows", "translation")

    def __init__(
        self,
        translation: Translation[T_co],
        rows: Mapping[str, Sequence[Any]],
        backend: str,
        page: Callable[[str], Page[T_co]],
    ) -> None:
        self.translation = translation
        self.rows = rows
        self.backend = backend
        self._page = page

    def __getitem__(self, customer_id: str) -> Page[T_co]:
        if customer_id not in self.rows:
            raise KeyError(customer_id)
        return self._page(customer_id)

    def __iter__(self) -> Iterator[str]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)
