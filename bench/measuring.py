"""One measurement: a contender's answers compared with what they should be, then load, and what it cost."""

import contextlib
import http.client
import statistics
import subprocess
from base64 import b64encode
from collections.abc import Sequence
from typing import Any, Protocol, Self

import msgspec
import orjson
from msgspec import Struct

from bench.contenders import Running
from bench.loading import Load, Seen
from bench.processes import LOAD_CORE, ROOT, Process, pinned, python
from bench.workloads import Question, Workload

__all__ = ["Figures", "Standin", "Vendors", "WrongAnswerError", "compare", "measure"]

COMPARED = 3
"""Of each client's questions; the others differ in an id alone."""


class WrongAnswerError(Exception):
    """A contender answers something else than it should, so nothing that it does can be compared."""


class Vendors(Protocol):
    """What is asked in the vendors' place, and counts it."""

    @property
    def process(self) -> Process:
        """What it runs as."""

    def calls(self) -> int:
        """How often it was asked, since it began."""


class Standin(Struct, frozen=True):
    """The stand-in for two vendors that is quick enough for any load."""

    process: Process
    port: int

    @classmethod
    def listening(cls, process: Process) -> Self:
        """It says where it listens."""
        return cls(process, int(process.line()))

    def calls(self) -> int:
        """How often it was asked, since it began."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port)
        connection.request("GET", "/calls")
        count = int(connection.getresponse().read())
        connection.close()
        return count


class Figures(Struct, frozen=True, kw_only=True):
    """What one workload costs one contender. Times are milliseconds, ``cpu`` those of its processor for a request.

    ``busy`` is the share of the time that it ran, ``load`` and ``standin`` those of what share the other core.
    """

    requests_per_second: float
    cpu: float
    median: float
    p99: float
    calls: float
    busy: float
    load: float
    standin: float

    @classmethod
    def middle(cls, rounds: Sequence["Figures"]) -> "Figures":
        """The median of each figure."""
        names = cls.__struct_fields__
        return cls(**{name: statistics.median(getattr(one, name) for one in rounds) for name in names})


def compare(running: Running, workload: Workload) -> int:
    """How many bytes the last answer has. Raises `WrongAnswerError` where one is not the expected."""
    answer = b""
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", running.port, timeout=60)) as connection:
        for client in range(workload.connections):
            for question in workload.questions(client)[:COMPARED]:
                head, body = _request(running, workload, question)
                connection.request("POST", running.contender.path, body, head)
                answer = connection.getresponse().read()
                if _data_of(running, answer) != question.data:
                    told = f"{running.contender.title} answers {workload.name} wrongly"
                    raise WrongAnswerError(
                        f"{told}: {question.variables}: {answer[:500]!r}, not {question.data!r:.500}"
                    )
    return len(answer)


def measure(
    running: Running, workload: Workload, vendors: Vendors, *, seconds: float, rounds: int | None = None
) -> Figures:
    """Puts the workload on. Raises `WrongAnswerError` when an answer under load is unlike those compared before."""
    asked = [
        [_wire(running, workload, question) for question in workload.questions(client)]
        for client in range(workload.connections)
    ]
    load = Load(port=running.port, requests=asked, seconds=seconds, rounds=rounds)
    calls, cost, beside = vendors.calls(), running.process.cost(), vendors.process.cost()
    try:
        seen = _put_on(load)
    except RuntimeError as error:
        raise RuntimeError(f"{running.contender.title} under {workload.name}: {error}") from None
    spent = running.process.cost().seconds - cost.seconds
    if seen.wrong:
        raise WrongAnswerError(f"{running.contender.title}: {seen.wrong} wrong answers under {workload.name}")
    return Figures(
        requests_per_second=seen.requests / seen.seconds,
        cpu=spent * 1000 / seen.requests,
        median=seen.median,
        p99=seen.p99,
        calls=(vendors.calls() - calls) / seen.requests,
        busy=spent / seen.seconds,
        load=seen.cpu / seen.seconds,
        standin=(vendors.process.cost().seconds - beside.seconds) / seen.seconds,
    )


def _put_on(load: Load) -> Seen:
    command = pinned(LOAD_CORE, python("bench.loading"))
    done = subprocess.run(command, input=msgspec.json.encode(load), capture_output=True, check=False, cwd=ROOT)  # noqa: S603 - our own
    if done.returncode:
        raise RuntimeError(done.stderr.decode())
    return msgspec.json.decode(done.stdout, type=Seen)


def _data_of(running: Running, answer: bytes) -> Any:
    try:
        whole = orjson.loads(answer)
    except orjson.JSONDecodeError:
        return None
    if "errors" in whole:
        return None
    dialect = running.contender.dialect
    return whole.get("data") if dialect is None else dialect.answer(whole.get("data"))


def _request(running: Running, workload: Workload, question: Question) -> tuple[dict[str, str], bytes]:
    document = workload.document
    head = {
        "Host": f"127.0.0.1:{running.port}",
        "Content-Type": "application/json",
        "Accept": "application/json",
    }
    dialect = running.contender.dialect
    if dialect is not None:
        document = dialect.document(document)
        head |= dialect.headers(question.variables, running.places)
    asked = {"query": document, "operationName": workload.name, "variables": question.variables}
    return head, orjson.dumps(asked)


def _wire(running: Running, workload: Workload, question: Question) -> str:
    """A whole request as it is sent, in base64."""
    head, body = _request(running, workload, question)
    lines = [f"POST {running.contender.path} HTTP/1.1", *(f"{name}: {value}" for name, value in head.items())]
    lines += [f"Content-Length: {len(body)}", "", ""]
    return b64encode("\r\n".join(lines).encode() + body).decode()
