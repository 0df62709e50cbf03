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

from gateway.server.fields import Fields
from gateway.server.negotiation import weights_of

__all__ = ["LEAST_BYTES", "compressed", "takes_gzip"]

LEAST_BYTES: Final = 1_400
"""What goes into one packet arrives no sooner for being shorter."""

MOST_BYTES_AT_ONCE: Final = 32 * 1024
"""Compressing this takes about a quarter of a millisecond; what is larger goes to a thread, lest others wait."""

LEVEL: Final = 1
"""Of a list of customers it leaves 15 %; the usual level 6 leaves 12 %, and takes three to four times as long."""


async def compressed(body: bytes, fields: Fields) -> bytes | None:
    """An answer's body in gzip; None where the request does not take that, or it is not worth it.

    ``Vary`` is the answer's own to say.
    """
    if len(body) < LEAST_BYTES or not takes_gzip(fields.together(b"accept-encoding")):
        return None
    if len(body) <= MOST_BYTES_AT_ONCE:
        return _packed(body)
    return await asyncio.to_thread(_packed, body)


@functools.lru_cache(maxsize=256)
def takes_gzip(accept_encoding: str) -> bool:
    """Whether an Accept-Encoding takes gzip, and no worse than what is not encoded (RFC 9110, 12.5.3)."""
    weights = weights_of(accept_encoding)
    gzip_weight = weights.get("gzip", weights.get("x-gzip", weights.get("*", 0.0)))
    return gzip_weight > 0 and gzip_weight >= weights.get("identity", 0.0)


def _packed(body: bytes) -> bytes:
    return gzip.compress(body, LEVEL, mtime=0)
