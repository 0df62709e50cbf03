"""What the ledger costs: statement runs against a bare loop over the same batches, a single send against the bare call.

``python -m bench.sending`` starts the emulators and a gateway with a ledger of its own in a new folder, interleaves the
rounds, and prints medians and ratios. ``python -m bench.sending single`` (or ``runs``) measures the one alone.
"""

import asyncio
import contextlib
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import httpx

from adapters.contract import EmailDocument, Recipient
from gateway.dispatch.database import Database
from gateway.dispatch.ledger import Claim, Request, Settlement
from gateway.dispatch.migrating import migrate
from gateway.dispatch.orders import document_intents
from gateway.dispatch.records import DispatchAction, ItemState
from gateway.dispatch.sql_ledger import SqlLedger
from gateway.ids import Ref

CUSTOMERS = 10_000
BATCH = 35
ROUNDS = 3
SINGLES = 200
WARMING = 20
CONFIG = """
[server]
port = {port}

[ledger]
url = "sqlite:///{folder}/ledger.sqlite3"

[[backends]]
key = "statements"
vendor = "kashflow"
base_url = "{statements[base_url]}"
credentials = {{ username = "{statements[credentials][username]}", password = "{statements[credentials][password]}", \
memorable_word = "{statements[credentials][memorable_word]}" }}

[[backends]]
key = "letters"
vendor = "smallinvoice"
base_url = "{letters[base_url]}"
credentials = {{ token = "{letters[credentials][token]}" }}
"""


@contextlib.contextmanager
def process(*arguments: str, **options: Any) -> Iterator["subprocess.Popen[str]"]:
    """A postroom process, ended by SIGTERM."""
    child = subprocess.Popen([sys.executable, "-m", "gateway", *arguments], text=True, **options)  # noqa: S603
    try:
        yield child
    finally:
        child.send_signal(signal.SIGTERM)
        child.wait()


