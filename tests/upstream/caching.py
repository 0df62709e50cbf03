"""A vendor whose data changes, behind a cache; and a clock that is turned by hand."""

import json
from typing import Any

import httpx
import redis.asyncio

from adapters.wire import EXTENSION, CallInfo
from gateway.upstream.cache import CacheTransport
from gateway.upstream.cache_store import Store
from gateway.upstream.calls import CacheUse
from gateway.upstream.coalesce import CoalesceTransport
from tests.upstream.reading import asking, called

SECONDS = {"customer.list": 30.0}
ACCOUNT = b"account"


class Company:
    """A vendor's data: ``version`` is what it answers, with ``headers``, until something is written."""

    def __init__(self) -> None:
        self.version = 1
        self.headers: dict[str, str] = {}
        self.status = 200
        self.body: bytes | None = None
        self.write_fails: BaseException | None = None

    def answer(self, request: httpx.Request) -> httpx.Response:
        """What the vendor answers."""
        info: CallInfo = request.extensions[EXTENSION]
        if info.write:
            self.version += 1
            if self.write_fails is not None:
                raise self.write_fails
            return httpx.Response(201)
        if "etag" in self.headers and request.headers.get("if-none-match") == self.headers["etag"]:
            return httpx.Response(304, headers=self.headers)
        body = json.dumps({"version": self.version}).encode() if self.body is None else self.body
        return httpx.Response(self.status, content=body, headers={"content-type": "application/json", **self.headers})


def is_sound(_: int, body: bytes) -> bool:
    """Whether a body of `Company` is an answer."""
    return body.startswith(b"{") and b"error" not in body


class Clock:
    """Seconds, as `time.monotonic`."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def stacked(vendor: httpx.AsyncBaseTransport, store: Store, **members: Any) -> CacheTransport:
    """A cache over calls that are shared, over a vendor."""
    options = {"account": ACCOUNT, "seconds": SECONDS, "is_sound": is_sound, **members}
    return CacheTransport(CoalesceTransport(vendor), store, **options)


async def read(
    transport: httpx.AsyncBaseTransport, request: httpx.Request | None = None
) -> tuple[Any, CacheUse | None]:
    """What is answered, and what the cache had to do with it."""
    request, call = called(asking() if request is None else request)
    answer = await transport.handle_async_request(request)
    return answer.json().get("version"), call.cache


async def kept_keys(client: redis.asyncio.Redis) -> list[bytes]:
    """The names of all that Redis keeps, generations apart."""
    names = [name for name in await client.keys("postroom:answers:*") if isinstance(name, bytes)]
    return [name for name in names if not name.endswith(b":generation")]
