"""The benchmark measures what it says: answers are compared, wrong ones refused, and calls of vendors counted."""

import contextlib
import json
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any, cast

import msgspec
import pytest

from bench.campaign import Campaign, Plan, Report
from bench.contenders import HAND_WRITTEN, Contender, Running
from bench.loading import length_of, percentiles
from bench.measuring import Standin, WrongAnswerError, compare, measure
from bench.processes import LOAD_CORE, Process, python, started
from bench.tables import demands_table, figures_table, memory_table, pages_table, put_into
from bench.targets import verdicts
from bench.workloads import WORKLOADS, Question, Workload, backends


@pytest.fixture(scope="module")
def standin() -> Iterator[Standin]:
    with started(LOAD_CORE, python("bench.standin")) as process:
        yield Standin.listening(process)


@pytest.fixture(scope="module")
def limit(standin: Standin) -> Iterator[Running]:
    with Running.of(HAND_WRITTEN, backends(standin.port)) as running:
        yield running


@pytest.fixture(scope="module")
def report() -> Report:
    """A whole campaign, of a request or two each."""
    plan = Plan(
        rounds=1,
        seconds=0.0,
        warming=0.0,
        workloads=("W1", "W2", "W3", "W5"),
        contenders=("postroom", "hand-written"),
        extremes=False,
        growth=False,
        pages=True,
    )
    return Campaign(plan, lambda _: None).run()


@pytest.mark.parametrize(("name", "calls"), [("W1", 1), ("W2", 2), ("W3", 51), ("W5", 0)])
def test_postroom_asks_the_vendors_as_little_as_can_be(report: Report, name: str, calls: int) -> None:
    assert {who: figures.calls for who, figures in report.figures[name].items()} == {
        "postroom": calls,
        "hand-written": calls,
    }


def test_a_customer_page_costs_the_vendors_no_call_more_than_by_hand(report: Report) -> None:
    assert {who: figures.calls for who, figures in report.pages.items()} == {"postroom": 7, "hand-written": 7}


def test_the_tables_tell_of_each_contender_and_demand(report: Report) -> None:
    tables = (figures_table, memory_table, pages_table, demands_table)
    assert [table(report).count("\n") for table in tables] == [4, 4, 4, 2 + 5]
    assert [(one.what, one.workload) for one in verdicts(report)] == [
        *(("CPU", name) for name in ("W1", "W2", "W3", "W5")),
        ("vendor calls", "W6"),
    ]


def test_beside_what_is_found_against_another_stands_what_the_limit_comes_to(report: Report) -> None:
    figures = report.figures["W1"]["hand-written"]
    own = {"postroom": (400.0, 170.0), "hand-written": (500.0, 165.0), "apollo": (100.0, 260.0)}
    turns = {
        name: msgspec.structs.replace(figures, requests_per_second=a_second, median=median, p99=median)
        for name, (a_second, median) in own.items()
    }
    told = msgspec.structs.replace(report, figures={"W2": turns, "W4": turns})
    found = {(one.workload, one.what): (one.found, one.by_hand) for one in verdicts(told) if one.against == "apollo"}
    assert found == {
        ("W2", "requests/s"): (4.0, 5.0),
        ("W4", "added time, median"): (0.1, 0.05),
        ("W4", "added time, p99"): (0.1, 0.05),
    }


def test_another_answer_than_the_expected_is_refused(limit: Running) -> None:
    sound = WORKLOADS["W1"]

    def altered(client: int) -> list[Question]:
        first, *others = sound.questions(client)
        return [first, msgspec.structs.replace(others[0], data=first.data)]

    compare(limit, sound)
    with pytest.raises(WrongAnswerError, match="hand-written"):
        compare(limit, msgspec.structs.replace(sound, questions=altered))


def test_the_calls_of_a_round_are_its_own(limit: Running, standin: Standin) -> None:
    first, second = (measure(limit, WORKLOADS["W2"], standin, seconds=60, rounds=2) for _ in range(2))

    assert (first.calls, second.calls) == (2, 2)


ANSWER = {"data": {"__typename": "Query"}}


class _Fickle(BaseHTTPRequestHandler):
    """Answers rightly at first, then something else under the same status."""

    protocol_version = "HTTP/1.1"
    answered = 0

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        _Fickle.answered += 1
        answer = json.dumps(ANSWER if _Fickle.answered < 3 else {"errors": []}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        """Not here."""


@contextlib.contextmanager
def fickle() -> Iterator[Running]:
    server = HTTPServer(("127.0.0.1", 0), _Fickle)
    serving = threading.Thread(target=server.serve_forever)
    serving.start()
    try:
        contender = Contender(name="fickle", title="fickle", command=lambda *_: [])
        yield Running(contender, cast("Process", _Nothing()), server.server_port)
    finally:
        server.shutdown()
        serving.join()
        server.server_close()


class _Nothing:
    """A process that costs nothing."""

    def cost(self) -> Any:
        return type("Cost", (), {"seconds": 0.0, "memory": 0})


def one_client(workload: Workload) -> Workload:
    return msgspec.structs.replace(workload, connections=1)


def test_an_answer_that_changes_under_load_is_refused(standin: Standin) -> None:
    with fickle() as running, pytest.raises(WrongAnswerError, match="under W5"):
        measure(running, one_client(WORKLOADS["W5"]), standin, seconds=60, rounds=5)


@pytest.mark.parametrize(
    ("data", "length"),
    [
        (b"HTTP/1.1 200 OK\r\ncontent-len", None),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", 40),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n", None),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", 59),
    ],
)
def test_the_load_knows_where_an_answer_ends(data: bytes, length: int | None) -> None:
    assert length_of(data) == length


@pytest.mark.parametrize(
    ("first", "later", "expected"),
    [
        ([9.0, 8.0], [0.001 * one for one in range(1, 201)], (101.0, 199.0)),
        ([0.25, 0.75, 0.5], [], (500.0, 750.0)),
    ],
    ids=["with others", "alone"],
)
def test_the_answers_that_all_ask_for_at_one_moment_count_only_where_there_are_no_others(
    first: list[float], later: list[float], expected: tuple[float, float]
) -> None:
    assert percentiles(first, later) == pytest.approx(expected)


def test_the_standin_says_what_it_does_not_know(standin: Standin) -> None:
    with socket.create_connection(("127.0.0.1", standin.port)) as client:
        client.sendall(b"GET /0/billing-0/invoices HTTP/1.1\r\n\r\n")
        assert client.recv(1000).startswith(b"HTTP/1.1 404")


def test_a_text_is_put_between_its_marks_alone(tmp_path: Any) -> None:
    file = tmp_path / "README.md"
    file.write_text("a\n<!-- bench: written -->\nold\n<!-- end of bench -->\nb\n")
    put_into(file, "bench", "new\n")

    assert file.read_text() == "a\n<!-- bench: written -->\nnew\n<!-- end of bench -->\nb\n"
