"""Pages, files, the schema and the metrics: compressed where that is taken, and not sent again to who has them."""

import gzip

import httpx
import pytest

from gateway.server.assets import asset_url
from tests.gateway.server.wire import Listening, listening

LARGE = [asset_url("", "graphiql.min.js"), asset_url("", "explorer.css"), "/_static/tabs.json", "/schema.graphql"]
TAGGED = [*LARGE, asset_url("", "postroom.svg")]


async def got(gateway: Listening, path: str, **headers: str) -> httpx.Response:
    """The answer as it came, not unpacked."""
    named = {"accept-encoding": "identity"} | {name.replace("_", "-"): value for name, value in headers.items()}
    async with (
        httpx.AsyncClient(base_url=f"http://{gateway.address}", headers=named) as client,
        client.stream("GET", path) as answer,
    ):
        answer._content = b"".join([chunk async for chunk in answer.aiter_raw()])
    return answer


@pytest.mark.parametrize("path", [*LARGE, "/", "/metrics"])
async def test_what_is_large_is_compressed_for_who_takes_that(path: str) -> None:
    async with listening() as gateway:
        plain = await got(gateway, path)
        packed = await got(gateway, path, accept_encoding="gzip, br")
        again = await got(gateway, path, accept_encoding="gzip, br")
    assert ("content-encoding" in plain.headers, packed.headers["content-encoding"]) == (False, "gzip")
    assert len(packed.content) < len(plain.content) / 2
    assert packed.headers["content-length"] == str(len(packed.content))
    if path != "/metrics":  # whose numbers move
        assert gzip.decompress(packed.content) == gzip.decompress(again.content) == plain.content
    for answer in (plain, packed):
        assert "Accept-Encoding" in answer.headers["vary"]
        assert answer.headers["content-type"] == plain.headers["content-type"]


async def test_what_is_small_is_not() -> None:
    async with listening() as gateway:
        answer = await got(gateway, asset_url("", "postroom.svg"), accept_encoding="gzip")
    assert ("content-encoding" in answer.headers, answer.content[:4]) == (False, b"<svg")


@pytest.mark.parametrize("path", TAGGED)
async def test_who_has_it_already_is_told_so(path: str) -> None:
    async with listening() as gateway:
        first = await got(gateway, path, accept_encoding="gzip")
        tag = first.headers["etag"]
        for named in (tag, f'"other", {tag}', tag.removeprefix("W/"), "*"):
            answer = await got(gateway, path, if_none_match=named)
            assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", tag)
            for name in ("cache-control", "vary"):
                assert answer.headers[name] == first.headers[name]
        changed = await got(gateway, path, if_none_match='W/"other"')
    assert (changed.status_code, changed.headers["etag"]) == (200, tag)


@pytest.mark.parametrize(
    ("path", "kept"),
    [
        (asset_url("", "explorer.js"), "public, max-age=31536000, immutable"),
        ("/_static/tabs.json", "no-cache"),
        ("/schema.graphql", "private, no-cache"),
        ("/", "no-store"),
        ("/metrics", "no-store"),
    ],
)
async def test_it_is_said_how_long_each_may_be_kept(path: str, kept: str) -> None:
    async with listening() as gateway:
        assert (await got(gateway, path)).headers["cache-control"] == kept
