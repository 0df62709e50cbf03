"""For whoever watches the process: alive, and which backends answer."""

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from gateway.backends import Backends

__all__ = ["health_routes"]


def health_routes(backends: Backends) -> list[Route]:
    """``/healthz``: the process is alive. ``/readyz``: it serves, and how each backend's last calls went."""

    async def healthz(_: Request) -> JSONResponse:
        return JSONResponse({"status": "alive"})

    async def readyz(_: Request) -> JSONResponse:
        states = {backend.key: backend.health.state.value for backend in backends}
        return JSONResponse({"status": "ready", "backends": states})

    return [Route("/healthz", healthz, methods=["GET"]), Route("/readyz", readyz, methods=["GET"])]
