"""The files of the pages: each under the digest of its content, so that a browser keeps it for ever.

They have over a mebibyte and are seldom asked for, so they are read when they are. What is meanwhile another file,
as it is between an update and the restart, is not sent under a digest that it does not have. Once somebody asked for
one in gzip it is kept so: that is a third of its size, and nobody can have it compressed again and again.
"""

import asyncio
import gzip
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.server.compression import LEAST_BYTES, takes_gzip
from gateway.server.representations import still_has, varying

__all__ = ["EVERY_RESPONSE", "ICON", "MOUNT", "asset_route", "asset_url"]

MOUNT: Final = "/_static"
ICON: Final = "postroom.svg"
EVERY_RESPONSE: Final = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}

_OURS: Final = ("accessible.js", "explorer.css", "explorer.js", "front.css", ICON)
_VENDORED: Final = (
    "graphiql.min.css",
    "graphiql.min.js",
    "plugin-explorer.css",
    "plugin-explorer.umd.js",
    "react-dom.production.min.js",
    "react.production.min.js",
)
_MEDIA_TYPES: Final = {"js": "text/javascript", "css": "text/css", "svg": "image/svg+xml"}


@dataclass(frozen=True, slots=True)
class _Asset:
    source: Traversable
    media_type: str
    digest: str

    def body(self) -> bytes:
        """Its content. Raises `FileNotFoundError` where it is gone, or not what the digest was taken of."""
        body = self.source.read_bytes()
        if _digest(body) != self.digest:
            raise FileNotFoundError
        return body

    def packed(self) -> tuple[bytes, bool]:
        """Its content, and whether that is in gzip: what is small gains nothing by it."""
        return _packed(self)


@cache
def _packed(asset: _Asset) -> tuple[bytes, bool]:
    body = asset.body()
    return (gzip.compress(body, mtime=0), True) if len(body) >= LEAST_BYTES else (body, False)


def _digest(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()[:16]


@cache
def _assets() -> Mapping[str, _Asset]:
    static = files("gateway.server") / "static"
    sources = {name: static / name for name in _OURS} | {name: static / "vendor" / name for name in _VENDORED}
    return {
        name: _Asset(source, _MEDIA_TYPES[name.rpartition(".")[2]], _digest(source.read_bytes()))
        for name, source in sources.items()
    }


def asset_url(root: str, name: str) -> str:
    """The path of a file, under the prefix ``root`` at which the application is reached."""
    return f"{root}{MOUNT}/{_assets()[name].digest}/{name}"


def asset_route() -> Route:
    """Serves the files. They are looked at now, so that one which is not there is missed at the start."""
    _assets()
    return Route(f"{MOUNT}/{{digest}}/{{name}}", _asset, methods=["GET"])


async def _asset(request: Request) -> Response:
    asset = _assets().get(request.path_params["name"])
    if asset is None or asset.digest != request.path_params["digest"]:
        raise HTTPException(404)
    headers = varying({**EVERY_RESPONSE, "Cache-Control": "public, max-age=31536000, immutable"})
    headers["ETag"] = tag = f'W/"{asset.digest}"'
    if still_has(request, tag):
        return Response(status_code=304, headers=headers)
    packed = False
    try:
        if takes_gzip(",".join(request.headers.getlist("accept-encoding"))):
            body, packed = await asyncio.to_thread(asset.packed)
        else:
            body = await asyncio.to_thread(asset.body)
    except FileNotFoundError:
        raise HTTPException(404) from None
    if packed:
        headers["Content-Encoding"] = "gzip"
    return Response(body, media_type=asset.media_type, headers=headers)
