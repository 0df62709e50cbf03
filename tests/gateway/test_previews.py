"""A dry run says whom a run would go to, for any number of them, and reads no more than it is asked for."""

from typing import Any

import pytest

from gateway.app import Gateway
from gateway.server.executing import ASK_FOR_LESS
from tests.gateway.asking import MAX_PAGE, answer, data, gateway_over, gid
from tests.gateway.fakes import Fake, fake
from tests.gateway.records import customer
from tests.gateway.sending import sender

COUNT = 240
WHOLE: dict[str, Any] = {"backend": "a", "dryRun": True}


def company() -> Fake:
    """A backend with more customers than a page has."""
    return fake("a", customers=[customer("a", str(n)) for n in range(COUNT)], writes=True, batch=100)


def asking(selection: str) -> str:
    """A request to send statements, with this selection of its plan."""
    return f"mutation($input: EmailStatementsInput!) {{ sent: emailStatements(input: $input) {{ plan {selection} }} }}"


async def planned(gateway: Gateway, selection: str, **members: Any) -> Any:
    """What is planned of statements."""
    return (await data(gateway, asking(selection), input=members))["sent"]["plan"]


async def test_a_preview_of_a_whole_backend_names_everybody_and_reads_its_list_alone() -> None:
    a = company()
    plan = await planned(gateway_over(a), "{ itemCount items { targetId name } }", **WHOLE)

    assert plan["items"] == [{"targetId": gid("Customer", "a", str(n)), "name": f"Company {n}"} for n in range(COUNT)]
    assert plan["itemCount"] == COUNT
    assert [call.verb for call in a.behaviour.calls] == ["customers.page"] * 3


async def test_of_a_whole_backend_a_page_of_targets_is_read() -> None:
    a = company()
    selection = "{ itemCount items(first: 3) { targetId target { id ... on Customer { code } } } }"
    plan = await planned(gateway_over(a), selection, **WHOLE)

    ids = [gid("Customer", "a", str(n)) for n in range(3)]
    assert plan["items"] == [{"targetId": one, "target": {"id": one, "code": f"C-{n}"}} for n, one in enumerate(ids)]
    assert plan["itemCount"] == COUNT
    assert [call.keys for call in a.behaviour.calls if call.keys] == [("0", "1", "2")]


async def test_all_targets_of_a_whole_backend_are_too_many_and_it_says_what_to_ask_for() -> None:
    a = company()
    answered = await answer(gateway_over(a), asking("{ items { target { id } } }"), input=WHOLE)

    assert [error["message"] for error in answered.errors] == [
        "The operation may cost 10110 reads; at most 2000 are allowed (limits.cost)." + ASK_FOR_LESS
    ]
    assert a.behaviour.calls == []


@pytest.mark.parametrize("count", [2, 60])
async def test_customers_who_are_named_have_their_names(count: int) -> None:
    a = company()
    ids = [gid("Customer", "a", str(n)) for n in range(count)]
    plan = await planned(gateway_over(a), "{ items { name } }", customers=ids, dryRun=True)

    assert plan["items"] == [{"name": f"Company {n}"} for n in range(count)]


async def test_one_whom_the_vendor_does_not_know_has_no_name() -> None:
    ids = [gid("Customer", "a", one) for one in ("1", "gone")]
    plan = await planned(gateway_over(company()), "{ items { targetId name } }", customers=ids, dryRun=True)

    assert plan["items"] == [{"targetId": ids[0], "name": "Company 1"}, {"targetId": ids[1], "name": None}]


async def test_what_is_sent_reads_no_names() -> None:
    a = company()
    query = "mutation($input: EmailStatementsInput!) { emailStatements(input: $input) { problems { code } } }"
    for dry_run in (True, False):
        await data(gateway_over(a), query, input={"backend": "a", "dryRun": dry_run})

    pages = [call.wanted for call in a.behaviour.calls if call.verb == "customers.page"]
    assert [sorted(one) for one in pages] == [
        *[["name", "native_id", "stable_id", "status"]] * 3,
        *[["native_id", "stable_id", "status"]] * 3,
    ]


async def test_documents_are_planned_by_their_ids_without_a_read() -> None:
    a = sender()
    query = """mutation($input: EmailDocumentsInput!) {
      emailDocuments(input: $input) { plan { itemCount items(first: 1) { targetId name } } }
    }"""
    ids = [gid("Letter", "a", "l1"), gid("Letter", "a", "l2")]
    plan = (await data(gateway_over(a), query, input={"documents": ids, "dryRun": True}))["emailDocuments"]["plan"]

    assert plan == {"itemCount": 2, "items": [{"targetId": ids[0], "name": None}]}
    assert a.behaviour.calls == []


@pytest.mark.parametrize("first", [0, -1, MAX_PAGE + 1])
async def test_a_page_of_a_plan_is_as_long_as_any_other(first: int) -> None:
    answered = await answer(gateway_over(company()), asking(f"{{ items(first: {first}) {{ name }} }}"), input=WHOLE)

    (error,) = answered.errors
    assert error["message"] == f"`first` is from 1 to {MAX_PAGE}; {first} was asked for."
    assert (error["extensions"]["code"], error["path"]) == ("INVALID_INPUT", ["sent", "plan", "items"])


async def test_what_was_sent_is_known_by_its_id_without_a_read() -> None:
    a = company()
    query = """mutation($input: EmailStatementsInput!) {
      emailStatements(input: $input) { dispatch { items { nodes { targetId } } } }
    }"""
    ids = [gid("Customer", "a", "1")]
    answered = await data(gateway_over(a), query, input={"customers": ids})

    assert answered["emailStatements"]["dispatch"]["items"]["nodes"] == [{"targetId": ids[0]}]
    assert [call.verb for call in a.behaviour.calls] == ["customers.by_key", "perform"]
