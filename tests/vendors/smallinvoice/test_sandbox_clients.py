"""The client actions beyond their published examples."""

from typing import Any

import pytest

from tests.vendors.smallinvoice.emulator import DONE, Api, opened

ADDRESS = {
    "primary": 1,
    "street": "Seeweg",
    "streetno": "4",
    "street2": "",
    "city": "Zürich",
    "code": "8001",
    "country": "CH",
}
SHORT = {"street": "Quay Street", "code": 3011, "city": "Bern", "country": "CH"}
NEW = {"type": 1, "gender": 0, "name": "Kestrel Freight AG", "language": "de", "addresses": [ADDRESS]}


async def client(api: Api, id: int) -> dict[str, Any]:
    found: dict[str, Any] = (await api.ask(f"client/get/id/{id}"))["item"]
    return found


async def test_a_new_client_has_what_it_was_given_and_empty_text_for_the_rest(api: Api) -> None:
    given = NEW | {"vat_id": "CHE-1", "email": "accounts@kestrel-freight.example", "notes": "x"}
    assert await api.ask("client/add", given) == {"error": False, "id": 17}
    place = {key: value for key, value in ADDRESS.items() if key != "primary"}
    assert await client(api, 17) == {
        **given,
        "id": 17,
        "number": 1001,
        "addition": "",
        "phone": "",
        "fax": "",
        "website": "",
        "main_contact_id": 0,
        "main_address_id": 12,
        **place,
        "addresses": [{"id": 12, **place}],
        "contacts": [],
        "assigns": [],
    }
    assert api.sandbox.state.effects["records"] == 1


@pytest.mark.parametrize(
    ("primaries", "main"), [((0, 0), "Seeweg"), ((0, 1), "Quay Street"), ((1, 1), "Seeweg"), ((1, 0), "Seeweg")]
)
async def test_the_first_primary_address_is_the_main_one(api: Api, primaries: tuple[int, int], main: str) -> None:
    one, other = primaries
    await api.ask("client/add", NEW | {"addresses": [ADDRESS | {"primary": one}, SHORT | {"primary": other}]})
    added = await client(api, 17)
    assert (added["street"], [address["id"] for address in added["addresses"]]) == (main, [12, 13])
    assert added["main_address_id"] == (12 if main == "Seeweg" else 13)


async def test_a_postcode_given_as_a_number_comes_back_as_text(api: Api) -> None:
    await api.ask("client/add", NEW | {"addresses": [SHORT]})
    added = await client(api, 17)
    assert (added["code"], added["addresses"][0]["code"]) == ("3011", "3011")


BAD_FIELDS = [
    {"type": 3},
    {"type": "1"},
    {"gender": 3},
    {"name": ""},
    {"name": None},
    {"language": "DE"},
    {"language": "de\n"},
    {"number": "5"},
    {"number": 1000},
    {"email": None},
    {"contacts": []},
    {"main_address_id": 11},
    {"addresses": {}},
    {"addresses": ["Seeweg"]},
    {"addresses": [{}]},
    {"addresses": [ADDRESS | {"primary": 2}]},
    {"addresses": [ADDRESS | {"primary": True}]},
    {"addresses": [ADDRESS | {"country": "Schweiz"}]},
    {"addresses": [ADDRESS | {"code": ""}]},
    {"addresses": [ADDRESS | {"customerPhone": ""}]},
    {"addresses": [ADDRESS, {"street": "Seeweg"}]},
]


@pytest.mark.parametrize("fields", BAD_FIELDS)
async def test_a_bad_field_is_refused_in_add_and_edit(api: Api, fields: dict[str, Any]) -> None:
    await api.ask("client/add", NEW)
    before = await api.ask("client/list")
    assert await api.code("client/add", NEW | fields) == 90001
    assert await api.code("client/edit/id/17", {"notes": "x"} | fields) == 90001
    assert await api.ask("client/list") == before


@pytest.mark.parametrize("missing", ["type", "name", "language", "addresses"])
async def test_a_new_client_needs_its_required_fields(api: Api, missing: str) -> None:
    assert await api.code("client/add", {key: value for key, value in NEW.items() if key != missing}) == 90001


async def test_a_new_client_needs_an_address(api: Api) -> None:
    assert await api.code("client/add", NEW | {"addresses": []}) == 90001


async def test_an_edit_changes_the_fields_and_addresses_that_it_gives(api: Api) -> None:
    before = await client(api, 16)
    edit = {"id": 99, "name": "Ridge Print AG", "addresses": [{"id": 11, "city": "Cork", "code": 12}, SHORT]}
    assert await api.ask("client/edit/id/16", edit) == DONE
    assert await client(api, 16) == before | {
        "name": "Ridge Print AG",
        "city": "Cork",
        "code": "12",
        "addresses": [
            before["addresses"][0] | {"city": "Cork", "code": "12"},
            SHORT | {"id": 12, "streetno": "", "street2": "", "code": "3011"},
        ],
    }


