"""Answers in gzip, where that is wanted and worth it.

Length can tell of content (the BREACH attack) where somebody else can have a browser ask with a person's credential,
put text of their own into the answer, and watch lengths. Nobody can here: a credential is a header that no other site's
page can send, and its JSON would need a preflight that is refused. What goes out in pieces is not compressed: each
would have to be flushed, which leaves little of the gain.
"""

import asyncio
import functools
import gzip
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from gateway.server.negotiation import weights_of

__all__ = ["LEAST_BYTES", "compress", "takes_gzip"]

LEAST_BYTES: Final = 1_400
"""What goes into one packet arrives no sooner for being shorter."""

MOST_BYTES_AT_ONCE: Final = 32 * 1024
"""Compressing this takes about a quarter of a millisecond; what is larger goes to a thread, lest others wait."""

LEVEL: Final = 1
"""Of a list of customers it leaves 15 %; the usual level 6 leaves 12 %, and takes three to four times as long."""


async def compress(response: Response, request: Request) -> None:
    """Compresses a response's body, where the request takes that. ``Vary`` is the response's own to say."""
    if len(response.body) < LEAST_BYTES or not takes_gzip(",".join(request.headers.getlist("accept-encoding"))):
        return
    if len(response.body) <= MOST_BYTES_AT_ONCE:
        response.body = _packed(response.body)
    else:
        response.body = await asyncio.to_thread(_packed, response.body)
    response.headers["Content-Encoding"] = "gzip"
    response.headers["Content-Length"] = str(len(response.body))


@functools.lru_cache(maxsize=256)
def takes_gzip(accept_encoding: str) -> bool:
    """Whether an Accept-Encoding takes gzip, and no worse than what is not encoded (RFC 9110, 12.5.3)."""
    weights = weights_of(accept_encoding)
    gzip_weight = weights.get("gzip", weights.get("x-gzip", weights.get("*", 0.0)))
    return gzip_weight > 0 and gzip_weight >= weights.get("identity", 0.0)


def _packed(body: bytes | memoryview) -> bytes:
    return gzip.compress(body, LEVEL, mtime=0)
