"""The command as a whole: what it prints, what it exits with, and how its user is told of mistakes."""

import json
import signal
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import graphql
import httpx
import pytest

from adapters.registry import load_vendors
from gateway.__main__ import run as command
from gateway.commands.serve import EXAMPLE_QUERY
from gateway.schema.build import build_schema
from tests.gateway.postroom import interrupted, run, started
from tests.patience import PATIENCE

QUERY = "query Q($first: Int!) { backends { vendor } customers(first: $first) { problems { code } nodes { name } } }"
VARIABLES = '{"first": 1}'


class Said:
    """What a command in this process says."""

    def __init__(self, capsys: pytest.CaptureFixture[str], folder: Path) -> None:
        self._capsys = capsys
        self.folder = folder

    def to(self, *arguments: object) -> tuple[int, str, str]:
        """The exit code, standard output and standard error."""
        code = command([str(argument) for argument in arguments])
        output, errors = self._capsys.readouterr()
        return code, output, errors


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Said:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "query.graphql").write_text(QUERY)
    return Said(capsys, tmp_path)


def test_help_names_every_command(said: Said) -> None:
    code, output, _ = said.to("--help")
    named = [word for word in ("serve", "sandbox", "check", "schema", "capabilities", "query") if word in output]
    assert (code, named) == (0, ["serve", "sandbox", "check", "schema", "capabilities", "query"])


def test_version_is_the_installed_one(tmp_path: Path) -> None:
    answer = run("--version", folder=tmp_path)
    assert (answer.returncode, answer.stdout) == (0, f"{version('postroom')}\n")


NO_FILE = (
    "postroom: There is no postroom.toml here. Write one (postroom.example.toml shows how), "
    "name another file with --config, or try the emulators with --sandbox.\n"
)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["serv"], 'postroom: Unknown command "serv". Did you mean "serve"?'),
        (["serve", "--prot", "1"], "postroom: Unknown option: --prot. Did you mean --port? Try: postroom --help\n"),
        (["serve"], NO_FILE),
        (["check"], NO_FILE),
        (
            ["serve", "--config", "x.toml"],
            "postroom: x.toml: cannot be read: No such file or directory; name another file with --config.\n",
        ),
        (
            ["serve", "--config", "x.toml", "--sandbox"],
            "postroom: --sandbox needs no configuration: leave one of --sandbox and --config out.\n",
        ),
        (["query", "x.graphql"], "postroom: x.graphql: cannot be read: No such file or directory.\n"),
        (["query", "-", "--variables", "[]"], "postroom: --variables: must be a JSON object.\n"),
        (["query", "-", "--variables", "{"], "postroom: --variables: is not JSON: "),
        (
            ["query", "-", "--sandbox", "--url", "http://127.0.0.1:1/graphql"],
            "postroom: Only one of --url, --config and --sandbox can be asked.\n",
        ),
    ],
)
def test_a_mistake_of_the_user_is_told_on_standard_error_with_exit_code_2(
    said: Said, arguments: list[str], expected: str
) -> None:
    code, output, errors = said.to(*arguments)
    assert (code, output, errors[: len(expected)]) == (2, "", expected)


def test_a_process_shows_no_traceback_either(tmp_path: Path) -> None:
    answer = run("serve", folder=tmp_path)
    assert (answer.returncode, answer.stdout, answer.stderr) == (2, "", NO_FILE)


def test_every_problem_of_the_configuration_is_told(said: Said) -> None:
    (said.folder / "postroom.toml").write_text("[server]\nprot = 1\n[list]\n")
    code, _, errors = said.to("check")
    assert (code, errors.splitlines()) == (
        2,
        [
            "postroom: postroom.toml: list: is not known; did you mean lists?",
            "postroom: postroom.toml: server.prot: is not known; did you mean port?",
            "postroom: postroom.toml: backends: there are none; write at least one, beginning with [[backends]].",
        ],
    )


def test_the_schema_is_printed_as_sdl(said: Said) -> None:
    code, output, _ = said.to("schema")
    assert (code, output) == (0, build_schema().as_str().rstrip("\n") + "\n")
    assert graphql.build_schema(output).query_type is not None


def test_the_query_to_try_is_one_of_the_schema() -> None:
    schema = graphql.build_schema(build_schema().as_str())
    assert graphql.validate(schema, graphql.parse(EXAMPLE_QUERY)) == []


def test_the_table_has_a_column_for_every_vendor(said: Said) -> None:
    head = said.to("capabilities")[1].splitlines()[0]
    cells = [cell.strip().partition(" (")[0] for cell in head.strip("|").split("|")[1:]]
    assert cells == [vendor.title.partition(" (")[0] for vendor in load_vendors().values()]


