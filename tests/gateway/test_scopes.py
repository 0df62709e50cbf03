"""What each scope allows, and that nothing is done or read for whoever lacks it."""

from typing import Any

import pytest
from strawberry.types import get_object_definition

from adapters.contract import Outcome, OutcomeState
from gateway.context import Principal
from gateway.principals import EVERYTHING, Scope
from gateway.schema.build import Mutation
from gateway.schema.customer import Customer
from gateway.schema.document import Correspondence, Document, Letter
from gateway.schema.fields import DECLARED
from gateway.schema.message import CustomerMessage
from gateway.schema.query import Query
from gateway.schema.record_mutations import RecordMutations
from gateway.schema.sends import SendMutations
from gateway.schema.subscription import Subscription
from gateway.schema.template import CustomerEmailTemplate, EmailTemplate
from tests.gateway.asking import answer, data, gateway_over, gid
from tests.gateway.sending import EMAIL, LETTER, sender
from tests.gateway.writing import NEW_LETTER, text_of, writer

PROBLEM = "problems { code }"
MESSAGE = 'This needs the scope "{}", which was not given to who asks.'


def with_only(*scopes: Scope) -> Principal:
    return Principal(id="someone", scopes=frozenset(scopes))


def without(scope: Scope) -> Principal:
    return Principal(id="someone", scopes=EVERYTHING - {scope})


def scopes_of(cls: type) -> dict[str, Any]:
    fields = get_object_definition(cls, strict=True).fields
    return {field.python_name: getattr(field.metadata.get(DECLARED), "scope", None) for field in fields}


@pytest.mark.parametrize(
    ("root", "scope"),
    [
        (Query, Scope.READ),
        (RecordMutations, Scope.WRITE),
        (SendMutations, Scope.SEND),
        (Subscription, Scope.READ),
    ],
)
def test_every_field_at_the_top_declares_its_scope(root: type, scope: Scope) -> None:
    assert set(scopes_of(root).values()) == {scope}


def test_every_mutation_is_a_write_or_a_send() -> None:
    assert set(scopes_of(Mutation)) == set(scopes_of(RecordMutations)) | set(scopes_of(SendMutations))


@pytest.mark.parametrize(
    "record", [Customer, Document, Correspondence, Letter, EmailTemplate, CustomerEmailTemplate, CustomerMessage]
)
def test_every_raw_record_declares_its_scope(record: type) -> None:
    assert scopes_of(record)["raw"] == Scope.RAW


async def test_without_read_nothing_is_read() -> None:
    a = writer()
    found = await answer(
        gateway_over(a), "{ backends { key } customers { nodes { id } } }", principal=without(Scope.READ)
    )
    assert {error["message"] for error in found.errors} == {MESSAGE.format("read")}
    assert (set(found.codes()), found.data, a.behaviour.calls) == ({"FORBIDDEN"}, None, [])


@pytest.mark.parametrize("scope", [Scope.WRITE, Scope.SEND, Scope.RAW, Scope.ADMIN])
async def test_no_other_scope_stands_for_read(scope: Scope) -> None:
    found = await answer(gateway_over(writer()), "{ backends { key } }", principal=with_only(scope))
    assert found.codes() == ["FORBIDDEN"]


async def test_read_alone_reads() -> None:
    assert await data(gateway_over(writer()), "{ backends { key } }", principal=with_only(Scope.READ)) == {
        "backends": [{"key": "a"}]
    }


async def test_without_write_nothing_is_written() -> None:
    a = writer()
    found = await data(gateway_over(a), text_of("createLetter", None), principal=without(Scope.WRITE), input=NEW_LETTER)
    (problem,) = found["createLetter"]["problems"]
    assert (problem["code"], problem["message"]) == ("FORBIDDEN", MESSAGE.format("write"))
    assert (a.behaviour.prepared, a.behaviour.calls) == ([], [])


async def test_write_alone_writes_and_reads_nothing_back() -> None:
    a = writer()
    found = await data(
        gateway_over(a), text_of("createLetter", None), principal=with_only(Scope.WRITE), input=NEW_LETTER
    )
    assert (found["createLetter"]["problems"], [call.verb for call in a.behaviour.calls]) == (
        [],
        ["perform"],
    )


async def test_what_was_written_is_not_answered_without_read_and_so_not_written() -> None:
    a = writer()
    found = await data(gateway_over(a), text_of("createLetter"), principal=without(Scope.READ), input=NEW_LETTER)
    (problem,) = found["createLetter"]["problems"]
    assert (problem["message"], found["createLetter"]["letter"]) == (MESSAGE.format("read"), None)
    assert a.behaviour.calls == []


async def test_without_send_nothing_is_sent_or_planned() -> None:
    a = sender()
    gateway = gateway_over(a)
    for dry_run in (False, True):
        given = {"document": LETTER, "dryRun": dry_run}
        found = await data(
            gateway,
            "mutation($input: EmailDocumentInput!) { sent: emailDocument(input: $input) { "
            "dispatch { id } plan { callCount } problems { code message } } }",
            principal=without(Scope.SEND),
            input=given,
        )
        assert found["sent"] == {
            "dispatch": None,
            "plan": None,
            "problems": [{"code": "FORBIDDEN", "message": MESSAGE.format("send")}],
        }
    assert a.behaviour.calls == []


STANDING = "dispatch { id state counts { total accepted } } problems { code message } replayed"
"""What a dispatch is, and how it stands, is its sender's to know."""


