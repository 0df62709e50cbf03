"""The client actions: list, get, add, edit, delete."""

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import orjson
from msgspec import UNSET, UnsetType, structs
from starlette.responses import Response

from adapters.sandboxing import SandboxState
from adapters.smallinvoice.sandbox_fields import (
    AddressChange,
    ClientChange,
    ListPairs,
    NewAddress,
    NewClient,
    NoFields,
    OnePairs,
    given,
)
from adapters.smallinvoice.sandbox_store import Source, fetch, list_page
from adapters.smallinvoice.sandbox_wire import Call, Code, RefusedError, answer, no_access

__all__ = ["Clients"]

FIRST_NUMBER = 1000

OWN_FIELDS = (
    "type", "gender", "number", "name", "addition", "vat_id", "language", "phone", "fax", "email", "website", "notes",
)  # fmt: skip
PLACE_FIELDS = ("street", "streetno", "street2", "code", "city", "country")

SOURCE = Source(
    table="live_client",
    columns=("id", *OWN_FIELDS, "main_contact_id", "main_address_id", *PLACE_FIELDS),
    # The page's own example sorts by date, which is no option of its table: an unknown key is the default.
    sorts={"name": "name", "number": "number"},
    default_sort="name",
)


class Clients:
    """The clients of a store, each with its addresses, contacts and assigned hours."""

    def __init__(self, store: sqlite3.Connection, state: SandboxState) -> None:
        self._store = store
        self._state = state

    def actions(self) -> Mapping[str, Callable[[Call], Response]]:
        """Each action by its name in the path."""
        return {"list": self._list, "get": self._get, "add": self._add, "edit": self._edit, "delete": self._delete}

    def _list(self, call: Call) -> Response:
        pairs = call.read_pairs(ListPairs)
        call.read_data(NoFields)
        envelope, clients = list_page(self._store, SOURCE, pairs)
        return answer(**envelope, items=self._shown(clients))

    def _get(self, call: Call) -> Response:
        client = self._one(call.read_pairs(OnePairs).id)
        call.read_data(NoFields)
        return answer(item=self._shown([client])[0])

    def _add(self, call: Call) -> Response:
        call.read_pairs(NoFields)
        new = call.read_data(NewClient)
        addresses = [call.read_item(address, NewAddress) for address in new.addresses]
        fields = structs.asdict(new)
        fields["number"] = self._number(new.number)
        with self._store:
            cursor = self._store.execute(
                f"INSERT INTO client ({', '.join(OWN_FIELDS)}, main_contact_id, main_address_id) "  # noqa: S608 - our names
                f"VALUES ({', '.join(f':{name}' for name in OWN_FIELDS)}, 0, 0)",
                {name: fields[name] for name in OWN_FIELDS},
            )
            client_id = cursor.lastrowid
            ids = [self._add_address(client_id, address) for address in addresses]
            main = next((key for key, address in zip(ids, addresses, strict=True) if address.primary), ids[0])
            self._store.execute("UPDATE client SET main_address_id = ? WHERE id = ?", (main, client_id))
        self._state.changed()
        return answer(id=client_id)

    def _edit(self, call: Call) -> Response:
        client = self._one(call.read_pairs(OnePairs).id)
        changes = given(call.read_data(ClientChange))
        if not changes:
            raise RefusedError(Code.BAD_PARAMETER, "Nothing to change")
        addresses: list[NewAddress | AddressChange] = [
            call.read_item(address, AddressChange) if "id" in address else call.read_item(address, NewAddress)
            for address in changes.pop("addresses", [])
        ]
        if changes.get("number", client["number"]) != client["number"]:
            self._number(changes["number"])
        with self._store:
            for name, value in changes.items():
                self._store.execute(f"UPDATE client SET {name} = ? WHERE id = ?", (value, client["id"]))  # noqa: S608 - our names
            for address in addresses:
                address_id = self._keep_address(client["id"], address)
                if address.primary:
                    self._store.execute(
                        "UPDATE client SET main_address_id = ? WHERE id = ?", (address_id, client["id"])
                    )
        self._state.changed()
        return answer()

    def _delete(self, call: Call) -> Response:
        client = self._one(call.read_pairs(OnePairs).id)
        call.read_data(NoFields)
        with self._store:
            self._store.execute("UPDATE client SET deleted = 1 WHERE id = :id", client)
        self._state.changed()
        return answer()

    def _one(self, id: str) -> dict[str, Any]:
        client = fetch(self._store, SOURCE, id)
        if client is None:
            raise no_access()
        return client

    def _number(self, wanted: int | UnsetType) -> int:
        """The wanted client number if no client has it; the next free one when none is wanted."""
        if wanted is UNSET:
            (highest,) = self._store.execute("SELECT max(number) FROM client").fetchone()
            return FIRST_NUMBER if highest is None else highest + 1
        taken = self._store.execute("SELECT 1 FROM client WHERE number = ? AND NOT deleted", (wanted,)).fetchone()
        if taken is not None:
            raise RefusedError(Code.BAD_PARAMETER, "`number` is another client's")
        return wanted

    def _keep_address(self, client_id: int, address: NewAddress | AddressChange) -> int:
        if isinstance(address, NewAddress):
            return self._add_address(client_id, address)
        changes = {name: str(getattr(address, name)) for name in PLACE_FIELDS if getattr(address, name) is not UNSET}
        owner = self._store.execute("SELECT client_id FROM address WHERE id = ?", (address.id,)).fetchone()
        if owner != (client_id,):
            raise RefusedError(Code.NOT_THE_CLIENTS, "An address is not one of the client's")
        for name, value in changes.items():
            self._store.execute(f"UPDATE address SET {name} = ? WHERE id = ?", (value, address.id))  # noqa: S608 - our names
        return address.id

    def _add_address(self, client_id: int | None, address: NewAddress) -> int:
        cursor = self._store.execute(
            f"INSERT INTO address (client_id, {', '.join(PLACE_FIELDS)}) VALUES (?, ?, ?, ?, ?, ?, ?)",  # noqa: S608 - our names
            (client_id, *(str(getattr(address, name)) for name in PLACE_FIELDS)),
        )
        return int(cursor.lastrowid or 0)

    def _shown(self, clients: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        ids = orjson.dumps([client["id"] for client in clients]).decode()
        addresses = self._collected("address", ("id", *PLACE_FIELDS), ids)
        contacts = self._collected("contact", ("id", "surname"), ids)
        assigns = dict(
            self._store.execute("SELECT id, assigns FROM client WHERE id IN (SELECT value FROM json_each(?))", (ids,))
        )
        for client in clients:
            client["addresses"] = addresses.get(client["id"], [])
            client["contacts"] = contacts.get(client["id"], [])
            client["assigns"] = orjson.loads(assigns[client["id"]])
        return list(clients)

    def _collected(self, table: str, columns: tuple[str, ...], client_ids: str) -> dict[int, list[dict[str, Any]]]:
        """What a list of clients (ids as JSON) has in a table, by client."""
        rows = self._store.execute(
            f"SELECT client_id, {', '.join(columns)} FROM {table} "  # noqa: S608 - our names
            "WHERE client_id IN (SELECT value FROM json_each(?)) ORDER BY id",
            (client_ids,),
        )
        found: dict[int, list[dict[str, Any]]] = {}
        for client_id, *values in rows:
            found.setdefault(client_id, []).append(dict(zip(columns, values, strict=True)))
        return found
