"""Accept decides what is answered: by weight, then by its own order."""

import pytest

from gateway.server.negotiation import Media, accepted_by
from tests.gateway.server.endpoint import endpoint, posted

URQL = (
    "application/graphql-response+json, application/graphql+json, application/json, text/event-stream, multipart/mixed"
)


@pytest.mark.parametrize(
    ("header", "ranked"),
    [
        (None, [Media.JSON, Media.RESPONSE, Media.MULTIPART, Media.EVENTS]),
        ("*/*", [Media.JSON, Media.RESPONSE, Media.MULTIPART, Media.EVENTS]),
        ("application/*", [Media.JSON, Media.RESPONSE]),
        ("application/json", [Media.JSON]),
        ("Application/JSON; Charset=UTF-8", [Media.JSON]),
        ("application/json;charset=utf-16", []),
        ("application/graphql-response+json, application/json;q=0.9", [Media.RESPONSE, Media.JSON]),
        ("application/json;q=0.9, application/graphql-response+json", [Media.RESPONSE, Media.JSON]),
        ("application/json, application/graphql-response+json", [Media.JSON, Media.RESPONSE]),
        ("text/event-stream, application/json", [Media.EVENTS, Media.JSON]),
        ("text/event-stream;q=0.1, application/json;q=0.2", [Media.JSON, Media.EVENTS]),
        ("application/json;q=0, */*", [Media.RESPONSE, Media.MULTIPART, Media.EVENTS]),
        ("*/*;q=0.1, text/event-stream", [Media.EVENTS, Media.JSON, Media.RESPONSE, Media.MULTIPART]),
        ("application/json;q=nonsense", []),
        ("application/json;q=2", []),
        ("image/png", []),
        (URQL, [Media.RESPONSE, Media.JSON, Media.EVENTS, Media.MULTIPART]),
        ("multipart/mixed;deferSpec=20220824, application/json", [Media.JSON]),
        ("multipart/mixed;incrementalSpec=v0.2, application/json", [Media.MULTIPART, Media.JSON]),
        ('multipart/mixed;boundary=graphql;subscriptionSpec="1.0", application/json', [Media.JSON]),
    ],
)
def test_an_accept_header_ranks(header: str | None, ranked: list[Media]) -> None:
    assert list(accepted_by(header).ranked) == ranked


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        ("*/*", "application/json; charset=utf-8"),
        ("application/graphql-response+json", "application/graphql-response+json; charset=utf-8"),
        (URQL, "application/graphql-response+json; charset=utf-8"),
        ("multipart/mixed, application/json", "application/json; charset=utf-8"),
        ("multipart/mixed", 'multipart/mixed; boundary="-"'),
        ("text/event-stream, application/json", "text/event-stream; charset=utf-8"),
    ],
)
async def test_a_query_is_answered_as(accept: str, content_type: str) -> None:
    async with endpoint() as client:
        answer = await posted(client, "{ __typename }", accept)
    assert (answer.status_code, answer.headers["content-type"]) == (200, content_type)


async def test_what_nobody_can_answer_with_is_406() -> None:
    async with endpoint() as client:
        answer = await posted(client, "{ __typename }", "image/png")
    expected = "Answers are application/json, application/graphql-response+json, multipart/mixed, text/event-stream."
    assert (answer.status_code, answer.json()["errors"][0]["message"]) == (406, expected)


@pytest.mark.parametrize("accept", [None, "text/event-stream", "multipart/mixed", "image/png"])
async def test_every_answer_varies_by_accept_and_is_kept_by_nobody(accept: str | None) -> None:
    async with endpoint() as client:
        answer = await posted(client, "{ __typename }", accept)
    assert answer.headers["vary"] == "Accept, Accept-Encoding"
    assert "no-store" in answer.headers["cache-control"].split(", ")
    assert answer.headers["x-content-type-options"] == "nosniff"
