"""graphql-transport-ws, message by message: what is answered, and with which code a socket is closed."""

import asyncio
import json
from typing import Any

import pytest

from gateway.app import Gateway
from gateway.server.requests_reading import MAX_BODY_BYTES, MAX_DOCUMENT_CHARACTERS
from tests.gateway.asking import gateway_over
from tests.gateway.fakes import fake
from tests.gateway.records import customer
from tests.gateway.sending import LETTER, sender
from tests.gateway.server.endpoint import usual
from tests.gateway.server.socket_talk import ACK, talking, talking_to
from tests.gateway.server.test_incremental import DEFERRED, FIRST, LAST, two
from tests.gateway.server.wire import listening
from tests.hurrying import pass_time
from tests.patience import PATIENCE

ANSWER = {"id": "1", "type": "next", "payload": {"data": {"__typename": "Query"}}}
EMAIL = f'mutation {{ emailDocument(input: {{document: "{LETTER}"}}) {{ dispatch {{ state }} }} }}'
SLOW = "{ customers { nodes { name } } }"


def held() -> tuple[Gateway, Any]:
    """A gateway, and the gate at which its operations wait."""
    a = fake("a", customers=[customer("a", "1")])
    return gateway_over(a), a.behaviour.hold("customers.page")


# ── Operations ───────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_query_is_answered_once() -> None:
    async with talking() as talk:
        assert await talk.ask("{ __typename }") == [ANSWER, {"id": "1", "type": "complete"}]


async def test_a_mutation_is_executed() -> None:
    async with talking(gateway_over(sender())) as talk:
        first, _ = await talk.ask(EMAIL)
    assert first["payload"] == {"data": {"emailDocument": {"dispatch": {"state": "SUCCEEDED"}}}}


async def test_an_id_may_have_255_characters() -> None:
    longest = "é" * 255
    async with talking() as talk:
        assert (await talk.ask("{ __typename }", longest))[-1] == {"id": longest, "type": "complete"}


async def test_a_name_twice_in_a_payload_is_told_under_the_operations_id_and_ends_nothing_else() -> None:
    text = '{"type": "subscribe", "id": "1", "payload": {"query": "{ a }", "query": "{ __typename }"}}'
    async with talking() as talk:
        await talk.socket.send(text)
        told = await talk.hear()
        assert (told["id"], told["type"]) == ("1", "error")
        reason = "The payload is no GraphQL request: it has query twice in one object."
        assert told["payload"] == [{"message": reason, "extensions": {"code": "BAD_REQUEST"}}]
        assert (await talk.ask("{ __typename }"))[0] == ANSWER


async def test_a_payloads_extensions_ask_what_an_answer_cost_and_which_calls_it_took() -> None:
    async with talking(gateway_over(fake("a", customers=[customer("a", "1")]))) as talk:
        plain, _ = await talk.ask(SLOW)
        told, _ = await talk.ask(SLOW, extensions={"cost": True, "vendorCalls": True})
        not_asked, _ = await talk.ask(SLOW, extensions={"cost": 1, "vendorCalls": "true"})
    assert told["payload"]["data"] == plain["payload"]["data"] == not_asked["payload"]["data"]
    assert told["payload"]["extensions"] == {"cost": {"requested": 1, "maximum": 2_000}, "vendorCalls": []}
    assert ("extensions" in plain["payload"], "extensions" in not_asked["payload"]) == (False, False)


async def test_variables_and_the_operations_name_are_heeded() -> None:
    query = "query A($n: Int!) { customers(first: $n) { nodes { id } } } query B { __typename }"
    async with talking() as talk:
        a, _ = await talk.ask(query, operationName="A", variables={"n": 0})
        b, _ = await talk.ask(query, operationName="B", variables={"n": 0})
    assert b["payload"] == ANSWER["payload"]
    assert a["payload"]["errors"][0]["extensions"]["code"] == "INVALID_INPUT"


async def test_results_in_parts_come_as_one_message_each() -> None:
    fast, slow = two()
    gate = slow.behaviour.hold("customers.page")
    async with talking(gateway_over(fast, slow)) as talk:
        await talk.subscribe(DEFERRED)
        first = await talk.hear()
        gate.release.set()
        rest = [await talk.hear(), await talk.hear()]
    assert (first["type"], first["payload"]) == ("next", FIRST)
    assert [one["payload"] for one in rest[:-1]] == [LAST]
    assert rest[-1] == {"id": "1", "type": "complete"}


