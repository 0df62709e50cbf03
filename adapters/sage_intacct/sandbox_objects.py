"""The operations on one object's records: list, create, get, update, delete."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from adapters.sage_intacct.sandbox_access import Caller, Visibility
from adapters.sage_intacct.sandbox_catalogue import CUSTOMER_EMAIL_TEMPLATE, OBJECTS, TXN_DEFINITION, USER, Record
from adapters.sage_intacct.sandbox_payload import read_payload
from adapters.sage_intacct.sandbox_query import page_meta
from adapters.sage_intacct.sandbox_records import Records, link_of
from adapters.sage_intacct.sandbox_refusals import business_rule, not_found
from adapters.sandboxing import SandboxState

__all__ = ["Objects"]

LIST_SIZE = 100
_ONE = {"totalCount": 1, "totalSuccess": 1, "totalError": 0}


class Objects:
    """What one caller may do with the records of one object."""

    def __init__(
        self,
        name: str,
        records: Records,
        state: SandboxState,
        clock: Callable[[], datetime],
        *,
        caller: Caller,
        visibility: Visibility,
    ) -> None:
        self._name = name
        self._kind = OBJECTS[name]
        self._records = records
        self._state = state
        self._clock = clock
        self._caller = caller
        self._visibility = visibility

    def list_references(self) -> dict[str, Any]:
        """The first hundred records as ``{key, id, href}``; there is no parameter to ask for more."""
        found = self._visibility.listed(self._name)
        meta = page_meta(len(found), 1, LIST_SIZE) | {"next": None}
        return {"ia::result": [self._reference(record) for record in found[:LIST_SIZE]], "ia::meta": meta}

    def get(self, key: str) -> dict[str, Any]:
        """A record in full."""
        return _answer(self._records.view(self._name, self._existing(key)))

    def create(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Stores a new record; answers its reference."""
        values = self._payload(body, creating=True)
        if "id" in values and self._records.by_id(self._name, values["id"]) is not None:
            raise business_rule(f"A {self._name} with the id {values['id']} already exists", "/id", status=409)

        def make(key: str) -> Record:
            return {"key": key, "id": key} | self._defaults() | values | self._audit(creating=True)

        record = self._records.add(self._name, make)
        self._state.changed()
        return _answer(self._reference(record))

    def update(self, key: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Sets the fields given; answers the record's reference."""
        record = self._existing(key)
        values = self._payload(body, creating=False)
        if values:
            record |= values | self._audit(creating=False)
            self._records.replace(self._name, record)
            self._state.changed()
        return _answer(self._reference(record))

    def delete(self, key: str) -> None:
        """Forgets a record."""
        self._existing(key)
        self._records.delete(self._name, key)
        self._state.changed()

    def _existing(self, key: str) -> Record:
        record = self._visibility.reached(self._name, self._records.by_key(self._name, key))
        if record is None:
            raise not_found(self._name, key[:50])
        return record

    def _reference(self, record: Record) -> dict[str, Any]:
        return {"key": record["key"], "id": record["id"], "href": link_of(self._name, record["key"])}

    def _payload(self, body: Mapping[str, Any], *, creating: bool) -> Record:
        values = read_payload(self._kind, body, creating=creating, find=self._find)
        if self._name == CUSTOMER_EMAIL_TEMPLATE:
            values |= self._transaction_definition(values)
        return values

    def _find(self, object_name: str, by: str, value: str) -> Record | None:
        find = self._records.by_key if by == "key" else self._records.by_id
        return self._visibility.reached(object_name, find(object_name, value))

    def _transaction_definition(self, values: Record) -> Record:
        """Keeps ``txnDefinition`` and its successor ``txnDefinitionName`` the same, whichever was given."""
        if "txnDefinitionName" in values:
            name = values["txnDefinitionName"]
            definition = None if name is None else self._records.by_id(TXN_DEFINITION, name)
            if name is not None and definition is None:
                raise business_rule(f"There is no {TXN_DEFINITION} of that name", "/txnDefinitionName")
            key = definition and definition["key"]
            if values.get("txnDefinition", key) != key:
                raise business_rule("txnDefinition and txnDefinitionName differ", "/txnDefinitionName")
            return {"txnDefinition": key}
        if "txnDefinition" in values:
            key = values["txnDefinition"]
            definition = None if key is None else self._records.by_key(TXN_DEFINITION, key)
            return {"txnDefinitionName": definition and definition["id"]}
        return {}

    def _defaults(self) -> Record:
        members = self._kind.members.items()
        return {name: getattr(member, "default", None) for name, member in members if name not in {"key", "id", "href"}}

    def _audit(self, *, creating: bool) -> Record:
        if "audit.createdBy" not in self._kind.members:
            return {}
        user = self._records.by_id(USER, self._caller.username.partition("@")[0])
        now = self._clock().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        stamps: Record = {}
        for word in ("created", "modified") if creating else ("modified",):
            stamps[f"audit.{word}DateTime"] = now
            stamps[f"audit.{word}ByUser"] = stamps[f"audit.{word}By"] = user["key"] if user else None
        return stamps


def _answer(result: dict[str, Any]) -> dict[str, Any]:
    return {"ia::result": result, "ia::meta": _ONE}
