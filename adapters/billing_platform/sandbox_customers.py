"""The emulator's customer and customer contact endpoints; they are read only."""

from starlette.responses import Response

from adapters.billing_platform.sandbox_call import Call, only
from adapters.billing_platform.sandbox_query import (
    CONTACT_LIST,
    CUSTOMER_LIST,
    CUSTOMER_VIEW,
    conditions,
    expansions,
)
from adapters.billing_platform.sandbox_records import LINKED_SQL, Condition, Records
from adapters.billing_platform.sandbox_refusals import json_response

__all__ = ["CustomersApi"]


class CustomersApi:
    """The handlers of ``/customers`` and ``/customerContacts``."""

    def __init__(self, records: Records, page_cap: int | None) -> None:
        self._records = records
        self._page_cap = page_cap

    def list_customers(self, call: Call) -> Response:
        """GET ``/customers/``."""
        rows = self._records.customers(conditions(CUSTOMER_LIST, call.query), self._page_cap)
        children = expansions(call.query)
        return json_response([row.shown() | children for row in rows])

    def get_customer(self, call: Call) -> Response:
        """GET ``/customers/ID``."""
        row = only(self._records.customers([Condition("id = ?", (call.id(),))]))
        conditions(CUSTOMER_VIEW, call.query)
        return json_response(row.shown() | expansions(call.query))

    def list_contacts(self, call: Call) -> Response:
        """GET ``/customerContacts/``."""
        rows = self._records.contacts(conditions(CONTACT_LIST, call.query), self._page_cap)
        return json_response([row.shown() for row in rows])

    def list_contacts_of_customer(self, call: Call) -> Response:
        """GET ``/customers/ID/customerContacts/``: the customer's own and the shared ones linked to it."""
        customer = only(self._records.customers([Condition("id = ?", (call.id(),))]))
        linked = Condition(LINKED_SQL, (customer.id, customer.id))
        rows = self._records.contacts([linked, *conditions(CONTACT_LIST, call.query)], self._page_cap)
        return json_response([row.shown() for row in rows])

    def get_contact(self, call: Call) -> Response:
        """GET ``/customerContacts/ID``."""
        row = only(self._records.contacts([Condition("id = ?", (call.id(),))]))
        call.takes_no_parameters()
        return json_response(row.shown())
