"""For whoever watches the process: alive, and which backends answer."""

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from gateway.backends import Backends
from gateway.server.guarding import Caller
from gateway.server.stopping import Stopping

__all__ = ["health_routes"]


def health_routes(backends: Backends, stopping: Stopping, caller: Caller) -> list[Route]:
    """``/healthz``: the process is alive. ``/readyz``: it serves, and how each backend's last calls went.

    Orchestrators have no credential, so that both answer anybody; backends are shown to who may see them.

    The latter is 503 from the moment on at which the process was told to go, so that balancers send nothing more.
    """

    async def healthz(_: Request) -> JSONResponse:
        return JSONResponse({"status": "alive"})

    async def readyz(request: Request) -> JSONResponse:
        principal = await caller(request)
        answer: dict[str, Any] = {"status": "stopping" if stopping.begun else "ready"}
        if principal is not None:
            visible = backends.visible(principal.backends)
            answer["backends"] = {backend.key: backend.health.state.value for backend in visible}
        return JSONResponse(answer, status_code=503 if stopping.begun else 200)

    return [Route("/healthz", healthz, methods=["GET"]), Route("/readyz", readyz, methods=["GET"])]
