"""Which GETs may come from a page of another site: none."""

from starlette.requests import Request

from gateway.server.origins import ALLOWED_ORIGIN
from gateway.server.requests_reading import RequestRefusedError

__all__ = ["refuse_cross_site_read"]

_PREFLIGHTED = ("x-postroom", "apollo-require-preflight")


def refuse_cross_site_read(request: Request) -> None:
    """Refuses a GET or HEAD that a page of another site had a browser send.

    A page can have a browser GET any URL, with the person's cookies and from inside their network. It cannot read the
    answer, and a GET changes nothing, but each costs calls at the vendors. So a GET is taken when

    - it has a header that a browser sends to another site only after asking (``X-Postroom``,
      ``Apollo-Require-Preflight``, whatever their value, or the content type application/json); or
    - the browser says that the page is of this very origin, or that a person typed the URL (``Sec-Fetch-Site``:
      ``same-origin`` or ``none``); or
    - the page's origin is one that the settings allow; or
    - there is no ``Sec-Fetch-Site`` at all: programs send none, and every browser since 2023 does.

    A POST needs no such rule: it must be application/json, for which a browser always asks first, and nobody answers.

    Raises `RequestRefusedError`, 403.
    """
    headers = request.headers
    if request.scope.get(ALLOWED_ORIGIN):
        return
    if any(name in headers for name in _PREFLIGHTED):
        return
    if headers.get("content-type", "").partition(";")[0].strip().lower() == "application/json":
        return
    if headers.get("sec-fetch-site", "none").strip().lower() not in {"same-origin", "none"}:
        raise RequestRefusedError(403, "A page of another site needs the header X-Postroom to ask by GET.")
