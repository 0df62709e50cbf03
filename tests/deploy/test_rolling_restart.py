"""The compose file's topology without containers: two gateways over PostgreSQL and Redis behind the balancer."""

import contextlib
import os
import re
import subprocess
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import httpx

from tests.deploy.tools import DEPLOY, program
from tests.faults.gateway_process import gateway
from tests.faults.vendors import Vendors, running_vendors
from tests.faults.waiting import until
from tests.patience import PATIENCE
from tests.ports import reserved_ports
from tests.redis_server import RedisServer

QUERY = "{ customers(first: 2) { nodes { name } problems { code } } }"
ROUNDS = 1
ASKING = 4
MORE = 25
LEAVE_SECONDS = 4
KILLED_AFTER = 30


@contextlib.contextmanager
def balanced(port: int, gateways: list[int], folder: Path) -> Iterator[str]:
    """The balancer as `deploy/Caddyfile` configures it, in front of these ports."""
    upstreams = " ".join(f"127.0.0.1:{one}" for one in gateways)
    environment = os.environ | {"LISTEN": f"http://127.0.0.1:{port}", "UPSTREAMS": upstreams, "HOME": str(folder)}
    command = [str(program("caddy")), "run", "--adapter", "caddyfile", "--config", str(DEPLOY / "Caddyfile")]
    with (folder / "caddy.log").open("w") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)  # noqa: S603 - the machine's own
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


class Asking:
    """Asks one query after another, until it is over; counts the answers."""

    def __init__(self, address: str) -> None:
        self._url = f"{address}/graphql"
        self._over = threading.Event()
        self.answers: Counter[str] = Counter()
        self._threads = [threading.Thread(target=self._ask) for _ in range(ASKING)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def goes_on(self) -> None:
        """Waits until each has had some answers more: the balancer has looked at both gateways by then."""
        enough = self.answers.total() + MORE * ASKING
        until(lambda: self.answers.total() > enough, lambda: str(self.answers))

    def _ask(self) -> None:
        with httpx.Client(trust_env=False, timeout=PATIENCE) as client:
            while not self._over.is_set():
                self.answers[self._answer(client)] += 1

    def _answer(self, client: httpx.Client) -> str:
        try:
            answer = client.post(self._url, json={"query": QUERY})
        except httpx.TransportError as error:
            return repr(error)
        well = answer.status_code == 200 and answer.json() == {
            "data": {"customers": {"nodes": answer.json()["data"]["customers"]["nodes"], "problems": []}}
        }
        return "well" if well else answer.text


def configuration(vendors: Vendors, folder: Path, port: int, ledger: str, redis: str) -> Path:
    path = vendors.write_configuration(folder / f"{port}.toml", ledger, timeout=30, limits={"concurrency": 8})
    server = f'[redis]\nurl = "{redis}"\n[server]\nport = {port}\nleave_seconds = {LEAVE_SECONDS}'
    path.write_text(re.sub(r"\[server\]\nport = 0", server, path.read_text()))
    return path


def answers(url: str) -> bool:
    with contextlib.suppress(httpx.TransportError):
        return httpx.get(url, trust_env=False, timeout=PATIENCE).status_code == 200
    return False


def test_no_request_fails_while_one_gateway_after_the_other_is_restarted(
    postgresql_url: str, redis_server: RedisServer, tmp_path: Path
) -> None:
    with running_vendors("letters") as vendors, contextlib.ExitStack() as stack:
        port, *ports = stack.enter_context(reserved_ports(3))
        paths = [configuration(vendors, tmp_path, one, postgresql_url, redis_server.url) for one in ports]
        running = [stack.enter_context(gateway(path)) for path in paths]
        address = stack.enter_context(balanced(port, ports, tmp_path))
        until(lambda: answers(f"{address}/"), "the balancer")
        with Asking(address) as asking:
            for turn in range(ROUNDS * 2):
                asking.goes_on()
                assert running[turn % 2].terminate(within=KILLED_AFTER) == 0
                running[turn % 2] = stack.enter_context(gateway(paths[turn % 2]))
                asking.goes_on()

    assert set(asking.answers) == {"well"}, asking.answers