def free_port() -> int:
    """A port that is free now."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


class Statements:
    """The vendor of statements, asked directly."""

    def __init__(self, access: dict[str, Any], client: httpx.AsyncClient) -> None:
        self.url = access["base_url"]
        self._access = access["credentials"]
        self._client = client
        self._headers: dict[str, str] = {}

    async def sign_in(self) -> None:
        """Two steps: the name and password, then three letters of the memorable word."""
        name = {"UserName": self._access["username"], "Password": self._access["password"]}
        asked = (await self._client.post(f"{self.url}/sessiontoken", json=name)).json()
        word = self._access["memorable_word"]
        letters = [{"Position": p, "Value": word[p - 1]} for p in (e["Position"] for e in asked["MemorableWordList"])]
        answer = {"TemporaryToken": asked["TemporaryToken"], "MemorableWordList": letters, "KeepUserLoggedIn": False}
        token = (await self._client.put(f"{self.url}/sessiontoken", json=answer)).json()["SessionToken"]
        self._headers = {"Authorization": f"KfToken {token}"}

    async def codes(self) -> list[str]:
        """All customers' codes."""
        found: list[str] = []
        for page in range(1, 1 + -(-CUSTOMERS // 100) + 1):
            url = f"{self.url}/customers?page={page}&perpage=100&sortby=Code&order=Asc"
            found += [row["Code"] for row in (await self._client.get(url, headers=self._headers)).json()["Data"]]
        return found

    async def fill(self) -> None:
        """Makes customers until there are enough."""
        missing = CUSTOMERS - len(await self.codes())
        for number in range(missing):
            person = {"IsPrimary": True, "Name": "", "FirstName": "", "LastName": "", "Email": f"a{number}@c.example"}
            customer = {"Code": f"B{number:05}", "Name": f"Customer {number}", "Contacts": [{"Email": person["Email"]}]}
            answer = await self._client.post(f"{self.url}/customers", json=customer, headers=self._headers)
            answer.raise_for_status()

    async def bare_loop(self, codes: list[str], start: str, end: str) -> None:
        """Posts the same batches, one after another, believing every answer."""
        url = f"{self.url}/customerstatements/bulk/email?startdate={start}&enddate={end}"
        for begin in range(0, len(codes), BATCH):
            answer = await self._client.post(url, json=codes[begin : begin + BATCH], headers=self._headers)
            answer.raise_for_status()


class Gateway:
    """The gateway, asked by GraphQL."""

    def __init__(self, port: int, pid: int, client: httpx.AsyncClient) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self._pid = pid
        self._client = client

    async def ready(self) -> None:
        """Waits until it listens."""
        for _ in range(300):
            with contextlib.suppress(httpx.TransportError):
                await self._client.get(f"{self.url}/healthz")
                return
            await asyncio.sleep(0.1)
        raise TimeoutError("the gateway does not listen")

    async def ask(self, query: str, **variables: Any) -> Any:
        """The answer's data; raises when there are errors or problems."""
        body = {"query": query, "variables": variables}
        answer = (await self._client.post(f"{self.url}/graphql", json=body)).json()
        if answer.get("errors"):
            raise RuntimeError(answer["errors"])
        return answer["data"]

    async def run_statements(self, start: str, end: str) -> float:
        """Seconds from asking until the last item is settled."""
        begun = time.perf_counter()
        sent = await self.ask(
            'mutation($f: Date, $t: Date) { emailStatements(input: {backend: "statements", from: $f, to: $t}) '
            "{ dispatch { id } problems { message } } }",
            f=start,
            t=end,
        )
        dispatch = sent["emailStatements"]["dispatch"]["id"]
        while True:
            found = await self.ask("query($id: ID!) { dispatch(id: $id) { finishedAt } }", id=dispatch)
            if found["dispatch"]["finishedAt"]:
                return time.perf_counter() - begun
            await asyncio.sleep(0.05)

    async def send(self, letter: str, address: str) -> None:
        """E-mails a letter."""
        await self.ask(
            "mutation($id: ID!, $to: [RecipientInput!]) { emailDocument(input: {document: $id, "
            'subject: "s", body: "b", recipients: $to}) { dispatch { state } problems { message } } }',
            id=letter,
            to=[{"email": address, "name": "A"}],
        )

    async def commits(self) -> tuple[int, float]:
        """How many transactions of the ledger have written so far, and their seconds."""
        text = (await self._client.get(f"{self.url}/metrics")).text
        rows = dict(line.rsplit(" ", 1) for line in text.splitlines())
        count, seconds = (
            float(rows[f'postroom_ledger_transaction_seconds_{what}{{kind="write",outcome="done"}}'])
            for what in ("count", "sum")
        )
        return int(count), seconds

    def memory(self) -> tuple[float, float]:
        """Resident memory now and at its highest, in MB."""
        status = Path(f"/proc/{self._pid}/status").read_text(encoding="ascii")
        kib = {line.split(":")[0]: line.split()[1] for line in status.splitlines() if line.startswith("Vm")}
        return int(kib["VmRSS"]) / 1024, int(kib["VmHWM"]) / 1024


@contextlib.asynccontextmanager
async def stage() -> AsyncIterator[tuple[Statements, Gateway, dict[str, Any], Path]]:
    """Emulators and a gateway, each a process of its own."""
    with tempfile.TemporaryDirectory() as folder, process("sandbox", "--json", stdout=subprocess.PIPE) as emulators:
        assert emulators.stdout is not None  # noqa: S101 - a pipe
        access = json.loads(emulators.stdout.readline())
        port = free_port()
        config = Path(folder) / "postroom.toml"
        named = {"statements": access["kashflow"], "letters": access["smallinvoice"]}
        config.write_text(CONFIG.format(port=port, folder=folder, **named), encoding="utf-8")
        said = (Path(folder) / "log").open("w", encoding="utf-8")  # as where it is served: to a file, not a terminal
        with said, process("serve", "--config", str(config), stdout=said, stderr=said) as server:
            async with httpx.AsyncClient(timeout=120, trust_env=False) as client:
                statements = Statements(access["kashflow"], client)
                gateway = Gateway(port, server.pid, client)
                await gateway.ready()
                yield statements, gateway, access["smallinvoice"], Path(folder)


async def measure_runs(statements: Statements, gateway: Gateway) -> None:
    """Ten thousand statements."""
    await statements.sign_in()
    await statements.fill()
    codes = await statements.codes()
    idle, _ = gateway.memory()
    bare: list[float] = []
    runs: list[float] = []
    for number in range(ROUNDS):
        day = number + 1
        if number % 2:  # now the one first, now the other
            runs.append(await gateway.run_statements(f"2026-02-0{day}", "2026-03-31"))
        bare.append(await timed(statements.bare_loop(codes, f"2026010{day}", "20260331")))
        if not number % 2:
            runs.append(await gateway.run_statements(f"2026-02-0{day}", "2026-03-31"))
    ratios = [run / loop for run, loop in zip(runs, bare, strict=True)]
    _, highest = gateway.memory()
    print(f"{len(codes)} statements in {-(-len(codes) // BATCH)} batches, {ROUNDS} rounds in turn")  # noqa: T201
    print(f"  bare loop    {statistics.median(bare):8.2f} s")  # noqa: T201
    print(f"  gateway      {statistics.median(runs):8.2f} s   {statistics.median(ratios):.2f} x (at most 3)")  # noqa: T201
    print(f"  memory       {highest - idle:8.1f} MB above idle (at most 150)")  # noqa: T201


async def measure_single(gateway: Gateway, access: dict[str, Any], folder: Path) -> None:
    """A single e-mail of a letter: what it costs beside the bare call and the two commits of the ledger.

    The bare call is the vendor's request posted by httpx to the same emulator on a connection of its own, as the
    gateway opens one for each write; its client is kept, as the gateway's is. (A new client each time is printed too.)
    The commits are the ledger's, in a database of their own on the same disk: from asking for the claim, and for the
    settling, until each is committed.
    """
    letters = await gateway.ask("{ letters(first: 200) { nodes { id nativeId } } }")
    chosen = letters["letters"]["nodes"]
    url = f"{access['base_url']}/letter/email/id/{{}}/token/{access['credentials']['token']}"
    times: dict[str, list[float]] = {name: [] for name in ("call", "new client", "commits", "send")}
    committed: list[tuple[int, float]] = []
    unkept = httpx.Limits(max_keepalive_connections=0)
    async with httpx.AsyncClient(trust_env=False, limits=unkept) as client, LedgerAlone.opened(folder) as ledger:
        for number in range(WARMING + SINGLES):
            letter, address = chosen[number % len(chosen)], f"a{number}@b.example"
            target, form = url.format(letter["nativeId"]), letter_form(address)
            works: dict[str, Callable[[], Awaitable[None]]] = {
                "call": partial(post, client, target, form),
                "new client": partial(post_by_new_client, target, form),
                "commits": partial(ledger.claim_and_settle, letter["nativeId"], address),
                "send": partial(gateway.send, letter["id"], address),
            }
            first = number % len(works)
            count, seconds = await gateway.commits()
            for name in (*list(works)[first:], *list(works)[:first]):  # so that none always has another's wake
                times[name].append(await timed(works[name]()))
            now = await gateway.commits()
            committed.append((now[0] - count, now[1] - seconds))
    # Medians: of some sends the gateway's upkeep is among the commits.
    commits_each, own = (statistics.median(of) for of in zip(*committed[WARMING:], strict=True))
    call, new, commits, send = (1000 * statistics.median(of[WARMING:]) for of in times.values())
    told = (
        f"one e-mail, medians of {SINGLES} rounds in turn",
        f"  bare call    {call:8.2f} ms (on a new connection; with a new client too: {new:.2f})",
        f"  commits      {commits:8.2f} ms for the claim and the settling; {commits_each:g} each e-mail (at most 2)",
        f"  gateway      {send:8.2f} ms (at most 1.5 calls + commits: {1.5 * call + commits:.2f})",
        f"               {(send - commits) / call:8.2f} x the call, beside the commits (at most 1.5)",
        f"               {1000 * own:8.2f} ms of it in the ledger's transactions (like the commits, on a quiet disk)",
    )
    print("\n".join(told))  # noqa: T201


class LedgerAlone:
    """The ledger as a single send uses it, with nothing around it."""

    def __init__(self, ledger: SqlLedger) -> None:
        self._ledger = ledger

    @staticmethod
    @contextlib.asynccontextmanager
    async def opened(folder: Path) -> AsyncIterator["LedgerAlone"]:
        """One in a new database in this folder."""
        database = Database(f"sqlite:///{folder}/alone.sqlite3")
        await migrate(database)
        yield LedgerAlone(SqlLedger(database))
        await database.close()

    async def claim_and_settle(self, native_id: str, address: str) -> None:
        """Two commits."""
        at = datetime.now(UTC)
        (intent,) = document_intents(
            DispatchAction.EMAIL,
            EmailDocument(native_id="", recipients=(Recipient(email=address, name="A"),), subject="s", body="b"),
            [Ref("Letter", "letters", native_id)],
        )
        request = Request(
            action=DispatchAction.EMAIL,
            mutation="emailDocument",
            requested_by="local",
            at=at,
            asked={"subject": "s", "body": "b", "recipients": [{"email": address, "name": "A"}]},
            input_hash="0" * 64,
            intents=[intent],
            claim=Claim(owner="bench", at=at, until=at + timedelta(minutes=1)),
            strict=True,
        )
        (item,) = (await self._ledger.begin(request)).items
        done = Settlement(number=item.number, attempt=item.attempt, state=ItemState.ACCEPTED)
        await self._ledger.settle([done], at=at)


def letter_form(address: str) -> dict[str, str]:
    """The vendor's request for an e-mail of a letter."""
    recipients = [{"cc": False, "email": address, "name": "A"}]
    return {"data": json.dumps({"subject": "s", "body": "b", "recipients": recipients})}


async def post(client: httpx.AsyncClient, url: str, form: dict[str, str]) -> None:
    """The bare call."""
    (await client.post(url, data=form)).raise_for_status()


async def post_by_new_client(url: str, form: dict[str, str]) -> None:
    """The bare call by a client of its own."""
    async with httpx.AsyncClient(trust_env=False, verify=False) as client:  # noqa: S501 - loopback, without TLS
        await post(client, url, form)


async def timed(work: Awaitable[None]) -> float:
    """Seconds that something takes."""
    begun = time.perf_counter()
    await work
    return time.perf_counter() - begun


async def main() -> None:
    """Measures all."""
    print(f"{os.cpu_count()} processors, Python {sys.version.split()[0]}")  # noqa: T201
    only = sys.argv[1:] or ["runs", "single"]
    async with stage() as (statements, gateway, access, folder):
        if "single" in only:
            await measure_single(gateway, access, folder)
        if "runs" in only:
            await measure_runs(statements, gateway)


if __name__ == "__main__":
    asyncio.run(main())
