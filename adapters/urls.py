"""URLs that cannot leave the backend's base, whatever an identifier has in it."""

import functools
import re
from urllib.parse import quote, unquote_to_bytes, urlencode

import httpx

from adapters.errors import InvalidInput
from adapters.messages import parts_of, path_of, same_server_url

__all__ = ["MAX_SEGMENT_LENGTH", "lies_under", "url_under"]

MAX_SEGMENT_LENGTH = 256
"""No vendor documents keys near this long."""

_UNSAFE_IN_SEGMENT = re.compile(r"[\x00-\x1f\x7f]")


def url_under(
    base: httpx.URL, segments: tuple[str, ...], query: tuple[tuple[str, str], ...] = (), *, trailing_slash: bool = False
) -> httpx.URL:
    """The URL below ``base`` whose path ends in exactly these segments.

    Raises `InvalidInput` for a segment that no encoding can keep in its place: empty, ``.``, ``..``, with control
    characters, or longer than any key.
    """
    try:
        path = path_of(base) + "/".join(map(_encoded, segments))
        arguments = urlencode(query, quote_via=quote) if query else None
    except UnicodeEncodeError:
        raise InvalidInput("This text is not Unicode: it has half of a surrogate pair.") from None
    return same_server_url(base, path + "/" if trailing_slash else path, arguments)


@functools.lru_cache(maxsize=4096)  # most are the same in every call
def _encoded(segment: str) -> str:
    if segment in ("", ".", "..") or len(segment) > MAX_SEGMENT_LENGTH or _UNSAFE_IN_SEGMENT.search(segment):
        raise InvalidInput("This identifier cannot exist at the vendor.")
    return quote(segment, safe="")


def lies_under(base: httpx.URL, url: httpx.URL) -> bool:
    """Whether a URL is on the base's server and below its path, with no segment that climbs out of it, however written.

    Only such a URL is given the backend's credential.
    """
    at, of = parts_of(url), parts_of(base)
    path = at.path or "/"
    if at[:4] != of[:4] or not path.startswith(of.path or "/"):
        return False
    if "/." not in path and "%" not in path and "\\" not in path:
        return True
    return not any(part in (b".", b"..") for part in re.split(rb"[/\\]", unquote_to_bytes(path)))
