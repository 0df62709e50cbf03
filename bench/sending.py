"""What the ledger costs: statement runs against a bare loop over the same batches, a single send against the bare call.

``python -m bench.sending`` starts the emulators and a gateway with a ledger of its own in a new folder, interleaves the
rounds, and prints medians and ratios.
"""

import asyncio
import contextlib
import json
import os
import signal
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx

CUSTOMERS = 10_000
BATCH = 35
ROUNDS = 3
SINGLES = 40
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
        with process("serve", "--config", str(config), stdout=subprocess.DEVNULL) as server:
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
        begun = time.perf_counter()
        await statements.bare_loop(codes, f"2026010{number + 1}", "20260331")
        bare.append(time.perf_counter() - begun)
        runs.append(await gateway.run_statements(f"2026-02-0{number + 1}", "2026-03-31"))
    ratios = [run / loop for run, loop in zip(runs, bare, strict=True)]
    _, highest = gateway.memory()
    print(f"{len(codes)} statements in {-(-len(codes) // BATCH)} batches, {ROUNDS} rounds in turn")  # noqa: T201
    print(f"  bare loop    {statistics.median(bare):8.2f} s")  # noqa: T201
    print(f"  gateway      {statistics.median(runs):8.2f} s   {statistics.median(ratios):.2f} x (at most 3)")  # noqa: T201
    print(f"  memory       {highest - idle:8.1f} MB above idle (at most 150)")  # noqa: T201


async def measure_single(gateway: Gateway, access: dict[str, Any], folder: Path) -> None:
    """A single e-mail of a letter."""
    letters = await gateway.ask("{ letters(first: 200) { nodes { id nativeId state } } }")
    chosen = letters["letters"]["nodes"][: 2 * SINGLES]
    body = {"subject": "s", "body": "b", "recipients": [{"cc": False, "email": "a@b.example", "name": "A"}]}
    token = access["credentials"]["token"]
    bare: list[float] = []
    sends: list[float] = []
    for direct, through in zip(chosen[:SINGLES], chosen[SINGLES:], strict=True):
        url = f"{access['base_url']}/letter/email/id/{direct['nativeId']}/token/{token}"
        begun = time.perf_counter()
        async with httpx.AsyncClient(trust_env=False, verify=False) as fresh:  # noqa: S501 - loopback; a new connection
            (await fresh.post(url, data={"data": json.dumps(body)})).raise_for_status()
        bare.append(time.perf_counter() - begun)
        begun = time.perf_counter()
        await gateway.ask(
            'mutation($id: ID!) { emailDocument(input: {document: $id, subject: "s", body: "b", '
            'recipients: [{email: "a@b.example", name: "A"}]}) { dispatch { state } problems { message } } }',
            id=through["id"],
        )
        sends.append(time.perf_counter() - begun)
    commit = measure_commit(folder)
    call, send = statistics.median(bare), statistics.median(sends)
    print("one e-mail, medians")  # noqa: T201
    print(f"  bare call    {call * 1000:8.2f} ms")  # noqa: T201
    print(f"  commit       {commit * 1000:8.2f} ms (of a row, on the same disk)")  # noqa: T201
    ratio = (send - 2 * commit) / call
    print(f"  gateway      {send * 1000:8.2f} ms   {ratio:.2f} x the call, beside two commits (at most 1.5)")  # noqa: T201


def measure_commit(folder: Path) -> float:
    """The median time of a durable commit of one row, on the disk that the ledger is on."""
    connection = sqlite3.connect(folder / "commit.sqlite3", isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("CREATE TABLE rows (number INTEGER PRIMARY KEY, text TEXT)")
    times = []
    for number in range(SINGLES):
        begun = time.perf_counter()
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("INSERT INTO rows (text) VALUES (?)", (str(number) * 100,))
        connection.execute("COMMIT")
        times.append(time.perf_counter() - begun)
    connection.close()
    return statistics.median(times)


async def main() -> None:
    """Measures all."""
    print(f"{os.cpu_count()} processors, Python {sys.version.split()[0]}")  # noqa: T201
    async with stage() as (statements, gateway, access, folder):
        await measure_runs(statements, gateway)
        await measure_single(gateway, access, folder)


if __name__ == "__main__":
    asyncio.run(main())
