"""What a federation router asks: records by the keys it holds, together, and each answered for itself."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.errors import Unavailable
from gateway.app import Gateway
from gateway.context import Principal
from gateway.ids import encode
from gateway.problems import ProblemCode
from gateway.schema.entity_keys import ENTITY_KEYS
from tests.gateway.asking import MAX_PAGE, Answer, answer, data, gateway_over, gid
from tests.gateway.behaviour import Call
from tests.gateway.fakes import Fake, fake
from tests.gateway.records import correspondence, customer, letter, message, template
from tests.gateway.sending import EMAIL, LETTER, sender, sent

ENTITIES = """
query Entities($of: [_Any!]!) {
  _entities(representations: $of) {
    __typename
    ... on Node { id }
    ... on Customer { backendKey nativeId code name }
  }
}
"""


def company(key: str = "a", **options: Any) -> Fake:
    """A backend with a record of every type."""
    return fake(
        key,
        customers=[customer(key, "1"), customer(key, "2")],
        correspondence=[correspondence(key, "c", "1")],
        letters=[letter(key, "l", "1")],
        templates=[template(key, "t", "1")],
        messages=[message(key, "m")],
        **({"unique_codes": True} | options),
    )


def named(type_name: str, backend: str = "a", native_id: str = "1") -> dict[str, Any]:
    """A representation by id."""
    return {"__typename": type_name, "id": gid(type_name, backend, native_id)}


async def entities(gateway: Gateway, *of: Any, query: str = ENTITIES, **members: Any) -> Answer:
    """The answer for these representations."""
    return await answer(gateway, query, of=list(of), **members)


async def refusal(gateway: Gateway, representation: Any) -> tuple[Any, Any, Any]:
    """Code, message and path of the one error that a representation gets, in the company of one that is there."""
    answered = await entities(gateway, representation, named("Customer"))
    assert [entity and entity["id"] for entity in answered.data["_entities"]] == [None, gid("Customer", "a", "1")]
    (error,) = answered.errors
    return error["extensions"]["code"], error["message"], error["path"]


RECORDS = [("Correspondence", "c"), ("Letter", "l"), ("CustomerEmailTemplate", "t"), ("CustomerMessage", "m")]


async def test_each_type_is_found_by_the_id_that_it_was_handed_out_with() -> None:
    a = sender()
    gateway = gateway_over(a, company("b"))
    dispatch = (await sent(gateway, EMAIL, document=LETTER))["dispatch"]
    text_id = (await data(gateway, '{ templates(backends: "b") { nodes { emailTemplate { id } } } }'))["templates"]
    of = [
        named("Customer", "b"),
        *(named(kind, "b", native_id) for kind, native_id in RECORDS),
        {"__typename": "EmailTemplate", "id": text_id["nodes"][0]["emailTemplate"]["id"]},
        named("Backend", "b", "b"),
        {"__typename": "Dispatch", "id": dispatch["id"]},
    ]
    answered = await entities(gateway, *of)

    assert answered.errors == []
    assert {one["__typename"] for one in of} == set(ENTITY_KEYS)
    assert [{"__typename": one["__typename"], "id": one["id"]} for one in answered.data["_entities"]] == of


@pytest.mark.parametrize("key", ENTITY_KEYS["Customer"])
async def test_every_key_of_a_customer_finds_it_again(key: tuple[str, ...]) -> None:
    a = company()
    gateway = gateway_over(a)
    handed_out = await data(gateway, "{ customers { nodes { id backendKey nativeId code } } }")
    of = [{"__typename": "Customer"} | {name: one[name] for name in key} for one in handed_out["customers"]["nodes"]]
    a.behaviour.calls.clear()
    answered = await entities(gateway, *of)

    assert answered.errors == []
    assert [one["nativeId"] for one in answered.data["_entities"]] == ["1", "2"]
    assert [(call.verb, len(call.keys)) for call in a.behaviour.calls] == [
        ("customers.by_code" if "code" in key else "customers.by_key", 2)
    ]


async def test_there_is_one_read_per_type_and_backend() -> None:
    a, b = company("a"), company("b")
    of = [
        named(kind, backend, native_id)
        for backend in ("a", "b")
        for kind, native_id in [("Customer", "1"), ("Customer", "2"), *RECORDS]
    ]
    answered = await entities(gateway_over(a, b), *of)
    verbs = ["correspondence.by_key", "customers.by_key", "letters.by_key", "messages.by_key", "templates.by_key"]

    assert answered.errors == []
    assert [sorted(call.verb for call in one.behaviour.calls) for one in (a, b)] == [verbs, verbs]


async def test_equal_keys_are_one_read() -> None:
    a = company()
    by_native_id = {"__typename": "Customer", "backendKey": "a", "nativeId": "1"}
    answered = await entities(gateway_over(a), named("Customer"), named("Customer"), by_native_id)

    assert [one["nativeId"] for one in answered.data["_entities"]] == ["1", "1", "1"]
    assert [call.keys for call in a.behaviour.calls] == [("1",)]


async def test_dispatches_are_one_read_of_the_ledger(monkeypatch: pytest.MonkeyPatch) -> None:
    gateway = gateway_over(sender())
    ids = [(await sent(gateway, EMAIL, document=LETTER, resend=True))["dispatch"]["id"] for _ in range(3)]
    asked: list[Any] = []
    get_many = gateway.sending.ledger.get_many

    async def counted(dispatch_ids: Any, visible: Any) -> Any:
        asked.append(list(dispatch_ids))
        return await get_many(dispatch_ids, visible)

    monkeypatch.setattr(gateway.sending.ledger, "get_many", counted)
    answered = await entities(gateway, *({"__typename": "Dispatch", "id": one} for one in [*ids, ids[0]]))

    assert [one["id"] for one in answered.data["_entities"]] == [*ids, ids[0]]
    assert [len(one) for one in asked] == [3]


async def test_the_ledger_is_not_asked_for_what_no_database_can_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    gateway = gateway_over(sender())
    asked: list[str] = []

    async def noted(dispatch_ids: Any, _: Any) -> Any:
        asked.extend(dispatch_ids)
        return {}

    monkeypatch.setattr(gateway.sending.ledger, "get_many", noted)
    answered = await entities(gateway, named("Dispatch", "-", "a\0b"), named("Dispatch", "-", "ab"))

    assert (answered.data, answered.errors) == ({"_entities": [None, None]}, [])
    assert asked == ["ab"]


async def test_what_is_selected_of_one_type_is_not_fetched_of_another() -> None:
    a = company()
    query = """
    query ($of: [_Any!]!) {
      _entities(representations: $of) { ...Mine ... on Letter { raw } ... on Document { date } ... on Node { id } }
    }
    fragment Mine on Customer { name }
    """
    answered = await entities(gateway_over(a), named("Customer"), named("Letter", native_id="l"), query=query)

    assert answered.errors == []
    assert {call.verb: call.wanted for call in a.behaviour.calls} == {
        "customers.by_key": frozenset(("name", "native_id")),
        "letters.by_key": frozenset(("raw", "date", "native_id")),
    }


NOT_THERE = [
    pytest.param(named("Customer", "a", "9"), id="a record that is not there"),
    pytest.param(named("Customer", "nowhere", "1"), id="a backend that is not configured"),
    pytest.param(named("Customer", "a", "../1"), id="a native id that cannot be"),
    pytest.param(named("Letter", "b", "1"), id="a backend without letters"),
    pytest.param(named("Backend", "nowhere", "nowhere"), id="a backend of another name"),
    pytest.param(named("Backend", "a", "b"), id="a backend's id that was never made"),
    pytest.param(named("Dispatch", "-", "0" * 32), id="a dispatch that is not there"),
    pytest.param(named("Dispatch", "a", "0" * 32), id="a dispatch's id that was never made"),
    pytest.param(named("Dispatch", "-", "a\0b"), id="an id that no database can hold"),
    pytest.param({"__typename": "Customer", "backendKey": "a", "nativeId": "9"}, id="a native id that is not there"),
    pytest.param({"__typename": "Customer", "backendKey": "a", "code": "none"}, id="a code that is not there"),
    pytest.param({"__typename": "Customer", "backendKey": "nowhere", "code": "C-1"}, id="a code nowhere"),
]


@pytest.mark.parametrize("representation", NOT_THERE)
async def test_what_is_not_there_is_null(representation: dict[str, Any]) -> None:
    gateway = gateway_over(company(), fake("b", customers=[customer("b", "1")]))
    answered = await entities(gateway, representation, named("Customer"))

    assert answered.errors == []
    assert [one and one["nativeId"] for one in answered.data["_entities"]] == [None, "1"]


HIDDEN = [
    named("Customer", "b", "1"),
    named("Customer", "b", "no/id"),
    named("Letter", "b", "l"),
    named("Backend", "b", "b"),
    {"__typename": "Customer", "backendKey": "b", "nativeId": "1"},
    {"__typename": "Customer", "backendKey": "b", "code": "C-1"},
]


@pytest.mark.parametrize("unique_codes", [True, False])
async def test_an_invisible_backend_is_as_if_it_were_not_there(unique_codes: bool) -> None:
    b = company("b", unique_codes=unique_codes)
    answered = await entities(
        gateway_over(company(), b), *HIDDEN, principal=Principal(id="p", backends=frozenset(("a",)))
    )

    assert (answered.data, answered.errors) == ({"_entities": [None] * len(HIDDEN)}, [])
    assert b.behaviour.calls == []


async def test_a_dispatch_of_an_invisible_backend_is_as_if_it_were_not_there() -> None:
    gateway = gateway_over(sender())
    dispatch = (await sent(gateway, EMAIL, document=LETTER))["dispatch"]
    answered = await entities(
        gateway, {"__typename": "Dispatch", "id": dispatch["id"]}, principal=Principal(id="p", backends=frozenset())
    )

    assert (answered.data, answered.errors) == ({"_entities": [None]}, [])


WAYS = "A Customer is named by `id`, or by `backendKey` and `nativeId`, or by `backendKey` and `code`."
TYPES = (
    "__typename is one of Backend, Correspondence, Customer, CustomerEmailTemplate, CustomerMessage, Dispatch, "
    "EmailTemplate, Letter."
)
WRONG = [
    pytest.param({"__typename": "Invoice", "id": "x"}, TYPES, id="an unknown type"),
    pytest.param({"id": gid("Customer", "a", "1")}, TYPES, id="no type"),
    pytest.param({"__typename": ["Customer"], "id": "x"}, TYPES, id="a type that is no text"),
    pytest.param({"__typename": "PageInfo"}, TYPES, id="a type without a key"),
    pytest.param({"__typename": "Customer"}, WAYS, id="no key"),
    pytest.param({"__typename": "Customer", "backendKey": "a"}, WAYS, id="half a key"),
    pytest.param({"__typename": "Letter", "nativeId": "l"}, "A Letter is named by `id`.", id="another type's key"),
    pytest.param(named("Letter") | {"__typename": "Customer"}, "This is not the `id` of a Customer.", id="type and id"),
    pytest.param({"__typename": "Customer", "id": "?"}, "This is not the `id` of a Customer.", id="no id of ours"),
    pytest.param(
        {"__typename": "Customer", "id": 7}, "`id` of a Customer is a text, as it was handed out.", id="a number"
    ),
    pytest.param(
        {"__typename": "Customer", "backendKey": "a", "code": None},
        "`code` of a Customer is a text, as it was handed out.",
        id="null",
    ),
    pytest.param("Customer", "A representation is an object: __typename, and the fields of a key.", id="no object"),
]


@pytest.mark.parametrize(("representation", "message"), WRONG)
async def test_a_wrong_representation_is_told_in_its_own_place(representation: Any, message: str) -> None:
    assert await refusal(gateway_over(company()), representation) == ("INVALID_INPUT", message, ["_entities", 0])


async def test_a_code_names_no_customer_where_the_vendor_does_not_say_that_codes_are_unique() -> None:
    a = company(unique_codes=False)
    code, text, path = await refusal(gateway_over(a), {"__typename": "Customer", "backendKey": "a", "code": "C-1"})

    assert (code, path) == ("UNSUPPORTED", ["_entities", 0])
    assert text == "At this backend a code may name several customers: name the customer by `id`, or by `nativeId`."
    assert [call.verb for call in a.behaviour.calls] == ["customers.by_key"]


async def test_a_backend_that_fails_takes_only_its_own_entities_with_it() -> None:
    a, b = company("a"), company("b")
    b.behaviour.lasting["customers.by_key"] = Unavailable("Down.", backend="b")
    answered = await entities(
        gateway_over(a, b), named("Customer", "b"), named("Customer"), named("Customer", "b", "2")
    )

    assert [one and one["backendKey"] for one in answered.data["_entities"]] == [None, "a", None]
    assert [(error["path"], error["extensions"]["code"]) for error in answered.errors] == [
        (["_entities", 0], "UNAVAILABLE"),
        (["_entities", 2], "UNAVAILABLE"),
    ]
    assert len({error["extensions"]["incident"] for error in answered.errors}) == 1


async def test_there_are_no_more_than_a_page_has_records() -> None:
    a = company()
    answered = await entities(gateway_over(a), *[named("Customer")] * (MAX_PAGE + 1))

    assert answered.data is None
    assert [error["message"] for error in answered.errors] == [
        f"`representations` has at most {MAX_PAGE} ids; {MAX_PAGE + 1} were given."
    ]
    assert a.behaviour.calls == []


async def test_representations_may_stand_in_the_document() -> None:
    query = '{ _entities(representations: [{__typename: "Customer", backendKey: "a", nativeId: "2"}]) { __typename } }'

    assert await data(gateway_over(company()), query) == {"_entities": [{"__typename": "Customer"}]}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
NAMES = st.sampled_from([*ENTITY_KEYS, "Query", "_Entity", "", "__proto__"])
IDS = st.builds(encode, NAMES.filter(bool), st.sampled_from(["a", "-", "zz"]), st.text(min_size=1))
REPRESENTATIONS = JSON | st.fixed_dictionaries(
    {},
    optional={
        "__typename": NAMES | JSON,
        "id": IDS | JSON,
        "backendKey": st.just("a") | JSON,
        "nativeId": st.sampled_from(["1", "9", "..", "/"]) | JSON,
        "code": st.sampled_from(["C-1", "x"]) | JSON,
        "self": JSON,
    },
)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(REPRESENTATIONS.filter(lambda one: one is not None), max_size=5))
async def test_whatever_is_represented_each_place_has_a_record_nothing_or_a_public_error(of: list[Any]) -> None:
    answered = await entities(gateway_over(company()), *of)
    public = {code.value for code in ProblemCode}

    assert len(answered.data["_entities"]) == len(of)
    for error in answered.errors:
        place, name = error["path"][1], error["path"][0]
        assert (name, answered.data["_entities"][place]) == ("_entities", None)
        assert error["extensions"]["code"] in public, json.dumps(of)


async def test_reads_are_as_declared() -> None:
    a = company()
    query = "query ($of: [_Any!]!) { _entities(representations: $of) { ... on Customer { emails } } }"
    await entities(gateway_over(a), named("Customer"), query=query)

    assert a.behaviour.calls == [Call("customers.by_key", ("1",), frozenset(("emails",)))]
