"""Mutations: one after the other, each answered wholly; both executors answer the same."""

from typing import Any

import pytest

from adapters.errors import Unavailable
from tests.engine.comparing import Both
from tests.gateway.asking import gid

NEW = 'createMessage(input: {backend: "a", code: "X", text: "Y"})'
LETTER = gid("Letter", "a", "l1")

MUTATIONS = {
    "a record is written and read": f"mutation {{ {NEW} {{ problems {{ code }} message {{ id text status }} }} }}",
    "two under aliases": f"mutation {{ a: {NEW} {{ problems {{ code }} }} b: {NEW} {{ message {{ code }} }} }}",
    "a refusal": """mutation {
      createMessage(input: {backend: "nowhere", code: "X", text: "Y"}) { __typename problems { code path } }
    }""",
    "no such record": 'mutation { deleteLetter(input: {id: "x"}) { deletedId problems { code } } }',
    "not offered": f"""mutation {{ setDocumentStatus(input: {{id: "{LETTER}", status: {{state: SENT}}}}) {{
      problems {{ code }} document {{ id state ... on Letter {{ pageCount }} }}
    }} }}""",
    "a plan": f"""mutation {{ emailDocument(input: {{document: "{LETTER}", dryRun: true}}) {{
      problems {{ code }} dispatch {{ id }} replayed
      plan {{
        callCount items {{ target {{ id ... on Letter {{ title }} }} recipients }}
        requests {{ method url }} warnings {{ code }}
      }}
    }} }}""",
    "a fragment": f"""mutation {{ ...F }} fragment F on Mutation {{ {NEW} {{ ...P }} }}
      fragment P on MessagePayload {{ problems {{ code }} }}""",
}


@pytest.mark.parametrize("mutation", MUTATIONS)
async def test_a_mutation(both: Both, mutation: str) -> None:
    await both.agree(MUTATIONS[mutation])


@pytest.mark.parametrize("verb", ["perform", "messages.by_key"])
async def test_a_mutation_that_fails(both: Both, verb: str) -> None:
    both.world.break_("a", verb, Unavailable("Down.", backend="a"))
    await both.agree(MUTATIONS["a record is written and read"])


async def test_a_variable_is_given_to_each_by_itself(both: Both) -> None:
    query = """mutation($input: CreateMessageInput!) {
      a: createMessage(input: $input) { problems { code } } b: createMessage(input: $input) { problems { code } }
    }"""
    await both.agree(query, {"input": {"backend": "a", "code": "X", "text": "Y"}})


async def test_mutations_are_done_in_their_order_each_wholly_before_the_next(both: Both) -> None:
    query = f"mutation {{ a: {NEW} {{ message {{ text }} }} b: {NEW} {{ message {{ text }} }} }}"
    operation = both.documents.prepared(query).operation(None)
    both.world.calls()
    await both.compiled.execute(operation, None, both.world.gateway.context())
    verbs = both.world.fakes["a"].behaviour.verbs()
    assert verbs == ["perform", "messages.by_key"] * 2


async def test_after_one_that_failed_and_may_not_be_null_nothing_more_is_done(
    both: Both, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The specification: a field that fails and may not be null ends a mutation's serial execution."""
    done: list[str] = []

    async def broken(*_: Any) -> Any:
        done.append("perform")
        raise RuntimeError("a bug")

    monkeypatch.setattr("gateway.schema.record_mutations.perform", broken)
    answer = await both.agree(f"mutation {{ a: {NEW} {{ problems {{ code }} }} b: {NEW} {{ problems {{ code }} }} }}")
    assert (answer.data, done) == (None, ["perform"] * 2)  # once by each executor