# ── The emulators alone ──────────────────────────────────────────────────────────────────────────────────────────────


def test_every_emulator_answers_where_it_says(tmp_path: Path) -> None:
    with started("sandbox", "--json", folder=tmp_path) as (process, output):
        access = json.loads(output.readline())
        found = {name: httpx.get(f"{told['control_url']}journal").json()["n"] for name, told in access.items()}
        for told in access.values():
            httpx.get(told["base_url"] + "/nothing")
        asked = {name: httpx.get(f"{told['control_url']}journal").json()["n"] for name, told in access.items()}
        assert interrupted(process, signal.SIGINT) == (0, "")
    assert found == dict.fromkeys(load_vendors(), 0)
    assert asked == dict.fromkeys(load_vendors(), 1)


def test_what_the_emulators_invented_is_listed(said: Said) -> None:
    code, output, _ = said.to("sandbox", "--assumptions")
    headings = [line for line in output.splitlines() if line and not line.startswith(" ")]
    assert (code, headings) == (0, [vendor.title for vendor in load_vendors().values()])


def test_a_port_that_is_taken_is_told(tmp_path: Path, gateway_url: httpx.URL) -> None:
    answer = run("sandbox", "--port-base", gateway_url.port, folder=tmp_path)
    assert (answer.returncode, answer.stdout) == (1, "")
    assert answer.stderr.endswith(": Address already in use. Choose another --port-base.\n")


# ── The gateway over them ────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def gateway_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.URL]:
    folder = tmp_path_factory.mktemp("serve")
    with started("serve", "--sandbox", "--port", 0, folder=folder) as (process, output):
        first = output.readline()
        assert first.startswith("Postroom listens. Open http://127.0.0.1:"), process.communicate()[1]
        yield httpx.URL(first.split()[-1])
        assert interrupted(process, signal.SIGTERM) == (0, "")


def test_the_gateway_answers_where_it_says(gateway_url: httpx.URL) -> None:
    answer = httpx.post(gateway_url, json={"query": EXAMPLE_QUERY}, timeout=PATIENCE)
    content = answer.json()
    assert (answer.status_code, content.get("errors"), content["data"]["customers"]["problems"]) == (200, None, [])
    assert [len(node["counterparts"]) for node in content["data"]["customers"]["nodes"]] == [3, 3, 3]
    assert "server" not in answer.headers


def test_a_gateway_whose_port_is_taken_says_so(said: Said, gateway_url: httpx.URL) -> None:
    expected = (
        f"postroom: Cannot listen on 127.0.0.1 port {gateway_url.port}: Address already in use. "
        "Choose another with --host or --port.\n"
    )
    assert said.to("serve", "--sandbox", "--port", gateway_url.port) == (1, "", expected)


def test_a_query_is_run_at_a_gateway(said: Said, gateway_url: httpx.URL) -> None:
    code, output, errors = said.to("query", "query.graphql", "--url", gateway_url, "--variables", VARIABLES)
    assert (code, errors) == (0, "")
    assert [backend["vendor"] for backend in json.loads(output)["data"]["backends"]] == list(load_vendors())


def test_a_query_with_errors_exits_1_and_prints_them(said: Said, gateway_url: httpx.URL) -> None:
    (said.folder / "bad.graphql").write_text("{ nothing }")
    code, output, _ = said.to("query", "bad.graphql", "--url", gateway_url)
    (error,) = json.loads(output)["errors"]
    assert (code, error["extensions"]["code"]) == (1, "GRAPHQL_VALIDATION_FAILED")


def test_a_query_from_standard_input_needs_no_running_gateway(tmp_path: Path) -> None:
    answer = run("query", "-", "--sandbox", "--variables", VARIABLES, folder=tmp_path, stdin=QUERY)
    assert (answer.returncode, answer.stderr) == (0, "")
    content: Any = json.loads(answer.stdout)
    assert (content["data"]["customers"]["problems"], len(content["data"]["customers"]["nodes"])) == ([], 1)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/nothing", "postroom: What answered is no GraphQL endpoint (HTTP 404). Does the URL end in /graphql?\n"),
        (None, "postroom: No gateway answered at that URL (ConnectError). Does it run?\n"),
    ],
)
def test_a_url_with_no_gateway_is_told_without_the_url(
    said: Said, gateway_url: httpx.URL, path: str | None, expected: str
) -> None:
    url = gateway_url.copy_with(username="u", password="t0psecret")
    url = url.copy_with(port=1) if path is None else url.copy_with(path=path)
    assert said.to("query", "query.graphql", "--url", url) == (1, "", expected)
