"""The letter actions: list, get, pdf, preview, add, edit, delete, email, post, status."""

import sqlite3
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from msgspec import UNSET, UnsetType
from starlette.responses import Response

from adapters import sandbox_paper
from adapters.sandbox_company import COMPANY_NAME
from adapters.sandboxing import SandboxState
from adapters.smallinvoice.sandbox_fields import (
    LenientRecipient,
    LetterChange,
    ListPairs,
    Mail,
    NewLetter,
    NoFields,
    OnePairs,
    Post,
    PreviewPairs,
    Recipient,
    StatusChange,
    given,
)
from adapters.smallinvoice.sandbox_store import Source, fetch, list_page
from adapters.smallinvoice.sandbox_wire import Call, Code, RefusedError, answer, no_access

__all__ = ["Letters"]

STATUS_NAMES = {1: "Sent / Open", 7: "Draft"}
"""The whole list of the page on the letter object."""
DRAFT = 7

SOURCE = Source(
    table="letter",
    columns=(
        "id",
        "client_id",
        "client_name",
        "client_address_id",
        "client_contact_id",
        "date",
        "title",
        "status",
        "pages",
    ),
    # The page offers due and number too, and letters have neither.
    sorts={"date": "date", "due": "id", "number": "id"},
    default_sort="date",
)


