"""Who is measured, and how each is started: Postroom with everything on, and the others over the same REST."""

import contextlib
import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from bench import tailcall, workloads
from bench.processes import GATEWAY_CORE, START_SECONDS, Process, python, started
from bench.standin import TOKEN

__all__ = ["ALL", "HAND_WRITTEN", "LONG_POSTROOM", "POSTROOM", "Command", "Contender", "Package", "Running"]
__all__ += ["left_out", "settings"]

NPM = Path(__file__).parent / "npm"
HIVE_NPM = NPM.with_name("npm-hive")
HOT_SECONDS = 60
"""How long answers are kept of those backends whose answers are."""


Command = Callable[[Path, int, Mapping[str, str]], list[str]]
"""What starts a contender, given a folder, a port and the backends' URLs."""


class Package(Struct, frozen=True):
    """A package from npm, and the folder of ours that it is installed in."""

    name: str
    folder: Path = NPM

    @property
    def manifest(self) -> Path:
        """Where it says of itself what it is, if it is installed."""
        return self.folder / "node_modules" / self.name / "package.json"


class Dialect(Struct, frozen=True):
    """How a contender is asked that cannot be asked as the others are, and how its answer is read.

    ``headers`` are given the variables, and the path at the stand-in of each backend.
    """

    document: Callable[[str], str]
    headers: Callable[[Mapping[str, Any], Mapping[str, str]], Mapping[str, str]]
    answer: Callable[[Any], Any]


class Contender(Struct, frozen=True, kw_only=True):
    """One way to answer the workloads. It may lack W7 or W8."""

    name: str
    title: str
    command: Command
    environment: Mapping[str, str] = {}
    path: str = "/graphql"
    npm: Package | None = None
    dialect: Dialect | None = None
    lacks: Sequence[str] = ()


class Running(Struct, frozen=True):
    """A contender that listens."""

    contender: Contender
    process: Process
    port: int
    places: Mapping[str, str] = {}
    """Each backend's path at the stand-in, without the slash."""

    @classmethod
    @contextlib.contextmanager
    def of(cls, contender: Contender, urls: Mapping[str, str]) -> Iterator["Running"]:
        """Starts it, and waits until it listens."""
        port = _free_port()
        with tempfile.TemporaryDirectory() as folder:
            command = contender.command(Path(folder), port, urls)
            environment = {**_environment(urls), **contender.environment}
            with started(GATEWAY_CORE, command, environment) as process:
                _wait_for(port)
                yield cls(contender, process, port, {key: urlsplit(url).path[1:] for key, url in urls.items()})


def _environment(urls: Mapping[str, str]) -> dict[str, str]:
    return {"BENCH_BACKENDS": json.dumps(urls), "BENCH_TOKEN": TOKEN}


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def _wait_for(port: int) -> None:
    for _ in range(START_SECONDS * 10):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return
        time.sleep(0.1)
    raise RuntimeError(f"nobody listens on port {port}")


_SETTINGS = """
[server]
port = {port}
leave_seconds = 0

[ledger]
url = "sqlite:///{folder}/ledger.sqlite3"

[lists]
max_page = {max_page}
"""


def settings(folder: Path, port: int, backends: Iterable[Mapping[str, Any]], *, max_page: int = 500) -> Path:
    """Writes Postroom's configuration over these backends; all else is as it is if nothing is said."""
    parts = [_SETTINGS.format(port=port, folder=folder, max_page=max_page)]
    for backend in backends:
        parts += ["\n[[backends]]\n", *(f"{name} = {_toml(value)}\n" for name, value in backend.items())]
    config = folder / "postroom.toml"
    config.write_text("".join(parts), encoding="utf-8")
    return config


def _toml(value: str | int | Mapping[str, Any]) -> str:
    if isinstance(value, str | int):
        return json.dumps(value)
    return "{" + ", ".join(f"{json.dumps(name)} = {_toml(one)}" for name, one in value.items()) + "}"


def _postroom(folder: Path, port: int, urls: Mapping[str, str], *, max_page: int = 500) -> list[str]:
    backends = [
        {
            "key": key,
            "vendor": "billing_platform" if key in workloads.BILLING else "smallinvoice",
            "base_url": url,
            "credentials": {"token": TOKEN},
            "cache_seconds": {"*": HOT_SECONDS} if key in workloads.HOT else {},
        }
        for key, url in urls.items()
    ]
    return python("gateway", "serve", "--config", str(settings(folder, port, backends, max_page=max_page)))


def _long_postroom(folder: Path, port: int, urls: Mapping[str, str]) -> list[str]:
    return _postroom(folder, port, urls, max_page=5000)


def _module(module: str) -> Command:
    return lambda _folder, port, _urls: python(module, str(port))


def _script(script: str, *options: str) -> Command:
    return lambda _folder, port, _urls: ["node", str(NPM / script), str(port), *options]


def _hive(folder: Path, port: int, urls: Mapping[str, str]) -> list[str]:
    """Its supergraph is composed beforehand, as it is where it is used."""
    supergraph = str(folder / "supergraph.graphql")
    compose = ["node", str(HIVE_NPM / "compose.js"), supergraph]
    subprocess.run(compose, check=True, env={**os.environ, **_environment(urls)})  # noqa: S603 - our own
    return ["node", str(HIVE_NPM / "hive.js"), str(port), supergraph]


POSTROOM = Contender(name="postroom", title="Postroom", command=_postroom)
LONG_POSTROOM = msgspec.structs.replace(POSTROOM, command=_long_postroom)
HAND_WRITTEN = Contender(
    name="hand-written", title="hand-written handler, no GraphQL", command=_module("bench.handwritten")
)
ALL = (
    POSTROOM,
    HAND_WRITTEN,
    Contender(
        name="apollo",
        title="Apollo Server + DataLoader",
        command=_script("apollo.js"),
        npm=Package("@apollo/server"),
        path="/",
    ),
    Contender(name="yoga", title="GraphQL Yoga + DataLoader", command=_script("yoga.js"), npm=Package("graphql-yoga")),
    Contender(
        name="yoga-jit",
        title="GraphQL Yoga + graphql-jit",
        command=_script("yoga.js", "jit"),
        npm=Package("@envelop/graphql-jit"),
    ),
    Contender(name="hive", title="Hive Gateway", command=_hive, npm=Package("@graphql-hive/gateway-runtime", HIVE_NPM)),
    Contender(
        name="tailcall",
        title="Tailcall (Rust)",
        command=tailcall.command,
        environment=tailcall.ENVIRONMENT,
        npm=Package(tailcall.PACKAGE, tailcall.FOLDER),
        dialect=Dialect(tailcall.document, tailcall.headers, tailcall.as_text),
        lacks=tailcall.LACKS,
    ),
    Contender(name="ordinary", title="strawberry, the ordinary way", command=_module("bench.ordinary")),
)


def left_out(contender: Contender) -> str | None:
    """Why a contender cannot be measured here, if it cannot."""
    if contender.npm is None:
        return None
    if shutil.which("node") is None:
        return "there is no node here"
    if not contender.npm.manifest.exists():
        return f"{contender.npm.name} is not installed (make bench installs it where npm can)"
    return None
