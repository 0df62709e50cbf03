"""A gateway as a process of its own: asked, killed, stopped, woken and told to go."""

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx

from tests.faults.waiting import until
from tests.patience import PATIENCE

__all__ = ["GatewayProcess", "gateway"]

ROOT = Path(__file__).parents[2]
_LISTENS = re.compile(r"Open (http://\S+)")

DISPATCH = "dispatch { id state counts { total queued sending accepted failed unknown skipped cancelled } }"
PAYLOAD = "{ problems { code message } replayed " + DISPATCH + " }"


class GatewayProcess:
    """``python -m gateway serve`` over a configuration."""

    def __init__(self, configuration: Path, *seam: str) -> None:
        command = ["-m", "tests.faults.seams", *seam] if seam else ["-m", "gateway"]
        self._said: list[str] = []
        environment = {name: text for name, text in os.environ.items() if not name.startswith("POSTROOM_")}
        self._process = subprocess.Popen(  # noqa: S603 - this very project
            [sys.executable, *command, "serve", "--config", str(configuration)],
            cwd=ROOT,
            env=environment | {"PYTHONUNBUFFERED": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,  # no file: what it says must not count against a full disk
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()
        self._url = ""

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._process.pid

    @property
    def url(self) -> str:
        """Where it listens: ``http://127.0.0.1:PORT``."""
        return self._url.removesuffix("/graphql")

    def _listen(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as output:
            for line in output:
                self._said.append(line)

    def listens(self) -> "GatewayProcess":
        """Waits until it answers."""
        until(lambda: self._ended() or _LISTENS.search(self.log()), lambda: f"a start; {self.log()}")
        found = _LISTENS.search(self.log())
        assert found is not None, self.log()
        self._url = found[1]
        return self

    def address(self, path: str) -> str:
        """Where it answers to a path."""
        return self._url.removesuffix("/graphql") + path

    def log(self) -> str:
        """All that it has said."""
        return "".join(self._said)

    def ask(self, query: str, **variables: Any) -> Any:
        """The data of an answer without errors."""
        body = {"query": query, "variables": variables}
        answer = httpx.post(self._url, json=body, timeout=PATIENCE, trust_env=False).json()
        assert "errors" not in answer, answer
        return answer["data"]

    def send(self, mutation: str, input: dict[str, Any]) -> Any:
        """The payload of a mutation that sends."""
        kind = f"{mutation[0].upper()}{mutation[1:]}Input!"
        data = self.ask(f"mutation ($input: {kind}) {{ {mutation}(input: $input) {PAYLOAD} }}", input=input)
        return data[mutation]

    def hang_up(self, mutation: str, input: dict[str, Any], *, when: Callable[[], object]) -> None:
        """Asks, and leaves without an answer when something has happened."""
        kind = f"{mutation[0].upper()}{mutation[1:]}Input!"
        query = f"mutation ($input: {kind}) {{ {mutation}(input: $input) {PAYLOAD} }}"
        body = json.dumps({"query": query, "variables": {"input": input}}).encode()
        url = httpx.URL(self._url)
        head = f"POST {url.path} HTTP/1.1\r\nHost: {url.host}\r\nContent-Type: application/json\r\n"
        with socket.create_connection((url.host, url.port or 80)) as caller:
            caller.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
            until(when, lambda: f"what the caller waits for; {self.log()}")

    def leave_unanswered(self, mutation: str, input: dict[str, Any]) -> None:
        """Asks a gateway that may die before it answers."""
        with contextlib.suppress(httpx.TransportError):
            self.send(mutation, input)

    def newest(self) -> Any:
        """The newest dispatch, or None."""
        nodes = self.ask(f"{{ dispatches(first: 1) {{ nodes {DISPATCH.removeprefix('dispatch ')} }} }}")
        return next(iter(nodes["dispatches"]["nodes"]), None)

    def dispatch(self, dispatch_id: str) -> Any:
        """A dispatch as it stands."""
        return self.ask(
            f"query ($id: ID!) {{ {DISPATCH.replace('dispatch', 'dispatch(id: $id)', 1)} }}", id=dispatch_id
        )["dispatch"]

    def ends(self, dispatch_id: str) -> None:
        """Waits until none of a dispatch's items is pending."""

        def ended() -> bool:
            counts = self.dispatch(dispatch_id)["counts"]
            return bool(counts["queued"] + counts["sending"] == 0)

        until(ended, lambda: f"the run's end: {self.dispatch(dispatch_id)}; {self.log()}")

    def kill(self) -> None:
        """Ends it at once, as kill -9 and power cuts do."""
        self._process.kill()
        self._process.wait()
        self._listener.join()

    def gone(self) -> None:
        """Waits until it has ended by itself."""
        until(self._ended, lambda: f"its end; {self.log()}")

    def stopped(self) -> None:
        """Waits until it has stopped itself."""
        until(lambda: "State:\tT" in Path(f"/proc/{self.pid}/status").read_text(), lambda: f"a stop; {self.log()}")

    def pause(self) -> None:
        """Stops it where it stands."""
        self._process.send_signal(signal.SIGSTOP)

    def wake(self) -> None:
        """Lets it go on."""
        self._process.send_signal(signal.SIGCONT)

    def signalled(self, number: int) -> None:
        """Sends it a signal."""
        self._process.send_signal(number)

    def terminate(self, *, within: float) -> int:
        """Tells it to go; its exit code. Fails when it has not gone in time."""
        self.signalled(signal.SIGTERM)
        return self.ends_with(within=within)

    def ends_with(self, *, within: float) -> int:
        """Waits for its end; its exit code. Fails when it has not gone in time."""
        until(self._ended, lambda: f"its end; {self.log()}", seconds=within)
        return self._process.wait()

    def _ended(self) -> bool:
        return self._process.poll() is not None


@contextlib.contextmanager
def gateway(configuration: Path, *seam: str, ready: bool = True) -> Iterator[GatewayProcess]:
    """A gateway, ready to answer, and gone at the end. ``seam`` is where it dies or stops by itself, see `seams`."""
    process = GatewayProcess(configuration, *seam)
    try:
        yield process.listens() if ready else process
    finally:
        process.kill()
