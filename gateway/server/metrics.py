"""``/metrics``: what Prometheus reads. It listens where the endpoint does."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.metrics import Metrics

__all__ = ["metrics_route"]


def metrics_route(metrics: Metrics) -> Route:
    """All metrics of this process, as text or as OpenMetrics."""

    async def read(request: Request) -> Response:
        body, media_type = metrics.exposed(request.headers.get("accept"))
        return Response(body, media_type=None, headers={"Content-Type": media_type, "Cache-Control": "no-store"})

    return Route("/metrics", read, methods=["GET"])
