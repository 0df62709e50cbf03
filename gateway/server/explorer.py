"""GraphiQL on the GraphQL endpoint itself, from files of our own: it works offline and asks no other host for anything.

`static/vendor/VENDORED.md` says what the vendored files are and how they were changed.
"""

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from gateway.server.assets import EVERY_RESPONSE, ICON, MOUNT, asset_route, asset_url
from gateway.server.negotiation import Media, weight_of
from gateway.server.representations import representation, tag_of

_STYLES: Final = ("graphiql.min.css", "plugin-explorer.css", "explorer.css")
# In the order in which each needs the one before it.
_SCRIPTS: Final = (
    "react.production.min.js",
    "react-dom.production.min.js",
    "graphiql.min.js",
    "plugin-explorer.umd.js",
    "accessible.js",
    "explorer.js",
)

_SIGN_IN_NOTE: Final = "It is sent with each operation, kept until this page closes, and stored nowhere."

# GraphiQL's style sheet draws its squiggles and gutter marks from data: images. React and CodeMirror style elements
# through the CSSOM, which 'self' allows.
CONTENT_SECURITY_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "font-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)


@dataclass(frozen=True, slots=True)
class ExampleQuery:
    """A tab that is open on a first visit; the name stands as a comment over the query."""

    name: str
    query: str
    variables: Mapping[str, object] = field(default_factory=dict)


def explorer_routes(
    *, endpoint: str = "/graphql", tabs: Sequence[ExampleQuery] = (), signs_in: bool = False
) -> list[BaseRoute]:
    """The explorer's files, and the tabs that it opens. The page itself is `explorer_page`, on the endpoint.

    Args:
        endpoint: Path of the GraphQL endpoint in this application, over HTTP and over WebSocket.
        tabs: What a first visit finds open, in order; the browser keeps its own tabs from then on.
        signs_in: Whether the page asks for a key or token, to be sent with every operation.
    """
    opening = orjson.dumps({"endpoint": endpoint, "signsIn": signs_in, "tabs": [_tab(example) for example in tabs]})

    tag = tag_of(opening)

    async def opening_json(request: Request) -> Response:
        headers = {**EVERY_RESPONSE, "Cache-Control": "no-cache"}
        return await representation(request, opening, "application/json", headers, tag=tag)

    return [Route(f"{MOUNT}/tabs.json", opening_json, methods=["GET"]), asset_route()]


def explorer_page(request: Request) -> Response:
    """The page to answer with where `prefers_page` holds. It is the same for every caller and needs no credential."""
    root = request.scope.get("root_path", "")
    return Response(
        _page(root),
        media_type="text/html",
        headers={
            **EVERY_RESPONSE,
            "Content-Security-Policy": CONTENT_SECURITY_POLICY,
            "Cache-Control": "no-cache",
            "Vary": "Accept",
        },
    )


def prefers_page(request: Request) -> bool:
    """Whether this is a GET that would rather have a page than a GraphQL result, as browsers say (RFC 9110, 12.5.1).

    A tie, such as `*/*` alone, is a program's: it gets the result.
    """
    if request.method not in {"GET", "HEAD"}:
        return False
    accept = ",".join(request.headers.getlist("accept"))
    return weight_of(accept, "text/html") > max(weight_of(accept, result) for result in (Media.RESPONSE, Media.JSON))


def _tab(example: ExampleQuery) -> dict[str, str]:
    """In the form that GraphiQL takes: the variables are the text of their editor."""
    variables = orjson.dumps(dict(example.variables), option=orjson.OPT_INDENT_2).decode() if example.variables else ""
    return {"query": f"# {example.name}\n{example.query.strip()}\n", "variables": variables}


def _page(root: str) -> str:
    def url(name: str) -> str:
        return html.escape(asset_url(root, name))

    styles = "\n".join(f'    <link rel="stylesheet" href="{url(name)}">' for name in _STYLES)
    scripts = "\n".join(f'    <script defer src="{url(name)}"></script>' for name in _SCRIPTS)
    return f"""<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta name="color-scheme" content="light dark">
    <title>GraphiQL – Postroom</title>
    <link rel="icon" type="image/svg+xml" href="{url(ICON)}">
{styles}
{scripts}
  </head>
  <body>
    <noscript>The explorer needs JavaScript; programs POST their GraphQL to this same address.</noscript>
    <header class="unseen"><h1>GraphiQL over Postroom</h1></header>
    <section id="sign-in" aria-label="Sign in" hidden>
      <label for="credential">Key or token</label>
      <input id="credential" type="password" autocomplete="off" spellcheck="false" aria-describedby="credential-note">
      <button id="use" type="button">Use</button>
      <button id="forget" type="button" hidden>Forget</button>
      <span id="credential-note" role="status">{_SIGN_IN_NOTE}</span>
    </section>
    <main id="explorer" data-root="{html.escape(root)}" data-tabs="{html.escape(root + MOUNT)}/tabs.json"></main>
    <nav id="files" aria-label="Files in the last answer" hidden></nav>
  </body>
</html>
"""
