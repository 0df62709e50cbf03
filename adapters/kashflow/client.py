"""The vendor's calls: paths, parameters, and answers as its own records."""

from typing import TypeVar

from msgspec import Struct

from adapters.answers import believe_absence, decode_json
from adapters.errors import MalformedAnswer, NotFound
from adapters.kashflow.refusals import error_of
from adapters.kashflow.rows import CustomerPage, CustomerRow, LogPage, NoteRow
from adapters.wire import Answer, Wire, WireRequest

__all__ = ["Client", "WholeCustomer"]

T = TypeVar("T")
_JSON = (("accept", "application/json"),)


class WholeCustomer(Struct, frozen=True):
    """A customer's whole record, decoded and as it came."""

    row: CustomerRow
    body: bytes


class Client:
    """One backend's calls."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    async def send(self, request: WireRequest) -> Answer:
        """A success's answer. Raises what the answer, or its lack, stands for."""
        answer = await self._wire.send(request)
        if not 200 <= answer.status < 300:
            raise error_of(answer, backend=self._wire.backend)
        return answer

    async def customers(
        self, number: int, size: int, parameters: tuple[tuple[str, str], ...], *, operation: str, wanted: frozenset[str]
    ) -> CustomerPage:
        """The ``number``-th page (from 1) of ``size`` customers.

        Raises `MalformedAnswer` when the page is not as full as the total says: page numbers would then count other
        pages than those asked for, and customers be lost between them.
        """
        request = WireRequest(
            operation=operation,
            method="GET",
            path=("customers",),
            query=(("page", str(number)), ("perpage", str(size)), *parameters),
            headers=_JSON,
            wanted=wanted,
        )
        page = self._decoded(await self.send(request), CustomerPage)
        total = page.meta_data.total_records
        expected = len(page.data) if total is None else min(size, max(0, total - (number - 1) * size))
        if len(page.data) != expected or expected > size:
            message = f"The vendor answered {len(page.data)} customers where its page of {size} has {expected}."
            raise MalformedAnswer(message, backend=self._wire.backend, operation=operation)
        return page

    async def customer(
        self, code: str, *, operation: str = "customer.get", wanted: frozenset[str] = frozenset()
    ) -> WholeCustomer | None:
        """A customer's whole record; None where there is none."""
        request = WireRequest(
            operation=operation,
            method="GET",
            path=("customers", code),
            ids=(code,),
            headers=_JSON,
            wanted=wanted,
        )
        try:
            answer = await self.send(request)
        except NotFound as error:
            believe_absence(error)
            return None
        return WholeCustomer(self._decoded(answer, CustomerRow), answer.body)

    async def notes(self, code: str, *, operation: str) -> tuple[NoteRow, ...]:
        """All notes on a customer."""
        path = ("customers", code, "notes")
        request = WireRequest(operation=operation, method="GET", path=path, ids=(code,), headers=_JSON)
        return self._decoded(await self.send(request), tuple[NoteRow, ...])

    async def email_log(self, address: str, number: int, size: int, *, operation: str) -> LogPage:
        """The ``number``-th page (from 1) of the e-mails logged for an address."""
        request = WireRequest(
            operation=operation,
            method="GET",
            path=("reports", "emaillog"),
            query=(("page", str(number)), ("perpage", str(size)), ("email", address)),
            headers=_JSON,
        )
        return self._decoded(await self.send(request), LogPage)

    def _decoded(self, answer: Answer, type_: type[T]) -> T:
        return decode_json(answer, type_, backend=self._wire.backend)
