"""Streams vendors' files to whoever holds a link of ours."""

import asyncio

import structlog
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from adapters.errors import AdapterError
from adapters.wire import FileStream
from gateway.backends import Backend, Backends
from gateway.files import FileClaim, FileLinks, LinkExpiredError, LinkInvalidError
from gateway.principals import Scope as May
from gateway.problems import ProblemCode, incident_of, problem_of
from gateway.server.authenticating import Authenticator, UnauthenticatedError
from gateway.server.requests_reading import RequestRefusedError

__all__ = ["file_route"]

log = structlog.get_logger("postroom.files")

_STATUS = {
    ProblemCode.NOT_FOUND: 404,
    ProblemCode.NOT_READY: 404,
    ProblemCode.FILE_NOT_AVAILABLE: 404,
    ProblemCode.INVALID_INPUT: 404,
    ProblemCode.RATE_LIMITED: 503,
    ProblemCode.TIMEOUT: 504,
}
"""What a problem at the vendor is to the one who fetches; anything else is 502."""

_HEADERS = {
    "Cache-Control": "private, no-store",
    "Content-Security-Policy": "sandbox; default-src 'none'; style-src 'unsafe-inline'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def file_route(backends: Backends, links: FileLinks, authenticator: Authenticator) -> Route:
    """``GET /files/{link}``: 403 for what is no good link, 410 for one past its time, and nothing more.

    A link needs no credential beside it. With one, it has to be that of whoever got the link.
    """

    async def get_file(request: Request) -> Response:
        try:
            claim = links.open(request.path_params["link"])
        except LinkInvalidError:
            return _plain("This is no link of this gateway.", 403)
        except LinkExpiredError:
            return _plain("This link has expired: ask for another.", 410)
        try:
            bearer = await authenticator.renewed(claim.bearer)
            await authenticator.admit(bearer)
            caller = await authenticator.principal_of(request) if "authorization" in request.headers else bearer
        except UnauthenticatedError:
            return _plain("This is no link of this gateway.", 403)
        except RequestRefusedError as refusal:
            return _plain(refusal.reason, refusal.status, refusal.headers)
        backend = backends.visible(bearer.backends).get(claim.backend)
        if {caller.id, bearer.id} != {claim.principal} or May.READ not in bearer.scopes or backend is None:
            return _plain("This is no link of this gateway.", 403)
        return await _stream(backend, claim)

    return Route("/files/{link}", get_file, methods=["GET"])


async def _stream(backend: Backend, claim: FileClaim) -> Response:
    try:
        stream = await _open(backend, claim)
    except AdapterError as error:
        problem = problem_of(error, backend.key)
        status = _STATUS.get(problem.code, 502)
        headers = {} if problem.retry_after is None else {"Retry-After": str(problem.retry_after)}
        return _plain(f"{problem.code.value}: {problem.message} (incident {incident_of(error)})", status, headers)
    if stream is None:
        return _plain("There is no such file.", 404)
    content_type = "image/png" if claim.width else "application/pdf"
    plain = claim.native_id.isascii() and claim.native_id.isalnum()
    name = f"{claim.type.lower()}-{claim.native_id}" if plain else claim.type.lower()
    disposition = f'inline; filename="{name}.{content_type.partition("/")[2]}"'
    headers = {**_HEADERS, "Content-Disposition": disposition}
    length = stream.headers.get("content-length")
    if length is not None and "content-encoding" not in stream.headers:
        headers["Content-Length"] = length
    return _FileResponse(stream, content_type, headers)


async def _open(backend: Backend, claim: FileClaim) -> FileStream | None:
    if claim.width:
        preview = backend.adapter.preview
        return None if preview is None else await preview(claim.native_id, claim.page, claim.width)
    pdf = backend.adapter.pdf
    return None if pdf is None else await pdf(claim.native_id)


class _FileResponse(StreamingResponse):
    """A vendor's file on its way, let go at the end: also when the one who fetches leaves before it has begun."""

    def __init__(self, stream: FileStream, content_type: str, headers: dict[str, str]) -> None:
        super().__init__(stream.chunks(), media_type=content_type, headers=headers)
        self._stream = stream

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            await asyncio.shield(asyncio.create_task(self._stream.aclose()))


def _plain(text: str, status: int, headers: dict[str, str] | None = None) -> Response:
    return PlainTextResponse(text + "\n", status, headers={**_HEADERS, **(headers or {})})
