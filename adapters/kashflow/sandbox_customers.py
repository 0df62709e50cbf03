"""The routes of KashFlow's emulator for customers and their notes."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from adapters.kashflow.sandbox_fields import read_fields
from adapters.kashflow.sandbox_query import (
    DAY_END,
    DAY_START,
    ORDERS,
    Handler,
    Parameters,
    RefusedError,
    Window,
    answer,
    invalid,
    read_json,
    read_moment,
    stamp,
)
from adapters.kashflow.sandbox_record import Customer, read_customer, take_creation_flags
from adapters.kashflow.sandbox_sessions import Account
from adapters.kashflow.sandbox_store import Note, Store
from adapters.sandboxing import SandboxState

__all__ = ["CustomerRoutes", "Table"]

Table: TypeAlias = tuple[tuple[str, str, Handler], ...]

PER_PAGE, MOST_PER_PAGE = 50, 100
_SORTS = {
    "0": "Name", "1": "Code", "3": "TotalPaidAmount", "4": "OutstandingBalance",
    "name": "Name", "code": "Code", "totalpaidamount": "TotalPaidAmount", "outstandingbalance": "OutstandingBalance",
}  # fmt: skip


class _NoteBody(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A note as it may be written; its number and author are not the writer's to choose."""

    Text: str | None = None
    Date: str | None = None
    Number: int | None = None
    LastModifiedBy: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerRoutes:
    """The handlers, each one documented operation."""

    store: Store
    state: SandboxState
    account: Account
    clock: Callable[[], datetime]
    lenient: bool

    def table(self) -> Table:
        """Method, path under ``/v2`` and handler of each."""
        return (
            ("GET", "/customers", self.list_customers),
            ("POST", "/customers", self.create_customer),
            ("GET", "/customers/{code}", self.get_customer),
            ("PUT", "/customers/{code}", self.change_customer),
            ("DELETE", "/customers/{code}", self.delete_customer),
            ("GET", "/customers/{code}/notes", self.list_notes),
            ("POST", "/customers/{code}/notes", self.create_note),
            ("GET", "/customers/{code}/notes/{number}", self.get_note),
            ("PUT", "/customers/{code}/notes/{number}", self.change_note),
            ("DELETE", "/customers/{code}/notes/{number}", self.delete_note),
        )

    def _parameters(self, request: Request, *known: str) -> Parameters:
        return Parameters(request, *known, lenient=self.lenient)

    async def list_customers(self, request: Request) -> Response:
        """A page of summaries."""
        parameters = self._parameters(
            request, "page", "perpage", "sortby", "order", "namestartswith", "searchtext", "filterarchived",
            "startcreationdate", "endcreationdate", "skipperpagevalidation",
        )  # fmt: skip
        unlimited = parameters.flag("skipperpagevalidation") or self.lenient
        window = Window.read(parameters, default=PER_PAGE, maximum=None if unlimited else MOST_PER_PAGE)
        rows, total = self.store.customers_page(
            window,
            sort=parameters.choice("sortby", _SORTS, "Code"),
            order=parameters.choice("order", ORDERS, "Asc"),
            archived=parameters.flag("filterarchived"),
            filters={
                "prefix": parameters.text("namestartswith"),
                "text": parameters.text("searchtext"),
                "start": parameters.moment("startcreationdate", DAY_START),
                "end": parameters.moment("endcreationdate", DAY_END),
            },
        )
        return answer(window.envelope(request, parameters, total, rows))

    async def get_customer(self, request: Request) -> Response:
        """One customer, bare."""
        self._parameters(request)
        return answer(self._customer(request))

    async def create_customer(self, request: Request) -> Response:
        """A new customer; without a code it gets one made from its name."""
        self._parameters(request)
        body, flags = take_creation_flags(await read_json(request), lenient=self.lenient)
        now = stamp(self.clock())
        customer = read_customer(Customer(CreatedDate=now, LastUpdatedDate=now), body, lenient=self.lenient)
        if not customer.Name.strip() and flags.CreateCustomerNameIfEmptyOrNull:
            customer.Name = customer.Code or "New Customer"
        if not customer.Name.strip():
            raise invalid("Name is required")
        taken = self.store.customer(customer.Code) is not None
        if not customer.Code or (taken and flags.CreateCustomerCodeIfDuplicate):
            customer.Code = self._free_code(customer.Name)
        elif taken:
            raise _duplicate(customer.Code)
        with self.store.database:
            self.store.add_customer(customer)
        self.state.changed()
        return answer(customer, 201)

    async def change_customer(self, request: Request) -> Response:
        """Changes what the body names; 201 if that was the code. The Id stays."""
        self._parameters(request, "updateInvoicesAddress").flag("updateInvoicesAddress")
        current = self._customer(request)
        customer = read_customer(current, await read_json(request), lenient=self.lenient)
        if not customer.Code or not customer.Name.strip():
            raise invalid("Code and Name must not be empty")
        moved = customer.Code != current.Code
        if moved and self.store.customer(customer.Code) is not None:
            raise _duplicate(customer.Code)
        customer.LastUpdatedDate = stamp(self.clock())
        with self.store.database:
            self.store.save_customer(customer)
        self.state.changed()
        return answer(customer, 201 if moved else 200)

    async def delete_customer(self, request: Request) -> Response:
        """Deletes a customer with its notes."""
        self._parameters(request)
        with self.store.database:
            self.store.delete_customer(self._customer(request).Code)
        self.state.changed()
        return Response(status_code=204)

    def _customer(self, request: Request) -> Customer:
        customer = self.store.customer(request.path_params["code"])
        if customer is None:
            raise RefusedError(404, "CustomerNotFound", "Customer not found.")
        return customer

    def _free_code(self, name: str) -> str:
        letters = "".join(letter for letter in name.upper() if letter.isalnum())[:3]
        number = 1
        while self.store.customer(f"{letters}{number:02d}") is not None:
            number += 1
        return f"{letters}{number:02d}"

    # Notes

    async def list_notes(self, request: Request) -> Response:
        """A customer's notes, a bare list."""
        self._parameters(request)
        return answer(self.store.notes(self._customer(request).Id))

    async def get_note(self, request: Request) -> Response:
        """One note."""
        self._parameters(request)
        return answer(self._note(request, self._customer(request)))

    async def create_note(self, request: Request) -> Response:
        """A new note, dated now unless the body says otherwise."""
        self._parameters(request)
        customer = self._customer(request)
        body = read_fields(await read_json(request), _NoteBody, lenient=self.lenient)
        if not body.Text:
            raise invalid("Text is required")
        date = stamp(self.clock()) if body.Date is None else read_moment("Date", body.Date, DAY_START)
        with self.store.database:
            number = self.store.add_note(customer.Id, body.Text, date, self.account.user)
        self.state.changed()
        return answer(next(note for note in self.store.notes(customer.Id) if note.Number == number), 201)

    async def change_note(self, request: Request) -> Response:
        """Changes a note's text, date or both."""
        self._parameters(request)
        customer = self._customer(request)
        note = self._note(request, customer)
        body = read_fields(await read_json(request), _NoteBody, lenient=self.lenient)
        note.Text = body.Text or note.Text
        note.Date = note.Date if body.Date is None else read_moment("Date", body.Date, DAY_START)
        note.LastModifiedBy = self.account.user
        with self.store.database:
            self.store.save_note(customer.Id, note)
        self.state.changed()
        return answer(note)

    async def delete_note(self, request: Request) -> Response:
        """Deletes a note."""
        self._parameters(request)
        customer = self._customer(request)
        with self.store.database:
            self.store.delete_note(customer.Id, self._note(request, customer).Number)
        self.state.changed()
        return Response(status_code=204)

    def _note(self, request: Request, customer: Customer) -> Note:
        number = request.path_params["number"]
        note = next((note for note in self.store.notes(customer.Id) if str(note.Number) == number), None)
        if note is None:
            raise RefusedError(404)
        return note


def _duplicate(code: str) -> RefusedError:
    return RefusedError(400, "DuplicateCustomerCode", f"A customer with the code {code} already exists.")
