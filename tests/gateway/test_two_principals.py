"""The whole schema, asked by one principal for what is another's: nothing answers across, wherever it is named.

The operations are made from the schema, so that a field that is added is asked too. What is not visible has to look
like what is not there: the answers are compared, and the other's vendor must not have been called.
"""

import base64
import binascii
import contextlib
import itertools
import json
import re
from dataclasses import dataclass
from typing import Any, NamedTuple

import pytest
from graphql import GraphQLSchema

from gateway.app import Gateway
from gateway.context import Principal
from gateway.settings_limits import LimitSettings
from tests.gateway.asking import answer, data, gateway_over, gid
from tests.gateway.fakes import Fake, fake
from tests.gateway.records import correspondence, customer, letter, message, template
from tests.gateway.schema_walks import Place, places, selection
from tests.gateway.sending import EMAIL, STATEMENTS

MINE, THEIRS, NOWHERE = "mine", "theirs", "nowhr"
"""Backends' keys, as long as one another: one that is visible here, one that is not, and one that is not there."""

UNLIMITED = LimitSettings(
    tokens=100_000, depth=100, root_fields=1_000, fields=20_000, aliases=10_000, comparisons=1_000_000, cost=1_000_000
)
REFUSED = re.compile("GRAPHQL_VALIDATION_FAILED|DOCUMENT_LIMIT|COST_LIMIT")
"""The codes of what is not even executed."""

ANN = Principal(id="ann", backends=frozenset((MINE, NOWHERE)))
BOB = Principal(id="bob", backends=frozenset((THEIRS,)))
BOTH = Principal(id="both", backends=frozenset((MINE, THEIRS)))
MAKES = {
    "Customer": "c1",
    "Correspondence": "k1",
    "Letter": "l1",
    "CustomerEmailTemplate": "t1",
    "EmailTemplate": "Tt1",
    "CustomerMessage": "m1",
    "Backend": THEIRS,
}


def backend(key: str) -> Fake:
    return fake(
        key,
        customers=[customer(key, "c1"), customer(key, "c2")],
        correspondence=[correspondence(key, "k1", "c1")],
        letters=[letter(key, "l1", "c1")],
        templates=[template(key, "t1", "c1")],
        messages=[message(key, "m1")],
        writes=True,
        shares_codes_with=[other for other in (MINE, THEIRS) if other != key],
    )


class Named(NamedTuple):
    """Something as it is named in an operation, and the words of which that is made."""

    literal: str
    words: tuple[str, ...]


@dataclass
class Stage:
    """A gateway over both backends, through which each has sent something."""

    gateway: Gateway
    theirs: Fake
    dispatches: dict[str, str]

    @property
    def schema(self) -> GraphQLSchema:
        schema: GraphQLSchema = self.gateway.schema._schema
        return schema

    async def asked(self, operation: str, principal: Principal = ANN) -> str:
        """All that is answered, as text."""
        context = self.gateway.context(principal)
        if operation.startswith("subscription"):
            source: Any = await self.gateway.schema.subscribe(operation, context_value=context)
            results = [source] if not hasattr(source, "__aiter__") else [one async for one in source]
            told = [(one.data, [error.formatted for error in one.errors or ()]) for one in results]
            return json.dumps(told, default=str)
        found = await answer(self.gateway, operation, context=context)
        return json.dumps([found.data, found.errors], default=str)


@pytest.fixture
async def stage() -> Stage:
    """Ann has sent something, Bob has, and somebody with the rights of both has sent a run at both."""
    mine, theirs = backend(MINE), backend(THEIRS)
    gateway = gateway_over(mine, theirs, changed={"limits": UNLIMITED})
    ids = {}
    for principal, key in ((ANN, MINE), (BOB, THEIRS)):
        given = {"document": gid("Letter", key, "l1"), "idempotencyKey": "k"}
        ids[principal.id] = (await data(gateway, EMAIL, principal=principal, input=given))["sent"]["dispatch"]["id"]
    both = {"customers": [gid("Customer", key, "c1") for key in (MINE, THEIRS)]}
    ids["both"] = (await data(gateway, STATEMENTS, principal=BOTH, input=both))["sent"]["dispatch"]["id"]
    theirs.behaviour.calls.clear()
    return Stage(gateway, theirs, ids)


def foreign(stage: Stage, place: Place) -> list[tuple[Named, Named]]:
    """What is another's and could be named in a place, each beside what is not there at all."""
    records = [(kind, gid(kind, THEIRS, native), gid(kind, NOWHERE, native)) for kind, native in MAKES.items()]
    nobodys = gid("Dispatch", "-", "0" * 32)
    records += [("Dispatch", stage.dispatches[whose], nobodys) for whose in ("bob", "both")]
    if place.type_name == "ID":
        return [(quoted(theirs), quoted(nowhere)) for _, theirs, nowhere in records]
    if place.type_name == "_Any":
        return [
            *((represented(kind, id=theirs), represented(kind, id=nowhere)) for kind, theirs, nowhere in records),
            *(
                (represented("Customer", backendKey=THEIRS, **key), represented("Customer", backendKey=NOWHERE, **key))
                for key in ({"nativeId": "c1"}, {"code": "c1"})
            ),
        ]
    return [(quoted(THEIRS), quoted(NOWHERE))] if place.path[-1] in {"backend", "backends"} else []


def quoted(text: str) -> Named:
    return Named(json.dumps(text), (text,))


