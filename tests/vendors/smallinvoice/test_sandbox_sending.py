"""Letters on their way: email, post and status, beyond the published examples."""

from typing import Any

import pytest

from adapters.sandboxing import Mailing
from tests.vendors.smallinvoice.emulator import DONE, NOW, TOKEN, Api, effects, letter

RECIPIENT = {"cc": False, "email": "accounts@harbour-books.example", "name": "Accounts office"}
OFFICE = {"cc": True, "email": "office@harbour-books.example", "name": ""}
MAIL = {"subject": "Hello", "body": "See the letter.", "recipients": [RECIPIENT, OFFICE]}


async def test_an_email_goes_to_all_its_recipients_at_once(api: Api) -> None:
    assert await api.ask("letter/email/id/2", MAIL) == DONE
    assert api.sandbox.state.outbox == [
        Mailing(
            n=1,
            kind="email",
            at=NOW.isoformat(),
            recipients=("accounts@harbour-books.example", "office@harbour-books.example"),
            subject="Hello",
            record="2",
            detail={
                "body": "See the letter.",
                "cc": ["office@harbour-books.example"],
                "names": ["Accounts office", ""],
            },
        )
    ]
    assert effects(api) == (1, 0, 0)


@pytest.mark.parametrize(
    "fields",
    [
        {"subject": ""},
        {"subject": None},
        {"body": ""},
        {"body": 1},
        {"recipients": []},
        {"recipients": "accounts@harbour-books.example"},
        {"recipients": ["accounts@harbour-books.example"]},
        {"recipients": [RECIPIENT, {"cc": False, "name": "x"}]},
        {"recipients": [{"email": "accounts@harbour-books.example", "name": "x"}]},
        {"recipients": [{"email": "accounts@harbour-books.example", "cc": False}]},
        {"recipients": [RECIPIENT | {"cc": 0}]},
        {"recipients": [RECIPIENT, RECIPIENT | {"email": "accounts.at.harbour-books"}]},
        {"recipients": [RECIPIENT | {"email": "accounts@harbour-books.example\n"}]},
        {"recipients": [RECIPIENT | {"bcc": True}]},
        {"afterstatus": "1"},
        {"sendstatus": "1"},
        {"speed": 1},
    ],
)
async def test_an_email_with_a_bad_field_goes_to_nobody(api: Api, fields: dict[str, Any]) -> None:
    assert await api.code("letter/email/id/2", MAIL | {"afterstatus": 1} | fields) == 90001
    assert (await letter(api))["status"] == 7


@pytest.mark.parametrize("missing", MAIL)
async def test_an_email_needs_its_required_fields(api: Api, missing: str) -> None:
    assert await api.code("letter/email/id/2", {key: value for key, value in MAIL.items() if key != missing}) == 90001


async def test_lenient_takes_a_recipient_with_an_address_alone(lenient: Api) -> None:
    mail = MAIL | {"id": 2, "recipients": [{"email": "a@harbour-books.example"}, RECIPIENT | {"cc": 1, "bcc": 0}]}
    assert await lenient.ask("letter/email/id/2", mail) == DONE
    assert lenient.sandbox.state.outbox[0].detail["cc"] == ["accounts@harbour-books.example"]


async def test_a_letter_by_post_goes_to_its_address(api: Api) -> None:
    assert await api.ask("letter/post/id/2", {"speed": 2, "color": 1}) == DONE
    assert api.sandbox.state.outbox == [
        Mailing(
            n=1,
            kind="post",
            at=NOW.isoformat(),
            recipients=(),
            subject="Letter to Jane Doe",
            record="2",
            detail={"address": ["Jane Doe", "Address", "123 Atlantis", "EG"], "speed": 2, "color": 1},
        )
    ]
    assert effects(api) == (0, 1, 0)


async def test_a_letter_by_post_is_black_and_white_unless_told(api: Api) -> None:
    await api.ask("letter/post/id/2", {"speed": 1})
    assert api.sandbox.state.outbox[0].detail["color"] == 0


@pytest.mark.parametrize(
    "post",
    [
        {},
        {"color": 1},
        {"speed": 0},
        {"speed": 3},
        {"speed": "1"},
        {"speed": 1, "color": 2},
        {"speed": 1, "subject": "x"},
    ],
)
async def test_a_post_with_a_bad_field_is_refused(api: Api, post: dict[str, Any]) -> None:
    assert await api.code("letter/post/id/2", post) == 90001


@pytest.mark.parametrize(("action", "body"), [("email", MAIL), ("post", {"speed": 1})])
@pytest.mark.parametrize(
    ("given", "status", "changed"),
    [
        ({}, 7, 0),
        ({"afterstatus": 1}, 1, 1),
        ({"afterstatus": 7}, 7, 0),
        ({"sendstatus": 1}, 7, 0),
        ({"sendstatus": 9, "afterstatus": 1}, 1, 1),
    ],
)
async def test_sending_sets_the_status_that_is_to_be_after(
    api: Api, action: str, body: dict[str, Any], given: dict[str, int], status: int, changed: int
) -> None:
    await api.ask(f"letter/{action}/id/2", body | given)
    assert ((await letter(api))["status"], effects(api)[2]) == (status, changed)


@pytest.mark.parametrize(
    ("action", "body"),
    [
        ("email", MAIL | {"afterstatus": 2}),
        ("post", {"speed": 1, "afterstatus": 0}),
        ("status", {"status": 2}),
        ("status", {"status": -7}),
    ],
)
async def test_a_status_that_letters_do_not_have_is_refused(api: Api, action: str, body: dict[str, Any]) -> None:
    assert await api.code(f"letter/{action}/id/2", body) == 90005


@pytest.mark.parametrize("body", [{}, {"status": "1"}, {"status": None}, {"status": 1, "title": "x"}])
async def test_a_status_change_needs_a_number_and_nothing_else(api: Api, body: dict[str, Any]) -> None:
    assert await api.code("letter/status/id/2", body) == 90001


async def test_a_status_goes_there_and_back(api: Api) -> None:
    for status in (1, 7):
        assert await api.ask("letter/status/id/2", {"status": status}) == DONE
        assert (await letter(api))["status"] == status
    assert effects(api) == (0, 0, 2)


async def test_sending_twice_sends_twice(api: Api) -> None:
    for _ in range(2):
        await api.http.get(f"/letter/get/id/2/token/{TOKEN}")
        await api.ask("letter/email/id/2", MAIL)
    assert effects(api) == (2, 0, 0)
