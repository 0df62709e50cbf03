"""The page at `/`: the backends, the last dispatches, and where everything else is. Plain HTML, without any script.

Whatever is put into it is escaped: its pieces are `Markup`, whose `format` escapes all that is not.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Final

import structlog
from markupsafe import Markup
from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.backends import Backend, Backends
from gateway.context import Principal
from gateway.dispatch.ledger import DispatchQuery, Ledger, LedgerUnavailableError
from gateway.dispatch.records import Dispatch, DispatchAction
from gateway.server.assets import EVERY_RESPONSE, ICON, asset_url
from gateway.server.capability_words import said_of
from gateway.server.guarding import plain_refusal
from gateway.server.representations import representation
from gateway.server.requests_reading import RequestRefusedError
from gateway.upstream.health import HealthState

__all__ = ["SHOWN", "FrontPage"]

log = structlog.get_logger("postroom.front_page")

SHOWN = 10
"""So many dispatches: what a person takes in at a glance. The ledger has the rest."""

_HEADERS: Final = {
    **EVERY_RESPONSE,
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; frame-ancestors 'none'; base-uri 'none'; "
        "form-action 'none'"
    ),
    "Cache-Control": "no-store",
    "Vary": "Authorization",
}

_PAGE: Final = Markup("""<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta name="color-scheme" content="light dark">
    <title>Postroom</title>
    <link rel="icon" type="image/svg+xml" href="{icon}">
    <link rel="stylesheet" href="{style}">
  </head>
  <body>
    <header>
      <h1><img src="{icon}" alt="" width="40" height="40"> Postroom</h1>
      <p>One GraphQL endpoint over invoicing systems, and one careful way to send from them.</p>
      <nav aria-label="Where to go">
        <ul>
          <li><a class="first" href="{explorer}">Open GraphiQL</a></li>
          <li><a href="{explorer}#docs">Documentation</a></li>
{more}          <li><a href="{root}/readyz">Readiness</a></li>
        </ul>
      </nav>
    </header>
    <main>
{content}
    </main>
    <footer>
      <p>Programs ask <code>{address}</code>: a POST with <code>application/json</code>, or a WebSocket. What can be
      asked is described in GraphiQL's documentation, under the book at the top left.</p>
    </footer>
  </body>
</html>
""")

_MORE: Final = Markup("""          <li><a href="{schema}" download>Schema (SDL)</a></li>
          <li><a href="{root}/metrics">Metrics</a></li>
""")

_BACKENDS: Final = Markup("""<section aria-labelledby="backends">
  <h2 id="backends">Backends</h2>
  <ul class="cards">
{cards}
  </ul>
</section>
""")

_BACKEND: Final = Markup("""    <li>
      <h3>{title}</h3>
      <p class="state"><span class="badge {state}">{label}</span> <code>{key}</code></p>
{remark}      <dl>
{abilities}
      </dl>
    </li>""")

_REMARK: Final = Markup("      <p>{problem} Since {since}.</p>\n")
_ABILITY: Final = Markup("        <div><dt>{group}</dt><dd>{what}</dd></div>")

_DISPATCHES: Final = Markup("""<section aria-labelledby="dispatches">
  <h2 id="dispatches">Last dispatches</h2>
{body}
</section>
""")

_TABLE: Final = Markup("""  <div class="scrolls" role="region" aria-labelledby="dispatches" tabindex="0">
    <table>
      <thead>
        <tr><th scope="col">Asked for</th><th scope="col">What</th><th scope="col">Backends</th>
        <th scope="col">State</th><th scope="col">Items</th></tr>
      </thead>
      <tbody>
{rows}
      </tbody>
    </table>
  </div>""")

_ROW: Final = Markup("""        <tr>
          <td>{at}</td><td>{action}</td><td>{backends}</td>
          <td><span class="badge {state}">{label}</span></td><td>{counts}</td>
        </tr>""")

_TIME: Final = Markup('<time datetime="{machine}">{person}</time>')
_PARAGRAPH: Final = Markup("  <p>{text}</p>")

_SIGNED_OUT: Final = Markup("""<section aria-labelledby="closed">
  <h2 id="closed">This gateway asks who you are</h2>
  <p>A browser's address bar can send no key, so this page tells nothing of the backends and of what was sent. Open
  GraphiQL, and enter your key or token there.</p>
  <p>Programs send <code>Authorization: Bearer …</code> with each request; with it this page, too, shows what its owner
  may see.</p>
