"""What is answered whole beside the endpoint: in gzip where that is taken, and not again to who has it (RFC 9110)."""

import hashlib
from collections.abc import Mapping
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from gateway.server.compression import compressed
from gateway.server.fields import Fields

__all__ = ["representation", "still_has", "tag_of", "varying"]

_ANY: Final = "*"


async def representation(
    request: Request, body: bytes, content_type: str, headers: Mapping[str, str], *, tag: str | None = None
) -> Response:
    """The answer with this body. With a ``tag``, who sends that along is told that nothing has changed (304)."""
    said = varying(headers)
    if tag is not None:
        said["ETag"] = tag
        if still_has(request, tag):
            return Response(status_code=304, headers=said)
    packed = await compressed(body, Fields(request.scope["headers"]))
    if packed is not None:
        said["Content-Encoding"] = "gzip"
    return Response(body if packed is None else packed, headers={**said, "Content-Type": content_type})


def varying(headers: Mapping[str, str]) -> dict[str, str]:
    """The headers of what is there compressed and plain."""
    others = headers.get("Vary")
    return {**headers, "Vary": "Accept-Encoding" if others is None else f"{others}, Accept-Encoding"}


def tag_of(body: bytes) -> str:
    """The entity tag of a content; a weak one, since it is the same for what is compressed (8.8.1)."""
    return f'W/"{hashlib.sha256(body).hexdigest()[:32]}"'


def still_has(request: Request, tag: str) -> bool:
    """Whether the request names this tag among those that it has (13.1.2: compared weakly)."""
    given = [one.strip() for field in request.headers.getlist("if-none-match") for one in field.split(",")]
    return _ANY in given or tag.removeprefix("W/") in {one.removeprefix("W/") for one in given}
