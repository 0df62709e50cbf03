"""``/metrics``: what Prometheus reads. It listens where the endpoint does."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.metrics import Metrics
from gateway.principals import Scope
from gateway.server.authenticating import Authenticator
from gateway.server.guarding import only_with

__all__ = ["metrics_route"]


def metrics_route(metrics: Metrics, authenticator: Authenticator) -> Route:
    """All metrics of this process, as text or as OpenMetrics, for who has the scope `admin`.

    They name every backend, and tell how much goes to each: that is no less than everybody's business together.
    """

    async def read(request: Request) -> Response:
        body, media_type = metrics.exposed(request.headers.get("accept"))
        return Response(body, media_type=None, headers={"Content-Type": media_type, "Cache-Control": "no-store"})

    return Route("/metrics", only_with(authenticator, Scope.ADMIN, read), methods=["GET"])