</section>
""")

_HEALTH: Final = {
    HealthState.UP: "up",
    HealthState.DEGRADED: "degraded",
    HealthState.DOWN: "down",
    HealthState.UNKNOWN: "not asked yet",
}

_ACTIONS: Final = {
    DispatchAction.EMAIL: "By e-mail",
    DispatchAction.DELIVER: "Delivered by the vendor",
    DispatchAction.POST: "By post",
    DispatchAction.EMAIL_STATEMENT: "Statements by e-mail",
}


class _Seen(Struct, frozen=True):
    """What a principal may see; ``dispatches`` is None where the ledger cannot be read."""

    backends: tuple[Backend, ...]
    dispatches: Sequence[Dispatch] | None


class FrontPage:
    """Makes the page. ``caller`` says who asks, None for nobody known: they learn nothing but where to look.

    ``address`` is the endpoint as programs reach it; ``endpoint`` and ``schema_path`` are paths of this application.
    """

    def __init__(
        self,
        backends: Backends,
        ledger: Ledger,
        caller: Callable[[Request], Awaitable[Principal | None]],
        *,
        address: str,
        endpoint: str,
        schema_path: str,
    ) -> None:
        self._backends = backends
        self._ledger = ledger
        self._caller = caller
        self._address = address
        self._endpoint = endpoint
        self._schema_path = schema_path

    def route(self) -> Route:
        """``GET /``."""
        return Route("/", self._answer, methods=["GET"])

    async def _answer(self, request: Request) -> Response:
        try:
            principal = await self._caller(request)
        except RequestRefusedError as refusal:
            return plain_refusal(refusal)
        root = request.scope.get("root_path", "")
        content, more = _SIGNED_OUT, Markup()
        if principal is not None:
            content = _shown(await self._seen_by(principal))
            more = _MORE.format(root=root, schema=root + self._schema_path)
        page = _PAGE.format(
            root=root,
            icon=asset_url(root, ICON),
            style=asset_url(root, "front.css"),
            explorer=root + self._endpoint,
            address=self._address,
            more=more,
            content=content,
        )
        return await representation(request, page.encode(), "text/html; charset=utf-8", _HEADERS)

    async def _seen_by(self, principal: Principal) -> _Seen:
        backends = tuple(self._backends.visible(principal.backends))
        try:
            dispatches = await self._ledger.find(DispatchQuery(visible=principal.backends, first=SHOWN))
        except LedgerUnavailableError as error:
            log.warning("the page at / is shown without dispatches", reason=str(error))
            return _Seen(backends, None)
        return _Seen(backends, dispatches)


def _shown(seen: _Seen) -> Markup:
    cards = _lines(map(_backend, seen.backends)) if seen.backends else _PARAGRAPH.format(text="None.")
    return _BACKENDS.format(cards=cards) + _DISPATCHES.format(body=_dispatches(seen.dispatches))


def _backend(backend: Backend) -> Markup:
    health = backend.health
    remark = ""
    if health.problem is not None and health.since is not None:
        remark = _REMARK.format(problem=health.problem.message, since=_time(health.since))
    abilities = [
        _ABILITY.format(group=group, what=", ".join(words)) for group, words in said_of(backend.capabilities).items()
    ]
    return _BACKEND.format(
        title=backend.vendor.title,
        key=backend.key,
        state=health.state.value,
        label=_HEALTH[health.state],
        remark=remark,
        abilities=_lines(abilities),
    )


def _dispatches(dispatches: Sequence[Dispatch] | None) -> Markup:
    if dispatches is None:
        return _PARAGRAPH.format(text="The ledger cannot be read now; while that is so, nothing is sent.")
    if not dispatches:
        return _PARAGRAPH.format(text="Nothing has been sent yet.")
    return _TABLE.format(rows=_lines(map(_row, dispatches)))


def _row(dispatch: Dispatch) -> Markup:
    total = sum(dispatch.counts.values())
    counts = [f"{count} {state.value.lower()}" for state, count in dispatch.counts.items() if count]
    state = dispatch.state.value
    return _ROW.format(
        at=_time(dispatch.requested_at),
        action=_ACTIONS[dispatch.action],
        backends=", ".join(sorted(dispatch.backends)),
        state=state,
        label=state.replace("_", " ").lower(),
        counts=f"{total}: {', '.join(counts)}",
    )


def _time(at: datetime) -> Markup:
    at = at.astimezone(UTC)
    return _TIME.format(machine=at.isoformat(timespec="seconds"), person=f"{at:%Y-%m-%d %H:%M} UTC")


def _lines(pieces: Iterable[Markup]) -> Markup:
    return Markup("\n").join(pieces)
