"""The files of the pages: each under the digest of its content, so that a browser keeps it for ever.

They have more than a mebibyte and are seldom asked for, so they are read when they are. What is meanwhile another file,
as it is between an update and the restart, is not sent under a digest that it does not have.
"""

import asyncio
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

    def body(self) -> bytes | None:
        """Its content; None where it is gone, or not what the digest was taken of."""
        try:
            body = self.source.read_bytes()
        except FileNotFoundError:
            return None
        return body if _digest(body) == self.digest else None


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
    body = await asyncio.to_thread(asset.body)
    if body is None:
        raise HTTPException(404)
    headers = {**EVERY_RESPONSE, "Cache-Control": "public, max-age=31536000, immutable"}
    return Response(body, media_type=asset.media_type, headers=headers)
