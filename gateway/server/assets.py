"""The files of the pages: each under the digest of its content, so that a browser keeps it for ever."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
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
    body: bytes
    media_type: str
    digest: str


@cache
def _assets() -> Mapping[str, _Asset]:
    static = files("gateway.server") / "static"
    sources = {name: static / name for name in _OURS} | {name: static / "vendor" / name for name in _VENDORED}
    assets = {}
    for name, source in sources.items():
        body = source.read_bytes()
        digest = hashlib.sha256(body).hexdigest()[:16]
        assets[name] = _Asset(body, _MEDIA_TYPES[name.rpartition(".")[2]], digest)
    return assets


def asset_url(root: str, name: str) -> str:
    """The path of a file, under the prefix ``root`` at which the application is reached."""
    return f"{root}{MOUNT}/{_assets()[name].digest}/{name}"


def asset_route() -> Route:
    """Serves the files; they are read now, not when somebody asks."""
    _assets()
    return Route(f"{MOUNT}/{{digest}}/{{name}}", _asset, methods=["GET"])


async def _asset(request: Request) -> Response:
    asset = _assets().get(request.path_params["name"])
    if asset is None or asset.digest != request.path_params["digest"]:
        raise HTTPException(404)
    headers = {**EVERY_RESPONSE, "Cache-Control": "public, max-age=31536000, immutable"}
    return Response(asset.body, media_type=asset.media_type, headers=headers)