async def test_operations_run_side_by_side() -> None:
    gateway, gate = held()
    async with talking(gateway) as talk:
        await talk.subscribe(SLOW, "slow")
        await gate.begun.wait()
        assert (await talk.ask("{ __typename }", "quick"))[0]["payload"] == ANSWER["payload"]
        gate.release.set()
        assert (await talk.hear())["id"] == "slow"


async def test_an_id_is_free_when_its_operation_is_complete() -> None:
    async with talking() as talk:
        assert [await talk.ask("{ __typename }", "same") for _ in range(3)] == [
            [{**ANSWER, "id": "same"}, {"id": "same", "type": "complete"}]
        ] * 3


async def test_an_id_is_free_when_its_operation_is_let_go_of() -> None:
    gateway, gate = held()
    async with talking(gateway) as talk:
        await talk.subscribe(SLOW)
        await gate.begun.wait()
        await talk.say("complete", id="1")
        assert (await talk.ask("{ __typename }"))[0] == ANSWER


NO_PAYLOAD = "The payload is no GraphQL request: "


@pytest.mark.parametrize(
    ("payload", "code", "reason"),
    [
        ({"query": "{"}, "GRAPHQL_VALIDATION_FAILED", "Syntax Error: "),
        ({"query": "{ nothing }"}, "GRAPHQL_VALIDATION_FAILED", "Cannot query field 'nothing'"),
        ({"query": "subscription { nothing }"}, "GRAPHQL_VALIDATION_FAILED", "Cannot query field 'nothing'"),
        ({"query": "subscription { dispatchProgress(id: 1"}, "GRAPHQL_VALIDATION_FAILED", "Syntax Error: "),
        ({"query": "{ __typename }", "operationName": "A"}, "GRAPHQL_VALIDATION_FAILED", "The document has no"),
        ({"query": "query A { a: __typename } query B { __typename }"}, "GRAPHQL_VALIDATION_FAILED", "The document"),
        (
            {"query": "subscription($i: ID!) { dispatchProgress(id: $i) { state } }"},
            "GRAPHQL_VALIDATION_FAILED",
            "Variable '$i'",
        ),
        (None, "BAD_REQUEST", NO_PAYLOAD + "Expected `object`, got `null`."),
        ([], "BAD_REQUEST", NO_PAYLOAD + "Expected `object`, got `array`."),
        ({}, "BAD_REQUEST", "There is no query, and nothing that names a document."),
        ({"query": 1}, "BAD_REQUEST", NO_PAYLOAD),
        ({"query": ""}, "BAD_REQUEST", "The query is empty."),
        ({"query": "{ __typename }", "variables": []}, "BAD_REQUEST", NO_PAYLOAD),
        ({"query": "{ __typename }", "operationName": "a" * 300}, "BAD_REQUEST", "operationName is longer"),
        ({"query": "{" + "a " * MAX_DOCUMENT_CHARACTERS + "}"}, "BAD_REQUEST", "The query is longer"),
        ({"query": "{ a(b: \0) }"}, "GRAPHQL_VALIDATION_FAILED", "Syntax Error: "),
    ],
)
async def test_what_is_wrong_with_an_operation_is_told_under_its_id_and_ends_nothing_else(
    payload: Any, code: str, reason: str
) -> None:
    async with talking() as talk:
        await talk.say("subscribe", id="wrong", payload=payload)
        told = await talk.hear()
        after = await talk.ask("{ __typename }")
    (error,) = told.pop("payload")
    assert told == {"id": "wrong", "type": "error"}
    assert (error["extensions"]["code"], error["message"][: len(reason)]) == (code, reason)
    assert after[0] == ANSWER


async def test_a_subscription_that_fails_is_told_so() -> None:
    async with talking() as talk:
        (told,) = await talk.ask('subscription { dispatchProgress(id: "nothing") { state } }')
        after = await talk.ask("{ __typename }")
    assert (told["type"], told["payload"][0]["extensions"]["code"]) == ("error", "NOT_FOUND")
    assert after[0] == ANSWER


