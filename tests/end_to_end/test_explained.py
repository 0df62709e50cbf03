"""``X-Postroom-Explain: 1``: what an answer took at the vendors."""

from collections.abc import Iterator
from typing import Any

import httpx
import orjson
import pytest

from adapters.sandbox_server import SandboxServer
from tests.end_to_end.stage import configured, emulators, served
from tests.patience import PATIENCE

PAGE = (
    '{ customers(first: 3, backends: ["smallinvoice"]) { nodes { code counterparts { name }'
    " letters { nodes { title } } } } backends { key } }"
)


@pytest.fixture(scope="module")
def url(company: SandboxServer) -> Iterator[str]:
    with served(configured(company)) as url:
        yield f"{url}/graphql"


def ask(url: str, query: str, **headers: str) -> Any:
    return httpx.post(url, json={"query": query}, headers=headers, trust_env=False, timeout=PATIENCE)


def explained(url: str, query: str) -> list[dict[str, Any]]:
    calls: list[dict[str, Any]] = ask(url, query, **{"X-Postroom-Explain": "1"}).json()["extensions"]["vendorCalls"]
    return calls


def reasons(calls: list[dict[str, Any]]) -> set[tuple[str, str, str, int, tuple[str, ...]]]:
    return {(c["backend"], c["operation"], c["loader"], c["keys"], tuple(c["fields"])) for c in calls}


@pytest.mark.parametrize("headers", [{}, {"X-Postroom-Explain": "0"}, {"X-Postroom-Explain": "yes"}])
def test_who_does_not_ask_is_not_told(url: str, headers: dict[str, str]) -> None:
    assert "extensions" not in ask(url, PAGE, **headers).json()


def test_each_call_says_for_which_fields_and_how_many_keys_it_was_made(url: str) -> None:
    calls = explained(url, PAGE)
    assert reasons(calls) == {
        ("smallinvoice", "client.list", "page", 1, ("customers",)),
        ("smallinvoice", "letter.list", "page", 3, ("customers.nodes.letters",)),
        ("billing-platform", "customer.list", "code", 3, ("customers.nodes.counterparts",)),
        ("kashflow", "customer.get", "code", 3, ("customers.nodes.counterparts",)),
        ("sage-intacct", "customer.list", "code", 3, ("customers.nodes.counterparts",)),
    }


def test_it_says_how_each_call_went(url: str) -> None:
    calls = explained(url, '{ customers(first: 2, backends: ["smallinvoice"]) { nodes { code } } }')
    (call,) = calls
    assert call.pop("ms") > 0
    assert call == {
        "backend": "smallinvoice",
        "operation": "client.list",
        "route": "GET /client/list/limit/{n}/page/{n}/",
        "fields": ["customers"],
        "loader": "page",
        "keys": 1,
        "outcome": "answered",
        "status": 200,
        "queuedMs": 0.0,
        "attempts": call["attempts"],
        "cache": call["cache"],
        "shared": False,
    }


def test_an_alias_is_its_field_and_several_fields_share_a_call(url: str) -> None:
    one = 'customers(first: 2, backends: ["kashflow"]) { nodes { code } }'
    query = f"{{ here: {one} there: {one} }}"
    assert [call["fields"] for call in explained(url, query)] == [["here", "there"]]


def test_explaining_makes_no_other_calls(url: str, company: SandboxServer) -> None:
    def lines() -> int:
        return sum(sandbox.state.requests for sandbox in company.sandboxes.values())

    ask(url, PAGE)
    before = lines()
    ask(url, PAGE)
    between = lines()
    calls = explained(url, PAGE)
    assert (between - before, len(calls)) == (lines() - between, lines() - between)


def test_an_answer_in_parts_is_explained_in_its_last(url: str) -> None:
    letters = "... @defer { letters { nodes { title } } }"
    query = f'{{ customers(first: 2, backends: ["smallinvoice"]) {{ nodes {{ code {letters} }} }} }}'
    answer = ask(url, query, **{"X-Postroom-Explain": "1", "Accept": "multipart/mixed"})
    frames = [orjson.loads(part.partition(b"\r\n\r\n")[2]) for part in answer.content.split(b"\r\n---")[1:-1]]
    assert len(frames) > 1
    assert ["extensions" in frame for frame in frames] == [False] * (len(frames) - 1) + [True]
    assert {call["operation"] for call in frames[-1]["extensions"]["vendorCalls"]} == {"client.list", "letter.list"}


def test_a_write_is_explained() -> None:
    new = '{backend: "sage-intacct", code: "Explained", text: "Y"}'
    with emulators("sage_intacct") as own, served(configured(own)) as url:
        (call, *_) = explained(
            f"{url}/graphql", f"mutation {{ createMessage(input: {new}) {{ problems {{ code }} }} }}"
        )
    assert (call["fields"], call["operation"]) == (["createMessage"], "message.create")


def test_what_was_refused_made_no_call(url: str) -> None:
    assert explained(url, "{ nothing }") == []


def test_no_id_and_no_argument_is_told(url: str) -> None:
    customers = ask(url, "{ customers(first: 500) { nodes { id nativeId code backend { key } } } }").json()["data"][
        "customers"
    ]["nodes"]
    chosen = {one["backend"]["key"]: one for one in customers}
    for one in chosen.values():
        calls = explained(
            url, f'{{ node(id: "{one["id"]}") {{ ... on Customer {{ name letters {{ nodes {{ id }} }} }} }} }}'
        )
        assert calls
        segments = {segment for call in calls for segment in call["route"].split("/")}
        assert segments & {one["id"], one["nativeId"], one["code"]} == set()
