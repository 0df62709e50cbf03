"""The letters as records and as files, beyond the published examples."""

import io
import math
from collections.abc import AsyncIterator
from typing import Any

import pytest
from PIL import Image
from pypdf import PdfReader

from tests.vendors.smallinvoice.emulator import DONE, Api, effects, letter, opened

NEW = {"client_id": 16, "client_address_id": 11, "date": "2026-07-01"}


@pytest.fixture
async def five() -> AsyncIterator[Api]:
    """Letters 2, 43, 44, 45, 46; 44 and 45 are of one day, and 45 is sent."""
    async with opened() as api:
        for day, title in (("2013-02-20", "c"), ("2013-03-01", "b"), ("2013-03-01", "b"), ("2013-02-26", "a: x")):
            await api.ask("letter/add", NEW | {"date": day, "title": title})
        await api.ask("letter/status/id/45", {"status": 1})
        yield api


async def listed(api: Api, pairs: str = "") -> list[int]:
    return [item["id"] for item in (await api.ask(f"letter/list{pairs}"))["items"]]


# list


@pytest.mark.parametrize(
    ("pairs", "ids"),
    [
        ("", [45, 44, 46, 2, 43]),
        ("/sorttype/asc", [43, 2, 46, 44, 45]),
        ("/sort/date/sorttype/desc", [45, 44, 46, 2, 43]),
        ("/sort/due/sorttype/asc", [2, 43, 44, 45, 46]),
        ("/sort/number", [46, 45, 44, 43, 2]),
        ("/sort/title/sorttype/up", [45, 44, 46, 2, 43]),
        ("/limit/2", [45, 44]),
        ("/page/2/limit/2", [46, 2]),
        ("/limit/2/page/3", [43]),
        ("/limit/2/page/4", []),
        ("/limit/2147483647/page/2147483647", []),
        ("/limit/0", [45, 44, 46, 2, 43]),
        ("/page/2", [45, 44, 46, 2, 43]),
        ("/filter/status:1", [45]),
        ("/filter/date:2013-03-01;status:7", [44]),
        ("/filter/title:a: x", [46]),
        ("/filter/client_name:Jane%20Doe/limit/1", [45]),
        ("/filter/status%3A1", [45]),
        ("/filter/status:1;status:7/sort/due", [46, 44, 43, 2]),
        ("/filter/nothing:1;colon", [45, 44, 46, 2, 43]),
        ("/filter/id:02", []),
        ("/filter/id:2 OR 1", []),
        ("/filter/1 OR 1:1", [45, 44, 46, 2, 43]),
    ],
)
async def test_a_list_is_sorted_paged_and_filtered_by_its_pairs(five: Api, pairs: str, ids: list[int]) -> None:
    assert await listed(five, pairs) == ids


@pytest.mark.parametrize("limit", [0, 1, 2, 3, 5, 6])
@pytest.mark.parametrize("page", [1, 2, 7])
async def test_the_envelope_echoes_the_page_and_counts_pages_and_letters(five: Api, limit: int, page: int) -> None:
    answer = await five.ask(f"letter/list/limit/{limit}/page/{page}")
    del answer["items"]
    pages = math.ceil(5 / limit) if limit else 1
    assert answer == {"error": False, "page": page, "pages": pages, "count": 5}


async def test_a_filters_count_is_of_what_it_lets_through(five: Api) -> None:
    answer = await five.ask("letter/list/limit/2/filter/status:7")
    assert (answer["pages"], answer["count"]) == (2, 4)


@pytest.mark.parametrize("pairs", ["/limit/2", ""])
async def test_an_empty_list_has_one_page(five: Api, pairs: str) -> None:
    answer = await five.ask(f"letter/list{pairs}/filter/id:1")
    assert answer == {"error": False, "page": 1, "pages": 1, "count": 0, "items": []}


@pytest.mark.parametrize(
    "pairs", ["limit/-1", "limit/x", "limit/%20", "page/0", "page/-1", "page/1.5", f"page/{9**99}"]
)
async def test_a_limit_or_page_that_is_no_count_is_refused(api: Api, pairs: str) -> None:
    assert await api.code(f"letter/list/{pairs}") == 90001


# pdf, preview


async def test_a_pdf_is_a_file_with_as_many_pages_that_shows_the_letter(api: Api) -> None:
    answer = await api.send("letter/pdf/id/2")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/pdf")
    reader = PdfReader(io.BytesIO(answer.content))
    text = reader.pages[0].extract_text().splitlines()
    assert len(reader.pages) == 1
    assert {"Letter to Jane Doe", "Jane Doe", "123 Atlantis", "2013-02-25", "Draft"} <= set(text)


async def test_any_title_goes_into_a_file(api: Api) -> None:
    await api.ask("letter/edit/id/2", {"title": "日本\U0001f600\x00\n(\\ "})
    assert len(PdfReader(io.BytesIO((await api.send("letter/pdf/id/2")).content)).pages) == 1
    assert (await api.send("letter/preview/id/2")).content[1:4] == b"PNG"