async def test_a_failure_of_our_own_is_told_under_its_id(monkeypatch: pytest.MonkeyPatch) -> None:
    gateway = usual()
    monkeypatch.setattr(gateway.operations, "admitted", None)
    async with talking(gateway) as talk:
        (told,) = await talk.ask("{ __typename }")
    assert (told["type"], told["payload"][0]["extensions"]["code"]) == ("error", "INTERNAL")


# ── The connection ───────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("payload", [{}, {"payload": None}, {"payload": {"a": 1}}])
async def test_a_ping_is_answered_with_what_it_had_also_before_the_first_word(payload: Any) -> None:
    expected = {"type": "pong", **{name: given for name, given in payload.items() if given is not None}}
    async with talking(init=False) as talk:
        await talk.say("ping", **payload)
        await talk.say("pong")
        assert await talk.hear() == expected
        await talk.init()
        await talk.say("ping", **payload)
        assert await talk.hear() == expected


@pytest.mark.parametrize("protocol", [None, "graphql-ws"])
async def test_another_subprotocol_is_refused(protocol: str | None) -> None:
    async with listening() as gateway, talking_to(gateway, protocol) as talk:
        assert await talk.closed() == (4406, "The subprotocol here is graphql-transport-ws.")


async def test_who_subscribes_before_the_first_word_is_refused() -> None:
    async with talking(init=False) as talk:
        await talk.subscribe("{ __typename }")
        assert await talk.closed() == (4401, "Say connection_init before you subscribe.")


async def test_the_first_word_has_its_time() -> None:
    async with talking(init=False, head_seconds=PATIENCE / 2) as talk:
        pass_time(PATIENCE / 2)
        assert await talk.closed() == (4408, "connection_init did not come in time.")


async def test_pings_are_no_first_word() -> None:
    async with talking(init=False, head_seconds=PATIENCE / 2) as talk:
        await talk.say("ping")
        assert await talk.hear() == {"type": "pong"}
        pass_time(PATIENCE / 2)
        assert await talk.closed() == (4408, "connection_init did not come in time.")


async def test_the_first_word_is_said_once() -> None:
    async with talking() as talk:
        await talk.say("connection_init")
        assert await talk.closed() == (4429, "connection_init was said already.")


async def test_an_id_is_of_one_operation_at_once() -> None:
    gateway, gate = held()
    async with talking(gateway) as talk:
        await talk.subscribe(SLOW)
        await gate.begun.wait()
        await talk.subscribe("{ __typename }")
        assert await talk.closed() == (4409, "There is an operation 1 already.")


TOWER = '{"type": "ping", "payload": {"a": ' + "[" * 100_000 + "]" * 100_000 + "}}"
NO_MESSAGE = "This is no message: "
LONG_ID = "i" * 256
BAD_ID = "The id of an operation has 1 to 255 characters."


@pytest.mark.parametrize("init", [True, False])
@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", NO_MESSAGE),
        ("{", NO_MESSAGE),
        ("null", NO_MESSAGE + "Expected `object`, got `null`."),
        ("[]", NO_MESSAGE),
        ("{}", NO_MESSAGE + "Object missing required field `type`."),
        ('{"type": "nothing"}', NO_MESSAGE + "Invalid value 'nothing' - at `$.type`."),
        ('{"type": "next", "id": "1", "payload": {}}', NO_MESSAGE),
        ('{"type": 1}', NO_MESSAGE),
        ('{"type": "subscribe", "payload": {"query": "{ __typename }"}}', NO_MESSAGE),
        ('{"type": "subscribe", "id": 1, "payload": {"query": "{ __typename }"}}', NO_MESSAGE),
        ('{"type": "subscribe", "id": "", "payload": {"query": "{ __typename }"}}', BAD_ID),
        (f'{{"type": "subscribe", "id": "{LONG_ID}", "payload": {{"query": "{{ __typename }}"}}}}', BAD_ID),
        (f'{{"type": "complete", "id": "{LONG_ID}"}}', BAD_ID),
        ('{"type": "complete"}', NO_MESSAGE),
        ('{"type": "ping", "type": "ping"}', NO_MESSAGE + "it has type twice in one object."),
        ('{"type": "ping", "payload": {"a": [{"b": 1, "\\u0062": 1}]}}', NO_MESSAGE + "it has b twice in one object."),
        ('{"type": "connection_init", "payload": {"authorization": "a", "authorization": "b"}}', NO_MESSAGE),
        ('{"type": "subscribe", "id": "1", "id": "2", "payload": {"query": "{ __typename }"}}', NO_MESSAGE),
        ('{"type": "subscribe", "id": "1", "payload": {}, "payload": {"query": "{ __typename }"}}', NO_MESSAGE),
        ('{"type": "subscribe", "id": "1", "payload": {}, "payload": {}}', NO_MESSAGE),
        ('{"type": "ping", "payload": []}', NO_MESSAGE),
        ('{"type": "ping", "payload": {"a": ' + "9" * 10_000 + "}}", NO_MESSAGE),
        ('{"type": "ping", "payload": {"a": "\\ud800"}}', NO_MESSAGE),
        (TOWER, "The message is nested too deeply."),
        ("é" * 1_000, NO_MESSAGE),
    ],
)
async def test_what_is_no_message_closes_the_socket(init: bool, text: str, reason: str) -> None:
    async with talking(init=init) as talk:
        await talk.socket.send(text)
        code, said = await talk.closed()
    assert (code, said[: len(reason)]) == (4400, reason)


