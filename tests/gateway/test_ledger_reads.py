"""What was sent can be found again: by the whole ledger, by dispatch, by document and by customer."""

import base64
import datetime
import re
from typing import Any

import pytest

from adapters.contract import Outcome, OutcomeState
from gateway.app import Gateway
from gateway.context import Principal
from tests.gateway.asking import Clock, answer, data, gateway_over, gid
from tests.gateway.fakes import Fake, fake
from tests.gateway.records import NOW, customer, letter

EMAIL = "mutation($id: ID!) { emailDocument(input: {document: $id}) { dispatch { id } } }"
STATEMENTS = "mutation($ids: [ID!]) { emailStatements(input: {customers: $ids}) { dispatch { id } } }"
LIST = """
query($filter: DispatchFilter, $first: Int! = 50, $after: String) {
  dispatches(filter: $filter, first: $first, after: $after) {
    nodes { id } edges { cursor node { id } } totalCount
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  }
}"""


def sender(key: str) -> Fake:
    return fake(
        key,
        customers=[customer(key, n) for n in "0123456"],
        letters=[letter(key, f"l{n}", n) for n in "01"],
        writes=True,
        batch=9,
    )


class Sent:
    """Three dispatches, an hour apart: a letter at a, statements at a and b, a letter at b that failed."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.a, self.b = sender("a"), sender("b")
        self.gateway: Gateway = gateway_over(self.a, self.b, clock=self.clock)
        self.names: dict[str, str] = {}

    async def send(self) -> "Sent":
        both = [gid("Customer", "a", "1"), gid("Customer", "b", "2")]
        await self._one("letter", EMAIL, Principal(id="ann"), id=gid("Letter", "a", "l0"))
        await self._one("statements", STATEMENTS, Principal(id="bob"), ids=both)
        self.b.behaviour.outcomes.append([Outcome(state=OutcomeState.UNDONE)])
        await self._one("failed", EMAIL, Principal(id="ann"), id=gid("Letter", "b", "l1"))
        return self

    async def _one(self, name: str, query: str, principal: Principal, **variables: Any) -> None:
        (payload,) = (await data(self.gateway, query, principal=principal, **variables)).values()
        self.names[payload["dispatch"]["id"]] = name
        self.clock.forward(hours=1)

    async def found(self, principal: Principal = Principal(id="ann"), **given: Any) -> list[str]:  # noqa: B008 - frozen
        page = await data(self.gateway, LIST, principal=principal, filter=given)
        return [self.names[node["id"]] for node in page["dispatches"]["nodes"]]


def at(hours: float) -> str:
    return (NOW + datetime.timedelta(hours=hours)).isoformat()


FILTERS: list[tuple[dict[str, Any], list[str]]] = [
    ({}, ["failed", "statements", "letter"]),
    ({"backends": ["a"]}, ["statements", "letter"]),
    ({"backends": ["b"]}, ["failed", "statements"]),
    ({"backends": []}, []),
    ({"states": ["FAILED"]}, ["failed"]),
    ({"states": ["FAILED", "SUCCEEDED"]}, ["failed", "statements", "letter"]),
    ({"states": []}, []),
    ({"actions": ["EMAIL"]}, ["failed", "letter"]),
    ({"actions": ["EMAIL_STATEMENT", "POST"]}, ["statements"]),
    ({"customer": gid("Customer", "a", "1")}, ["statements"]),
    ({"customer": gid("Customer", "a", "2")}, []),
    ({"since": at(1)}, ["failed", "statements"]),
    ({"since": "2026-06-30T13:00:00"}, ["failed", "statements"]),
    ({"until": at(1)}, ["letter"]),
    ({"since": at(0.5), "until": at(1.5)}, ["statements"]),
    ({"requestedBy": "ann"}, ["failed", "letter"]),
    ({"requestedBy": "ann", "backends": ["a"]}, ["letter"]),
]


@pytest.mark.parametrize(("given", "expected"), FILTERS)
async def test_dispatches_are_found_by_all_that_is_given_newest_first(given: Any, expected: list[str]) -> None:
    assert await (await Sent().send()).found(**given) == expected


@pytest.mark.parametrize(
    ("given", "code"),
    [({"customer": ""}, "NOT_FOUND"), ({"customer": "nonsense"}, "NOT_FOUND"), ({"backends": ["x"]}, "INVALID_INPUT")],
)
async def test_a_filter_that_names_nothing_is_a_mistake_and_not_no_filter(given: Any, code: str) -> None:
    sent = await Sent().send()
    assert (await answer(sent.gateway, LIST, filter=given)).codes() == [code]


@pytest.mark.parametrize(
    ("backends", "expected"), [("a", ["letter"]), ("b", ["failed"]), ("ab", ["failed", "statements", "letter"])]
)
async def test_a_dispatch_is_seen_by_whoever_may_see_all_its_backends(backends: str, expected: list[str]) -> None:
    sent = await Sent().send()
    who = Principal(id="ann", backends=frozenset(backends))
    assert await sent.found(who) == expected
    by_id = []
    for dispatch_id, name in sent.names.items():
        query = "query($id: ID!) { dispatch(id: $id) { id } node(id: $id) { id } }"
        found = await data(sent.gateway, query, principal=who, id=dispatch_id)
        assert (found["dispatch"] is None) == (found["node"] is None)
        by_id += [name] if found["dispatch"] else []
    assert sorted(by_id) == sorted(expected)


@pytest.mark.parametrize("first", [1, 2, 3, 4])
async def test_dispatches_are_paged_and_every_edge_goes_on_right_after_itself(first: int) -> None:
    sent = await Sent().send()
    everything = list(reversed(sent.names))
    seen, after, more = [], None, True
    while more:
        page = (await data(sent.gateway, LIST, first=first, after=after))["dispatches"]
        seen += [node["id"] for node in page["nodes"]]
        info = page["pageInfo"]
        assert info["hasPreviousPage"] == (after is not None)
        assert (info["startCursor"], info["endCursor"]) == (page["edges"][0]["cursor"], page["edges"][-1]["cursor"])
        for edge in page["edges"]:
            rest = (await data(sent.gateway, LIST, first=9, after=edge["cursor"]))["dispatches"]["nodes"]
            place = everything.index(edge["node"]["id"])
            assert [node["id"] for node in rest] == everything[place + 1 :]
        after, more = info["endCursor"], info["hasNextPage"]
    assert seen == everything


@pytest.mark.parametrize("after", ["", "x", "-1", "1", "3", "é", "A" * 32, "=" * 32, "9" * 19])
async def test_what_is_no_cursor_of_the_ledger_is_refused(after: str) -> None:
    found = await answer((await Sent().send()).gateway, LIST, after=after)
    assert found.codes() == ["INVALID_INPUT"]
    assert found.errors[0]["message"].endswith("begin without one.")


async def test_a_cursor_is_good_in_its_own_list_alone() -> None:
    gateway = gateway_over(sender("a"))
    ids = [gid("Customer", "a", n) for n in "50"]
    one = (await data(gateway, STATEMENTS, ids=ids))["emailStatements"]["dispatch"]["id"]
    other = (await data(gateway, EMAIL, id=gid("Letter", "a", "l0")))["emailDocument"]["dispatch"]["id"]
    cursor = (await data(gateway, LIST))["dispatches"]["pageInfo"]["endCursor"]
    of_items = (await data(gateway, ITEMS, id=one))["dispatch"]["items"]["pageInfo"]["endCursor"]
    assert (await answer(gateway, LIST, after=of_items)).codes() == ["INVALID_INPUT"]
    assert (await answer(gateway, ITEMS, id=one, after=cursor)).codes() == ["INVALID_INPUT"]
    assert (await answer(gateway, ITEMS, id=other, after=of_items)).codes() == ["INVALID_INPUT"]
    assert (await answer(gateway, ITEMS, id=one, after=of_items)).codes() == []


async def test_who_sees_a_part_of_the_ledger_cannot_tell_by_cursors_how_much_there_is() -> None:
    shown = []
    for others in (0, 3):
        gateway = gateway_over(sender("a"), sender("b"))
        for n in range(others):
            await data(gateway, STATEMENTS, ids=[gid("Customer", "b", str(n))])
        await data(gateway, EMAIL, id=gid("Letter", "a", "l0"))
        page = await data(gateway, LIST, principal=Principal(id="ann", backends=frozenset("a")))
        info = page["dispatches"]["pageInfo"]
        shown.append(info["endCursor"])
        assert re.fullmatch("[A-Za-z0-9_-]{32}", info["endCursor"])
    assert len(set(shown)) == 2
    numbers = [base64.urlsafe_b64decode(cursor)[-8:] for cursor in shown]
    assert not {(1).to_bytes(8, "big"), (4).to_bytes(8, "big")} & set(numbers)


@pytest.mark.parametrize("first", [0, 101])
async def test_a_page_of_dispatches_has_bounds(first: int) -> None:
    assert (await answer((await Sent().send()).gateway, LIST, first=first)).codes() == ["INVALID_INPUT"]


ITEMS = """
query($id: ID!, $first: Int! = 100, $after: String, $states: [ItemState!]) {
  dispatch(id: $id) {
    items(first: $first, after: $after, states: $states) {
      nodes { state target { id } } pageInfo { hasNextPage endCursor }
    }
  }
}"""


async def test_items_come_in_the_order_they_were_asked_for_page_by_page() -> None:
    gateway = gateway_over(sender("a"))
    ids = [gid("Customer", "a", n) for n in "5031"]
    sent = (await data(gateway, STATEMENTS, ids=ids))["emailStatements"]["dispatch"]["id"]
    seen, after = [], None
    for more in (True, False):
        page = (await data(gateway, ITEMS, id=sent, first=2, after=after))["dispatch"]["items"]
        seen += [node["target"]["id"] for node in page["nodes"]]
        after = page["pageInfo"]["endCursor"]
        assert page["pageInfo"]["hasNextPage"] == more
    assert seen == ids


async def test_items_are_narrowed_to_states() -> None:
    a = sender("a")
    gateway = gateway_over(a)
    a.behaviour.outcomes.append([Outcome(state=state) for state in OutcomeState])
    ids = [gid("Customer", "a", n) for n in "012"]
    sent = (await data(gateway, STATEMENTS, ids=ids))["emailStatements"]["dispatch"]["id"]
    found = await data(gateway, ITEMS, id=sent, states=["UNKNOWN", "FAILED"])
    states = [node["state"] for node in found["dispatch"]["items"]["nodes"]]
    assert states == ["FAILED", "UNKNOWN"]


async def test_a_document_and_a_customer_show_what_was_sent_of_them_newest_first() -> None:
    a = sender("a")
    gateway, letter_id, customer_id = gateway_over(a), gid("Letter", "a", "l1"), gid("Customer", "a", "1")
    for state in (OutcomeState.UNDONE, OutcomeState.DONE):
        a.behaviour.outcomes += [[Outcome(state=state)], [Outcome(state=state)]]
        await data(gateway, EMAIL, id=letter_id)
        await data(gateway, STATEMENTS, ids=[customer_id])
    query = """query($id: ID!, $after: String) { node(id: $id) {
      ... on Document { dispatchItems(first: 1, after: $after) { nodes { state } pageInfo { endCursor hasNextPage } } }
      ... on Customer { dispatchItems(first: 1, after: $after) { nodes { state } pageInfo { endCursor hasNextPage } } }
    } }"""
    for record in (letter_id, customer_id):
        page = (await data(gateway, query, id=record))["node"]["dispatchItems"]
        rest = (await data(gateway, query, id=record, after=page["pageInfo"]["endCursor"]))["node"]["dispatchItems"]
        assert (page["nodes"], page["pageInfo"]["hasNextPage"]) == ([{"state": "ACCEPTED"}], True)
        assert (rest["nodes"], rest["pageInfo"]["hasNextPage"]) == ([{"state": "FAILED"}], False)


async def test_a_target_that_is_gone_is_null_and_its_item_stays() -> None:
    a = sender("a")
    gateway = gateway_over(a)
    sent = (await data(gateway, EMAIL, id=gid("Letter", "a", "l0")))["emailDocument"]["dispatch"]["id"]
    a.shelves["letters"].records.clear()
    found = await data(gateway, ITEMS, id=sent)
    assert found["dispatch"]["items"]["nodes"] == [{"state": "ACCEPTED", "target": None}]
