"""Whatever bytes come, the answer is a 4xx with its reason, at once, and the server goes on."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator

import pytest

from gateway.public_codes import PUBLIC_CODES
from gateway.server.requests_reading import MAX_BODY_BYTES, MAX_DISCARDED_BYTES, MAX_DOCUMENT_CHARACTERS
from tests.gateway.server.endpoint import JSON, RESPONSE, endpoint, posted, usual
from tests.gateway.server.wire import HEAD, listening
from tests.gateway.serving import routes_of, serving
from tests.patience import PATIENCE

NO_REQUEST = "The body is no GraphQL request: "
QUERY = b'{"query": "{ __typename }"'

BODIES: list[tuple[str, bytes, int, str]] = [
    ("nothing", b"", 400, NO_REQUEST),
    ("null", b"null", 400, NO_REQUEST + "Expected `object`, got `null`."),
    ("a number", b"1", 400, NO_REQUEST + "Expected `object`, got `int`."),
    ("a text", b'"{ __typename }"', 400, NO_REQUEST + "Expected `object`, got `str`."),
    ("an array", b"[]", 400, "Batches are not taken: send one operation a request."),
    ("a batch", b" [" + QUERY + b"}]", 400, "Batches are not taken: send one operation a request."),
    ("half", QUERY, 400, NO_REQUEST),
    ("two", QUERY + b"}" + QUERY + b"}", 400, NO_REQUEST),
    ("no query", b"{}", 400, "There is no query, and nothing that names a document."),
    ("an empty query", b'{"query": ""}', 400, "The query is empty."),
    ("a query of no text", b'{"query": 1}', 400, NO_REQUEST + "Expected `str | null`, got `int` - at `$.query`."),
    ("variables in an array", QUERY + b', "variables": [1]}', 400, NO_REQUEST),
    ("no number", QUERY + b', "variables": {"a": NaN}}', 400, NO_REQUEST),
    ("an infinite number", QUERY + b', "variables": {"a": 1e999}}', 400, NO_REQUEST),
    ("10,000 digits", QUERY + b', "variables": {"a": ' + b"9" * 10_000 + b"}}", 400, NO_REQUEST),
    ("no UTF-8", b"\xff\xfe", 400, NO_REQUEST),
    ("no UTF-8 in a text", b'{"query": "\xff"}', 400, NO_REQUEST + "it is not UTF-8."),
    ("a surrogate's bytes", b'{"query": "\xed\xa0\x80"}', 400, NO_REQUEST + "it is not UTF-8."),
    ("UTF-16", (QUERY + b"}").decode().encode("utf-16"), 400, NO_REQUEST),
    ("gzip", gzip.compress(QUERY + b"}"), 400, NO_REQUEST),
    *(
        (f"half a surrogate pair in {member}", text, 400, NO_REQUEST + "it escapes half of a surrogate pair.")
        for member, text in {
            "the query": b'{"query": "{ a(b: \\"\\ud800\\") }"}',
            "operationName": QUERY + b', "operationName": "\\udc00"}',
            "a variable": QUERY + b', "variables": {"a": "\\uD83D!"}}',
            "a variable's name": QUERY + b', "variables": {"\\udfff": 1}}',
        }.items()
    ),
    ("query twice", QUERY + b', "query": "{ b }"}', 400, NO_REQUEST + "it has query twice in one object."),
    (
        "query twice, once in escapes",
        QUERY + b', "\\u0071uery": "{ b }"}',
        400,
        NO_REQUEST + "it has query twice in one object.",
    ),
    (
        "a variable twice",
        QUERY + b', "variables": {"a": [{"b" : 1, "c": 2, "b":3}]}}',
        400,
        NO_REQUEST + "it has b twice in one object.",
    ),
    ("NUL", b"\0", 400, NO_REQUEST),
    ("NUL in a text", b'{"query": "\0"}', 400, NO_REQUEST),
    ("NUL after all", QUERY + b"}\0", 400, NO_REQUEST),
    ("gzip that says so nowhere", gzip.compress(b" " * 10_000_000), 400, NO_REQUEST),
    ("a tower", QUERY + b', "variables": {"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}}", 400, NO_REQUEST),
    ("a tower aside", QUERY + b', "b": ' + b'{"a":' * 100_000 + b"1" + b"}" * 100_000 + b"}", 400, NO_REQUEST),
    (
        "a megabyte of operationName",
        QUERY + b', "operationName": "' + b"a" * 1_000_000 + b'"}',
        400,
        "operationName is longer than 255 characters.",
    ),
    (
        "a megabyte of query",
        json.dumps({"query": "{" + "a " * 500_000 + "}"}).encode(),
        413,
        f"The query is longer than {MAX_DOCUMENT_CHARACTERS} characters.",
    ),
    (
        "more than is taken",
        QUERY + b" " * MAX_BODY_BYTES + b"}",
        413,
        f"The body is larger than {MAX_BODY_BYTES} bytes.",
    ),
]


@pytest.mark.parametrize(("body", "status", "reason"), [row[1:] for row in BODIES], ids=[row[0] for row in BODIES])
async def test_a_body_that_is_no_request_is_refused(body: bytes, status: int, reason: str) -> None:
    async with asyncio.timeout(PATIENCE), endpoint() as client:
        answer = await client.post("/graphql", content=body, headers=JSON)
        after = await client.post("/graphql", content=QUERY + b"}", headers=JSON)
    (error,) = answer.json()["errors"]
    assert (answer.status_code, error["extensions"]) == (status, {"code": "BAD_REQUEST"})
    assert error["message"].startswith(reason)
    assert after.json() == {"data": {"__typename": "Query"}}


@pytest.mark.parametrize(
    "body",
    [
        QUERY + b', "variables": {"query": 1, "a": {"variables": 2}, "b": {"variables": 3}}}',
        QUERY + b', "variables": {"a": "\\"b\\": 1, \\"b\\": 2", "c": ":"}}',
        QUERY + b', "variables": {"a\\u0062": 1, "ab2": ["x", "x"]}}',
        QUERY + b', "operationName": null, "variables": null, "extensions": null, "other": {"other": 1}}',
    ],
)
async def test_names_may_stand_once_in_each_object(body: bytes) -> None:
    async with endpoint() as client:
        answer = await client.post("/graphql", content=body, headers=JSON)
    assert answer.json() == {"data": {"__typename": "Query"}}


DOCUMENTS = [
    ("NUL", "{ a(b: \0) }"),
    ("a tower", "{ a" * 10_000),
    ("a tower of values", "{ a(b: " + "[" * 10_000 + "]" * 10_000 + ") }"),
    ("10,000 digits", "{ customers(first: " + "9" * 10_000 + ") { nodes { id } } }"),
    ("10,000 digits after the point", "{ customers(first: 0." + "9" * 10_000 + ") { nodes { id } } }"),
    ("a fragment of itself", "{ ...A } fragment A on Query { ...A }"),
    ("a wide name", "{ é }"),
    ("half of a block", '{ a(b: """'),
    ("a variable of no type", "query($a: Nothing) { __typename }"),
]