async def test_a_binary_message_closes_the_socket() -> None:
    async with talking() as talk:
        await talk.socket.send(json.dumps({"type": "ping"}).encode())
        assert await talk.closed() == (4400, "Messages are text, not binary.")


async def test_a_message_that_is_too_large_closes_the_socket() -> None:
    async with talking() as talk:
        await talk.socket.send(" " * (MAX_BODY_BYTES + 1))
        assert (await talk.closed())[0] == 1009


async def test_bytes_that_are_no_text_close_the_socket() -> None:
    async with talking() as talk:
        await talk.socket.send(b"\xff", text=True)
        assert (await talk.closed())[0] == 1007


async def test_the_server_goes_on_whatever_becomes_of_a_socket() -> None:
    async with listening() as gateway:
        for text in ("", "null", TOWER):
            async with talking_to(gateway) as talk:
                await talk.socket.send(text)
                assert (await talk.closed())[0] == 4400
        async with talking_to(gateway) as talk:
            await talk.init()
            assert (await talk.ask("{ __typename }"))[0] == ANSWER


# ── Limits ───────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_socket_has_so_many_operations_at_once() -> None:
    gateway, gate = held()
    async with talking(gateway, operations_per_socket=2) as talk:
        await talk.subscribe(SLOW, "a")
        await talk.subscribe(SLOW, "b")
        (told,) = await talk.ask("{ __typename }", "c")
        assert (told["type"], told["payload"][0]["message"]) == ("error", "A socket has 2 operations at once, at most.")
        gate.release.set()
        assert {(await talk.hear())["id"] for _ in range(4)} == {"a", "b"}
        assert (await talk.ask("{ __typename }"))[0] == ANSWER


async def test_a_process_has_so_many_sockets_at_once() -> None:
    async with listening(sockets=1) as gateway:
        async with talking_to(gateway) as first, talking_to(gateway) as second:
            await first.init()
            assert await second.closed() == (1013, "The gateway has as many WebSockets as it takes.")
        async with talking_to(gateway) as third:
            await third.init()


async def test_a_caller_has_so_many_sockets_at_once() -> None:
    async with listening(sockets_per_caller=1) as gateway:
        async with talking_to(gateway) as first, talking_to(gateway) as second:
            await first.init()
            await second.say("connection_init")
            assert await second.closed() == (1013, "You have as many WebSockets as a caller may have.")
        async with talking_to(gateway) as third:
            await third.init()


async def test_an_answer_of_a_closed_socket_goes_nowhere() -> None:
    gateway, gate = held()
    async with listening(gateway) as served:
        async with talking_to(served) as talk:
            await talk.say("connection_init")
            assert await talk.hear() == ACK
            await talk.subscribe(SLOW)
            await gate.begun.wait()
        gate.release.set()
        async with talking_to(served) as other:
            await other.init()
            assert (await other.ask("{ __typename }"))[0] == ANSWER
        await asyncio.sleep(0)