async def test_send_alone_sends_and_is_told_how_it_stands() -> None:
    a = sender()
    gateway = gateway_over(a)
    query = f"mutation($input: EmailDocumentInput!) {{ sent: emailDocument(input: $input) {{ {STANDING} }} }}"
    found = await data(gateway, query, principal=with_only(Scope.SEND), input={"document": LETTER})
    sent = found["sent"]["dispatch"]
    assert (sent["state"], sent["counts"]) == ("SUCCEEDED", {"total": 1, "accepted": 1})
    for verb in ("cancelDispatch", "retryDispatch", "reconcileDispatch"):
        query = f"mutation($id: ID!) {{ done: {verb}(id: $id) {{ {STANDING} }} }}"
        found = await data(gateway, query, principal=with_only(Scope.SEND), id=sent["id"])
        assert (found["done"]["problems"], found["done"]["dispatch"]["state"]) == ([], "SUCCEEDED")


NOT_ANSWERED = 'What is asked of the answer needs the scope "{}", which was not given to who asks. Nothing was done: '
ANSWERS = [
    ("items { nodes { state } }", Scope.READ),
    ("... on Dispatch { state ...Items }", Scope.READ),
    ("items { edges { node { target { ... on Letter { raw } } } } }", Scope.RAW),
    ("items { nodes { target { ... on Letter { customer { raw } } } } }", Scope.RAW),
]


@pytest.mark.parametrize(("asked", "scope"), ANSWERS)
@pytest.mark.parametrize("compiled", [True, False])
async def test_who_may_not_see_the_answer_sends_nothing(asked: str, scope: Scope, compiled: bool) -> None:
    a = sender()
    gateway = gateway_over(a)
    fragment = " fragment Items on Dispatch { items { nodes { state } } }" if "...Items" in asked else ""
    asked += "" if compiled else " ... @defer { action }"  # which graphql-core executes
    query = (
        "mutation($input: EmailDocumentInput!) { sent: emailDocument(input: $input) "
        f"{{ dispatch {{ {asked} }} problems {{ code message }} }} }}{fragment}"
    )
    context = gateway.context(without(scope))
    if compiled:
        found = await data(gateway, query, principal=without(scope), input={"document": LETTER})
    else:
        result = await gateway.schema.execute(query, {"input": {"document": LETTER}}, context_value=context)
        found = getattr(result, "initial_result", result).data
    (problem,) = found["sent"]["problems"]
    assert (problem["code"], found["sent"]["dispatch"]) == ("FORBIDDEN", None)
    assert problem["message"] == NOT_ANSWERED.format(scope.value) + "ask for less of it."
    assert a.behaviour.calls == []
    assert await data(gateway, "{ dispatches { nodes { id } } }") == {"dispatches": {"nodes": []}}


@pytest.mark.parametrize("verb", ["cancelDispatch", "retryDispatch", "reconcileDispatch"])
async def test_who_may_not_see_the_answer_changes_nothing_of_a_dispatch(verb: str) -> None:
    a = sender()
    a.behaviour.outcomes.append([Outcome(state=OutcomeState.UNDONE)])
    gateway = gateway_over(a)
    sent = (await data(gateway, EMAIL, input={"document": LETTER}))["sent"]["dispatch"]
    a.behaviour.calls.clear()
    query = (
        f"mutation($id: ID!) {{ done: {verb}(id: $id) {{ dispatch {{ items {{ nodes {{ state }} }} }} {PROBLEM} }} }}"
    )
    found = await data(gateway, query, principal=with_only(Scope.SEND), id=sent["id"])
    assert found["done"]["problems"] == [{"code": "FORBIDDEN"}]
    stands = await data(gateway, "{ dispatches { nodes { state items { nodes { state attempt } } } } }")
    (left,) = stands["dispatches"]["nodes"]
    assert (left["state"], left["items"]["nodes"]) == ("FAILED", [{"state": "FAILED", "attempt": 1}])
    assert a.behaviour.calls == []


async def test_without_raw_nothing_is_written_whose_raw_record_is_asked_for() -> None:
    a = writer()
    query = (
        f"mutation($input: CreateLetterInput!) {{ done: createLetter(input: $input) {{ letter {{ raw }} {PROBLEM} }} }}"
    )
    found = await data(gateway_over(a), query, principal=without(Scope.RAW), input=NEW_LETTER)
    assert (found["done"]["problems"], a.behaviour.calls) == ([{"code": "FORBIDDEN"}], [])


async def test_without_raw_the_vendors_record_is_not_even_fetched() -> None:
    a, b = writer(), writer()
    query = "query($id: ID!) { customer(by: {id: $id}) { name raw } }"
    told = await answer(gateway_over(a), query, principal=without(Scope.RAW), id=gid("Customer", "a", "1"))
    assert (told.codes(), told.data["customer"]["raw"]) == (["FORBIDDEN"], None)
    assert told.data["customer"]["name"] is not None
    await answer(gateway_over(b), query, id=gid("Customer", "a", "1"))
    assert [call.wanted for call in a.behaviour.calls] == [frozenset(("name",))]
    assert [call.wanted for call in b.behaviour.calls] == [frozenset(("name", "raw"))]


async def test_without_raw_no_vendor_fields_are_passed_on() -> None:
    a = writer()
    given = NEW_LETTER | {"vendorFields": {"colour": "red"}}
    found = await data(gateway_over(a), text_of("createLetter"), principal=without(Scope.RAW), input=given)
    (problem,) = found["createLetter"]["problems"]
    assert (problem["code"], problem["path"], a.behaviour.calls) == ("FORBIDDEN", ["vendorFields"], [])


async def test_an_absent_input_takes_no_scope() -> None:
    given = NEW_LETTER | {"vendorFields": None}
    found = await data(gateway_over(writer()), text_of("createLetter", None), principal=without(Scope.RAW), input=given)
    assert found["createLetter"]["problems"] == []