def represented(kind: str, **members: str) -> Named:
    """A federation router's way to name something."""
    literal = ", ".join(f"{name}: {json.dumps(text)}" for name, text in {"__typename": kind, **members}.items())
    return Named(f"{{{literal}}}", tuple(members.values()))


def shape(text: str, *named: str) -> str:
    """An answer without what was named, and without what differs from one answer to the next."""
    for name in named:
        text = text.replace(name, "NAMED")
    return re.sub(r'"incident": "[0-9a-f]+"', '"incident": "I"', text)


def decoded(text: str) -> str:
    """An answer with all its ids and cursors readable."""
    words = [word + "=" * (-len(word) % 4) for word in re.findall(r"[A-Za-z0-9_-]{8,}", text)]
    found = []
    for word in words:
        with contextlib.suppress(binascii.Error):
            found.append(base64.urlsafe_b64decode(word).decode("latin-1"))
    return " ".join([text, *found])


async def test_what_is_anothers_looks_like_what_is_not_there_wherever_it_is_named(stage: Stage) -> None:
    asked = 0
    for place in places(stage.schema, depth=1):
        for theirs, nowhere in foreign(stage, place):
            answers = [await stage.asked(place.operation(name.literal)) for name in (theirs, nowhere)]
            assert REFUSED.search(answers[0]) is None, f"{answers[0][:500]} {place.operation(theirs.literal)}"
            assert shape(answers[0], *theirs.words, THEIRS) == shape(answers[1], *nowhere.words, NOWHERE), str(place)
            assert stage.theirs.behaviour.calls == [], str(place)
            asked += 1
    assert asked > 150


async def test_the_same_places_answer_whoever_may_see_it(stage: Stage) -> None:
    """Or the test above could not fail."""
    answering = set()
    for place in places(stage.schema, depth=1):
        for theirs, nowhere in foreign(stage, place):
            answers = [await stage.asked(place.operation(name.literal), BOTH) for name in (theirs, nowhere)]
            if shape(answers[0], *theirs.words, THEIRS) != shape(answers[1], *nowhere.words, NOWHERE):
                answering.add(place.field)
    fields = itertools.chain(
        stage.schema.query_type.fields if stage.schema.query_type else (),
        stage.schema.mutation_type.fields if stage.schema.mutation_type else (),
        stage.schema.subscription_type.fields if stage.schema.subscription_type else (),
    )
    taking_none = {"backends", "_service"}
    assert set(fields) - answering == taking_none


async def test_nothing_of_anothers_is_in_anything_that_can_be_selected(stage: Stage) -> None:
    operation = "query" + selection(stage.schema, stage.schema.query_type, depth=5)
    everything = decoded(await stage.asked(operation, BOTH))
    mine = decoded(await stage.asked(operation, ANN))
    stage.theirs.behaviour.calls.clear()
    await stage.asked(operation, ANN)
    assert (THEIRS in everything, MINE in everything, MINE in mine, THEIRS in mine) == (True, True, True, False)
    assert stage.theirs.behaviour.calls == []


async def test_anothers_cursors_lead_nowhere_of_theirs(stage: Stage) -> None:
    for place in places(stage.schema, depth=1):
        if place.path != ("after",):
            continue
        page = f"query {{ {place.field}(first: 1) {{ pageInfo {{ endCursor }} }} }}"
        cursor = (await data(stage.gateway, page, principal=BOB))[place.field]["pageInfo"]["endCursor"]
        stage.theirs.behaviour.calls.clear()
        told = decoded(shape(await stage.asked(place.operation(json.dumps(cursor))), cursor))
        assert (THEIRS in told, stage.theirs.behaviour.calls) == (False, []), str(place)


async def test_a_dispatch_is_visible_with_all_its_backends_and_an_item_with_its_own(stage: Stage) -> None:
    ids = "{ dispatches { nodes { id } } }"
    seen = {
        who.id: {node["id"] for node in (await data(stage.gateway, ids, principal=who))["dispatches"]["nodes"]}
        for who in (ANN, BOB, BOTH)
    }
    of = stage.dispatches
    assert seen == {"ann": {of["ann"]}, "bob": {of["bob"]}, "both": {of["ann"], of["bob"], of["both"]}}
    items = "query($id: ID!) { customer(by: {id: $id}) { dispatchItems { nodes { state target { id } } } } }"
    customer_id = gid("Customer", MINE, "c1")
    found = await data(stage.gateway, items, principal=ANN, id=customer_id)
    assert [one["target"]["id"] for one in found["customer"]["dispatchItems"]["nodes"]] == [customer_id]


async def test_a_key_of_a_principal_that_lost_its_rights_replays_nothing(stage: Stage) -> None:
    lost = Principal(id="bob", backends=frozenset((MINE,)))
    given = {"document": gid("Letter", THEIRS, "l1"), "idempotencyKey": "k"}
    again = (await data(stage.gateway, EMAIL, principal=BOB, input=given))["sent"]
    after = (await data(stage.gateway, EMAIL, principal=lost, input=given))["sent"]
    assert (again["replayed"], after["dispatch"]) == (True, None)
    assert [problem["code"] for problem in after["problems"]] == ["NOT_FOUND"]


async def test_a_key_is_its_principals_own(stage: Stage) -> None:
    given = {"document": gid("Letter", MINE, "l1"), "idempotencyKey": "k", "resend": True}
    sent = (await data(stage.gateway, EMAIL, principal=BOTH, input=given))["sent"]
    assert (sent["replayed"], sent["problems"]) == (False, [])