@pytest.mark.parametrize("document", [row[1] for row in DOCUMENTS], ids=[row[0] for row in DOCUMENTS])
async def test_a_document_that_cannot_be_executed_is_refused(document: str) -> None:
    async with asyncio.timeout(PATIENCE), endpoint() as client:
        answer = await posted(client, document, RESPONSE)
        after = await client.post("/graphql", content=QUERY + b"}", headers=JSON)
    assert (answer.status_code, list(answer.json())) == (400, ["errors"])
    assert {error["extensions"]["code"] for error in answer.json()["errors"]} <= PUBLIC_CODES - {"INTERNAL"}
    assert after.json() == {"data": {"__typename": "Query"}}


REQUESTS: list[tuple[str, bytes]] = [
    ("nonsense", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"),
    ("NUL in the line", b"GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("NUL in a header", b"GET / HTTP/1.1\r\nHost: a\r\nX: \0\r\n\r\n"),
    ("a header without a name", b"GET / HTTP/1.1\r\nHost: a\r\n: x\r\n\r\n"),
    ("no number for a length", HEAD + b"Content-Length: x\r\n\r\n"),
    ("less than nothing", HEAD + b"Content-Length: -1\r\n\r\n"),
    ("two lengths", HEAD + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\n12345"),
    ("a length and chunks", HEAD + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    ("no size of a chunk", HEAD + b"Transfer-Encoding: chunked\r\n\r\nx\r\n"),
    ("a chunk beyond all sizes", HEAD + b"Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n"),
    ("another coding", HEAD + b"Transfer-Encoding: gzip\r\n\r\n"),
    ("a method of no kind", b"N\xc3\xa9 /graphql HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("another protocol", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
]


@pytest.mark.parametrize("request_", [row[1] for row in REQUESTS], ids=[row[0] for row in REQUESTS])
async def test_what_is_no_http_is_refused(request_: bytes) -> None:
    async with listening() as gateway:
        wire = await gateway.connect()
        await wire.send(request_)
        wire.writer.write_eof()
        answer = await wire.reader.read()
        after = await (await gateway.connect()).ask()
    assert answer.startswith(b"HTTP/1.1 4")
    assert after == (200, b'{"data":{"__typename":"Query"}}')


async def test_a_body_without_a_length_is_refused_where_it_grows_too_large() -> None:
    async def growing() -> AsyncIterator[bytes]:
        yield QUERY
        for _ in range(MAX_BODY_BYTES // 65_536 + 1):
            yield b" " * 65_536
        yield b"}"

    async with endpoint() as client:
        answer = await client.post("/graphql", content=growing(), headers=JSON)
    assert answer.status_code == 413


async def test_a_body_that_would_be_too_much_to_read_is_not_read() -> None:
    async with asyncio.timeout(PATIENCE), serving(routes_of(usual())) as address:
        host, port = address.split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        head = "POST /graphql HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
        writer.write((head % (MAX_DISCARDED_BYTES + 1)).encode())
        answer = await reader.read()
        writer.close()
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"connection: close" in answer.lower()


@pytest.mark.parametrize(
    ("query_string", "reason"),
    [
        ("", "The URL has no query parameter."),
        ("query=", "The query is empty."),
        ("query=%FF", "The URL's query is not UTF-8, percent-encoded."),
        ("query=%ED%A0%80", "The URL's query is not UTF-8, percent-encoded."),
        ("query={__typename}&query={a}", "The URL gives query twice."),
        ("&".join(["query={__typename}", *("a=b" for _ in range(50))]), "The URL has more than 32 parameters."),
        ("query={__typename}&variables=[1]", "variables is no JSON object: Expected `object`, got `array`."),
        ("query={__typename}&variables=1", "variables is no JSON object: Expected `object`, got `int`."),
        ("query={__typename}&extensions={", "extensions is no JSON object: Input data was truncated."),
        (
            'query={__typename}&variables={"a":"\\ud800"}',
            "variables is no JSON object: it escapes half of a surrogate pair.",
        ),
        ("query={__typename}&operationName=" + "a" * 50_000, "operationName is longer than 255 characters."),
    ],
)
async def test_a_url_that_asks_for_nothing_is_refused(query_string: str, reason: str) -> None:
    async with endpoint() as client:
        answer = await client.get(f"/graphql?{query_string}")
    (error,) = answer.json()["errors"]
    assert (answer.status_code, error) == (400, {"message": reason, "extensions": {"code": "BAD_REQUEST"}})


async def test_a_url_of_a_megabyte_is_refused() -> None:
    async with asyncio.timeout(PATIENCE), serving(routes_of(usual())) as address:
        host, port = address.split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(b"GET /graphql?query={__typename}&operationName=" + b"a" * 1_000_000 + b" HTTP/1.1\r\n")
        writer.write(b"Host: a\r\nConnection: close\r\n\r\n")
        answer = await reader.read()
        writer.close()
    assert answer.startswith(b"HTTP/1.1 4")


async def test_numbers_of_more_than_64_bits_stay_what_they_are() -> None:
    query = b'"query($n: Int) { customers(first: $n) { nodes { id } } }"'
    body = b'{"query": ' + query + b', "variables": {"n": 18446744073709551617}}'
    async with endpoint() as client:
        answer = await client.post("/graphql", content=body, headers=JSON)
    assert "18446744073709551617" in answer.json()["errors"][0]["message"]


async def test_pairs_of_surrogates_are_one_character() -> None:
    body = b'{"query": "query($a: String!) { a: __type(name: $a) { name } }", "variables": {"a": "\\ud83d\\ude00"}}'
    async with endpoint() as client:
        answer = await client.post("/graphql", content=body, headers=JSON)
    assert (answer.status_code, answer.json()) == (200, {"data": {"a": None}})