@pytest.mark.parametrize(
    ("pairs", "width"),
    [
        ("", 595),
        ("/size/240", 240),
        ("/size/595", 595),
        ("/size/600", 600),
        ("/size/972", 972),
        ("/size/1240/page/1", 1240),
        ("/size/825", 825),
    ],
)
async def test_a_preview_is_a_png_of_the_size(api: Api, pairs: str, width: int) -> None:
    answer = await api.send(f"letter/preview/id/2{pairs}")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/png")
    image = Image.open(io.BytesIO(answer.content))
    assert (image.format, image.width, image.height) == ("PNG", width, round(width * 842 / 595))


@pytest.mark.parametrize(
    ("pairs", "code"),
    [("/page/2", 90006), ("/page/0", 90001), ("/size/0", 90001), ("/size/2481", 90001), ("/size/big", 90001)],
)
async def test_a_preview_that_cannot_be_drawn_is_refused_in_json(api: Api, pairs: str, code: int) -> None:
    assert await api.code(f"letter/preview/id/2{pairs}") == code


# add, edit, delete


async def test_a_new_letter_is_a_draft_of_one_page_whatever_else_it_says(api: Api) -> None:
    added = await api.ask("letter/add", NEW | {"id": 7, "client_name": "x", "status": 1, "pages": 9})
    assert await letter(api, added["id"]) == {
        "id": 43,
        "client_id": 16,
        "client_address_id": 11,
        "client_contact_id": 0,
        "date": "2026-07-01",
        "title": "",
        "status": 7,
        "pages": 1,
    }
    assert effects(api) == (0, 0, 1)


async def test_an_id_is_never_given_twice(api: Api) -> None:
    assert await api.ask("letter/add", NEW) == {"error": False, "id": 43}
    await api.ask("letter/delete/id/43")
    assert await api.ask("letter/add", NEW) == {"error": False, "id": 44}


@pytest.mark.parametrize("missing", NEW)
async def test_a_new_letter_needs_its_required_fields(api: Api, missing: str) -> None:
    assert await api.code("letter/add", {key: value for key, value in NEW.items() if key != missing}) == 90001


BAD_FIELDS = [
    ({"client_id": "16"}, 90001),
    ({"client_id": True}, 90001),
    ({"client_id": 16.5}, 90001),
    ({"client_id": None}, 90001),
    ({"client_id": 2**63}, 90001),
    ({"client_id": 17}, 15016),
    ({"client_id": 0}, 15016),
    ({"client_address_id": 12}, 90004),
    ({"client_address_id": 0}, 90004),
    ({"client_contact_id": 5}, 90004),
    ({"date": "01.07.2026"}, 90001),
    ({"date": "20260701"}, 90001),
    ({"date": "2026-7-1"}, 90001),
    ({"date": "2026-02-30"}, 90001),
    ({"date": ""}, 90001),
    ({"date": 20260701}, 90001),
    ({"title": 5}, 90001),
    ({"title": None}, 90001),
    ({"title": "x", "content": "x"}, 90001),
]


@pytest.mark.parametrize(("fields", "code"), BAD_FIELDS)
async def test_a_bad_field_is_refused_in_add_and_edit(api: Api, fields: dict[str, Any], code: int) -> None:
    before = await letter(api)
    assert await api.code("letter/add", NEW | fields) == code
    assert await api.code("letter/edit/id/2", fields) == code
    assert (await letter(api), await listed(api)) == (before, [2])


@pytest.mark.parametrize("fields", [{"title": "New"}, {"date": "2026-01-31"}, {"title": "", "client_contact_id": 0}])
async def test_an_edit_changes_the_fields_that_it_gives(api: Api, fields: dict[str, Any]) -> None:
    before = await letter(api)
    assert await api.ask("letter/edit/id/2", fields | {"id": 9, "status": 1, "pages": 4}) == DONE
    assert await letter(api) == before | fields
    assert effects(api) == (0, 0, 1)


@pytest.mark.parametrize("fields", [{}, {"status": 1, "pages": 1}])
async def test_an_edit_that_gives_nothing_is_refused(api: Api, fields: dict[str, Any]) -> None:
    assert await api.code("letter/edit/id/2", fields) == 90001


async def test_an_edit_moves_a_letter_to_another_client_only_with_its_address(company: Api) -> None:
    one, other = (await company.ask("client/list/sort/number/sorttype/asc"))["items"][:2]
    moving = (await company.ask(f"letter/list/filter/client_id:{one['id']}"))["items"][0]["id"]
    moved = {"client_id": other["id"], "client_address_id": other["main_address_id"], "client_contact_id": 0}
    assert await company.code(f"letter/edit/id/{moving}", {"client_id": other["id"]}) == 90004
    assert await company.ask(f"letter/edit/id/{moving}", moved) == DONE
    assert (await letter(company, moving))["client_id"] == other["id"]
    assert (await company.ask(f"letter/list/filter/id:{moving};client_name:{other['name']}"))["count"] == 1


async def test_a_deleted_letter_is_gone(api: Api) -> None:
    assert await api.ask("letter/delete/id/2") == DONE
    assert await listed(api) == []
    for action in ("get", "pdf", "preview", "delete"):
        assert await api.code(f"letter/{action}/id/2") == 15016
    assert effects(api) == (0, 0, 1)