class Letters:
    """The letters of a store. ``with_client_name`` adds the field that is in the object's table but in no example."""

    def __init__(self, store: sqlite3.Connection, state: SandboxState, *, with_client_name: bool) -> None:
        self._store = store
        self._state = state
        self._with_client_name = with_client_name

    def actions(self) -> Mapping[str, Callable[[Call], Response]]:
        """Each action by its name in the path."""
        return {
            "list": self._list,
            "get": self._get,
            "pdf": self._pdf,
            "preview": self._preview,
            "add": self._add,
            "edit": self._edit,
            "delete": self._delete,
            "email": self._email,
            "post": self._post,
            "status": self._status,
        }

    def _list(self, call: Call) -> Response:
        pairs = call.read_pairs(ListPairs)
        call.read_data(NoFields)
        envelope, letters = list_page(self._store, SOURCE, pairs)
        return answer(**envelope, items=[self._shown(letter) for letter in letters])

    def _get(self, call: Call) -> Response:
        letter = self._one(call.read_pairs(OnePairs).id)
        call.read_data(NoFields)
        return answer(item=self._shown(letter))

    def _pdf(self, call: Call) -> Response:
        letter = self._one(call.read_pairs(OnePairs).id)
        call.read_data(NoFields)
        content = sandbox_paper.pdf(letter["title"], self._lines(letter), pages=letter["pages"])
        return Response(content, media_type="application/pdf")

    def _preview(self, call: Call) -> Response:
        pairs = call.read_pairs(PreviewPairs)
        letter = self._one(pairs.id)
        call.read_data(NoFields)
        if pairs.page > letter["pages"]:
            raise RefusedError(Code.NO_SUCH_PAGE, f"The letter has {letter['pages']} page(s)")
        content = sandbox_paper.page_png(letter["title"], self._lines(letter), page=pairs.page, width=pairs.size)
        return Response(content, media_type="image/png")

    def _add(self, call: Call) -> Response:
        call.read_pairs(NoFields)
        new = call.read_data(NewLetter)
        _check_date(new.date)
        name = self._client_name(new.client_id, new.client_address_id, new.client_contact_id)
        with self._store:
            cursor = self._store.execute(
                "INSERT INTO letter (client_id, client_name, client_address_id, client_contact_id, date, title, status,"
                " pages) VALUES (?, ?, ?, ?, ?, ?, ?, 1)",
                (new.client_id, name, new.client_address_id, new.client_contact_id, new.date, new.title, DRAFT),
            )
        self._state.changed()
        return answer(id=cursor.lastrowid)

    def _edit(self, call: Call) -> Response:
        letter = self._one(call.read_pairs(OnePairs).id)
        changes = given(call.read_data(LetterChange))
        if not changes:
            raise RefusedError(Code.BAD_PARAMETER, "Nothing to change")
        if "date" in changes:
            _check_date(changes["date"])
        changed = letter | changes
        if changes.keys() & {"client_id", "client_address_id", "client_contact_id"}:
            changed["client_name"] = self._client_name(
                changed["client_id"], changed["client_address_id"], changed["client_contact_id"]
            )
        with self._store:
            self._store.execute(
                "UPDATE letter SET client_id = :client_id, client_name = :client_name, client_address_id ="
                " :client_address_id, client_contact_id = :client_contact_id, date = :date, title = :title"
                " WHERE id = :id",
                changed,
            )
        self._state.changed()
        return answer()

    def _delete(self, call: Call) -> Response:
        letter = self._one(call.read_pairs(OnePairs).id)
        call.read_data(NoFields)
        with self._store:
            self._store.execute("DELETE FROM letter WHERE id = :id", letter)
        self._state.changed()
        return answer()

    def _email(self, call: Call) -> Response:
        letter = self._one(call.read_pairs(OnePairs).id)
        mail = call.read_data(Mail)
        kind = LenientRecipient if call.lenient else Recipient
        recipients = [call.read_item(recipient, kind) for recipient in mail.recipients]
        _check_status(mail.afterstatus)
        self._state.mail(
            "email",
            record=str(letter["id"]),
            recipients=tuple(recipient.email for recipient in recipients),
            subject=mail.subject,
            body=mail.body,
            cc=[recipient.email for recipient in recipients if recipient.cc],
            names=[recipient.name for recipient in recipients],
        )
        self._set_status(letter, mail.afterstatus)
        return answer()

    def _post(self, call: Call) -> Response:
        letter = self._one(call.read_pairs(OnePairs).id)
        post = call.read_data(Post)
        _check_status(post.afterstatus)
        self._state.mail(
            "post",
            record=str(letter["id"]),
            subject=letter["title"],
            address=self._address_lines(letter),
            speed=post.speed,
            color=post.color,
        )
        self._set_status(letter, post.afterstatus)
        return answer()

    def _status(self, call: Call) -> Response:
        letter = self._one(call.read_pairs(OnePairs).id)
        status = call.read_data(StatusChange).status
        _check_status(status)
        self._set_status(letter, status)
        return answer()

    def _one(self, id: str) -> dict[str, Any]:
        letter = fetch(self._store, SOURCE, id)
        if letter is None:
            raise no_access()
        return letter

    def _shown(self, letter: dict[str, Any]) -> dict[str, Any]:
        if not self._with_client_name:
            del letter["client_name"]
        return letter

    def _set_status(self, letter: Mapping[str, Any], status: int | UnsetType) -> None:
        if status is UNSET or status == letter["status"]:
            return
        with self._store:
            self._store.execute("UPDATE letter SET status = ? WHERE id = ?", (status, letter["id"]))
        self._state.changed()

    def _client_name(self, client_id: int, address_id: int, contact_id: int) -> str:
        """The client's name, once the address and the contact are found to be the client's."""
        client = self._store.execute("SELECT name FROM client WHERE id = ? AND NOT deleted", (client_id,)).fetchone()
        if client is None:
            raise no_access()
        address = self._store.execute("SELECT 1 FROM address WHERE id = ? AND client_id = ?", (address_id, client_id))
        if address.fetchone() is None:
            raise RefusedError(Code.NOT_THE_CLIENTS, "`client_address_id` is not an address of the client")
        contact = self._store.execute("SELECT 1 FROM contact WHERE id = ? AND client_id = ?", (contact_id, client_id))
        if contact_id != 0 and contact.fetchone() is None:
            raise RefusedError(Code.NOT_THE_CLIENTS, "`client_contact_id` is not a contact of the client")
        return str(client[0])

    def _lines(self, letter: Mapping[str, Any]) -> list[str]:
        return [COMPANY_NAME, "", *self._address_lines(letter), "", letter["date"], STATUS_NAMES[letter["status"]]]

    def _address_lines(self, letter: Mapping[str, Any]) -> list[str]:
        """The envelope's window. A deleted client's addresses stay for the letters that it still has."""
        street, streetno, street2, code, city, country = self._store.execute(
            "SELECT street, streetno, street2, code, city, country FROM address WHERE id = ?",
            (letter["client_address_id"],),
        ).fetchone()
        lines = [letter["client_name"], f"{street} {streetno}", street2, f"{code} {city}", country]
        return [line.strip() for line in lines if line.strip()]


def _check_date(text: str) -> None:
    try:
        good = date.fromisoformat(text).isoformat() == text
    except ValueError:
        good = False
    if not good:
        raise RefusedError(Code.BAD_PARAMETER, "`date` is not a date as in 2013-02-25")


def _check_status(status: int | UnsetType) -> None:
    if status is not UNSET and status not in STATUS_NAMES:
        raise RefusedError(Code.NO_SUCH_STATUS, "A letter's status is 1 or 7")
