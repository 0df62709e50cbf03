"""Ledgers, and what a test has them say; and what the command says of them."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest

from adapters.contract import EmailStatements
from adapters.registry import load_vendors
from adapters.sandboxing import Sandbox
from gateway.__main__ import run
from gateway.connecting import utc_now
from gateway.dispatch.database import Database
from gateway.dispatch.ledger import Claim, Intent, Request, Settlement
from gateway.dispatch.preparing import asked_of
from gateway.dispatch.records import Dispatch, DispatchAction, DispatchItem, ItemState
from gateway.dispatch.sql_ledger import SqlLedger
from gateway.ids import Ref
from tests.dispatch.asking import NOW
from tests.gateway.postroom import logs_restored

T = TypeVar("T")
VENDOR = load_vendors()["kashflow"]
CUSTOMERS = ("10001", "10002", "10003")
"""Of the emulator's company, with e-mail addresses."""
FUTURE = timedelta(days=1)


NOBODY = "No gateway runs over this ledger now: what is QUEUED waits until one starts, or for `retry --wait`."


class Ledger:
    """A ledger, and what a test has it say."""

    def __init__(self, url: str) -> None:
        self.url = url

    def do(self, work: Callable[[SqlLedger], Awaitable[T]]) -> T:
        """Work on the ledger, from outside of any event loop."""

        async def opened() -> T:
            database = Database(self.url)
            try:
                return await work(SqlLedger(database))
            finally:
                await database.close()

        return asyncio.run(opened())

    def begin(self, *names: str, backend: str = "books", **given: Any) -> Dispatch:
        """A dispatch of statements to these customers, QUEUED."""
        intents = [
            Intent(
                target=Ref("Customer", backend, name),
                stable_id=name,
                fingerprint=f"{backend} {name} {given.get('requested_by')}",
                recipients=None,
            )
            for name in names
        ]
        values: dict[str, Any] = {
            "action": DispatchAction.EMAIL_STATEMENT,
            "mutation": "emailStatements",
            "requested_by": "alice",
            "at": NOW,
            "asked": asked_of(EmailStatements(customer_ids=(), all_invoices=True)),
            "input_hash": "input",
            "intents": intents,
        }
        return self.do(lambda ledger: ledger.begin(Request(**values | given))).dispatch

    def settle(self, dispatch: Dispatch, *states: ItemState, **said: Any) -> None:
        """Claims the first QUEUED items and settles them so."""

        async def claimed(ledger: SqlLedger) -> None:
            (backend,) = dispatch.backends
            claim = Claim(owner="north", at=utc_now(), until=utc_now() + FUTURE)
            items = await ledger.claim(dispatch.id, backend, first=len(states), claim=claim)
            settlements = [
                Settlement(number=item.number, attempt=item.attempt, state=state, **said)
                for item, state in zip(items, states, strict=True)
            ]
            await ledger.settle(settlements, at=NOW)

        self.do(claimed)

    def items(self, dispatch: Dispatch) -> Sequence[DispatchItem]:
        """The dispatch's items."""
        return self.do(lambda ledger: ledger.items(dispatch.id, first=1000))

    def states(self, dispatch: Dispatch) -> list[str]:
        """How the items stand."""
        return [item.state.value for item in self.items(dispatch)]


class Said:
    """What `postroom dispatches` says in a folder with a configuration."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def to(self, *arguments: object) -> tuple[int, str, str]:
        """The exit code, standard output and standard error."""
        with logs_restored():
            code = run(["dispatches", *map(str, arguments)])
        output, errors = self._capsys.readouterr()
        return code, output, errors

    def lines(self, *arguments: object) -> list[str]:
        """The output of a command that does what it is told."""
        code, output, errors = self.to(*arguments)
        assert (code, errors) == (0, "")
        return output.splitlines()

    def json(self, *arguments: object) -> Any:
        """The same, of one that prints JSON."""
        return json.loads("\n".join(self.lines(*arguments)))


def configure(folder: Path, ledger_url: str, emulator: Sandbox | None = None, base_url: str = "") -> None:
    """Writes a configuration with one backend; without an emulator nothing is where it is said to be."""
    names = ("username", "password", "memorable_word")
    credentials = dict.fromkeys(names, "unused") if emulator is None else emulator.access.credentials
    written = "\n".join(f"{name} = {json.dumps(value)}" for name, value in credentials.items())
    (folder / "postroom.toml").write_text(
        f"[ledger]\nurl = {json.dumps(ledger_url)}\n[[backends]]\nkey = 'books'\nvendor = 'kashflow'\n"
        f"base_url = '{base_url or 'http://127.0.0.1:1/v2'}'\n[backends.credentials]\n{written}\n"
    )