@pytest.mark.parametrize("address", [{"id": 11, "primary": 1}, SHORT | {"primary": 1}])
async def test_an_edit_makes_a_primary_address_the_main_one(api: Api, address: dict[str, Any]) -> None:
    await api.ask("client/edit/id/16", {"addresses": [SHORT | {"primary": 1}]})
    await api.ask("client/edit/id/16", {"addresses": [address]})
    assert (await client(api, 16))["main_address_id"] == address.get("id", 13)


@pytest.mark.parametrize("fields", [{"customerPhone": ""}, {"city": ""}, {"country": "Schweiz"}, {"primary": 2}])
async def test_a_bad_field_of_an_address_is_refused_in_edit(api: Api, fields: dict[str, Any]) -> None:
    assert await api.code("client/edit/id/16", {"name": "x", "addresses": [{"id": 11} | fields]}) == 90001
    assert (await client(api, 16))["name"] == "Jane Doe"


async def test_an_edit_keeps_its_hands_off_another_clients_address(api: Api) -> None:
    await api.ask("client/add", NEW)
    edit = {"name": "x", "addresses": [SHORT, {"id": 11, "city": "Cork"}]}
    before = await client(api, 17), await client(api, 16)
    assert await api.code("client/edit/id/17", edit) == 90004
    assert (await client(api, 17), await client(api, 16)) == before


async def test_a_client_keeps_its_own_number_in_an_edit(api: Api) -> None:
    assert await api.ask("client/edit/id/16", {"number": 1000}) == DONE
    assert await api.ask("client/edit/id/16", {"number": 2000}) == DONE
    assert (await client(api, 16))["number"] == 2000


@pytest.mark.parametrize("fields", [{}, {"id": 16}])
async def test_an_edit_that_gives_nothing_is_refused(api: Api, fields: dict[str, Any]) -> None:
    assert await api.code("client/edit/id/16", fields) == 90001


async def test_lenient_takes_a_client_as_a_shop_sends_it(lenient: Api) -> None:
    address = {
        "primary": 1,
        "street": " ",
        "streetno": " ",
        "street2": " ",
        "city": " ",
        "code": "00000",
        "country": "CH",
    }
    sent = NEW | {"type": "1", "gender": "2", "addresses": [address | {"customerPhone": "", "customerFax": ""}]}
    added = await client(lenient, (await lenient.ask("client/add", sent))["id"])
    assert (added["type"], added["gender"], added["street"], added["code"]) == (1, 2, " ", "00000")


async def test_a_deleted_client_is_gone_and_its_letters_stay() -> None:
    async with opened(settings={"client_name": True}) as api:
        before = await api.ask("letter/get/id/2")
        assert await api.ask("client/delete/id/16") == DONE
        assert (await api.ask("client/list"))["count"] == 0
        for action in ("get", "edit", "delete"):
            assert await api.code(f"client/{action}/id/16") == 15016
        assert await api.code("letter/add", {"client_id": 16, "client_address_id": 11, "date": "2026-07-01"}) == 15016
        assert await api.ask("letter/get/id/2") == before
        assert (await api.send("letter/pdf/id/2")).content[:4] == b"%PDF"
        assert await api.ask("letter/post/id/2", {"speed": 1}) == DONE
        assert await api.ask("letter/edit/id/2", {"title": "x"}) == DONE
        assert await api.ask("letter/delete/id/2") == DONE


@pytest.mark.parametrize(
    ("pairs", "ids"),
    [
        ("", [16, 18, 17]),
        ("/sorttype/asc", [17, 18, 16]),
        ("/sort/number", [17, 16, 18]),
        ("/sort/number/sorttype/asc/limit/2/page/2", [17]),
        ("/limit/100/page/1/sort/date/sorttype/asc", [17, 18, 16]),
        ("/filter/number:1000", [16]),
        ("/filter/country:CH;type:2", [18]),
        ("/filter/assigns:[]", [16, 18, 17]),
    ],
)
async def test_a_list_is_sorted_paged_and_filtered_by_its_pairs(api: Api, pairs: str, ids: list[int]) -> None:
    await api.ask("client/add", NEW | {"name": "Anchor Foods", "number": 1001})
    await api.ask("client/add", NEW | {"name": "Birch Tools", "number": 7, "type": 2})
    await api.ask("client/edit/id/16", {"name": "Yarrow Motors"})
    assert [item["id"] for item in (await api.ask(f"client/list{pairs}"))["items"]] == ids
