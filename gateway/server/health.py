"""For whoever watches the process: alive, and which backends answer."""

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from gateway.backends import Backends
from gateway.server.stopping import Stopping

__all__ = ["health_routes"]


def health_routes(backends: Backends, stopping: Stopping) -> list[Route]:
    """``/healthz``: the process is alive. ``/readyz``: it serves, and how each backend's last calls went.

    The latter is 503 from the moment on at which the process was told to go, so that balancers send nothing more.
    """

    async def healthz(_: Request) -> JSONResponse:
        return JSONResponse({"status": "alive"})

    async def readyz(_: Request) -> JSONResponse:
        states = {backend.key: backend.health.state.value for backend in backends}
        if stopping.begun:
            return JSONResponse({"status": "stopping", "backends": states}, status_code=503)
        return JSONResponse({"status": "ready", "backends": states})

    return [Route("/healthz", healthz, methods=["GET"]), Route("/readyz", readyz, methods=["GET"])]
