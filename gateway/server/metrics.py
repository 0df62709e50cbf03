"""``/metrics``: what Prometheus reads. It listens where the endpoint does."""

from collections.abc import Iterable

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.metrics import Metrics
from gateway.principals import Scope
from gateway.server.authenticating import Authenticator
from gateway.server.guarding import only_with
from gateway.server.representations import representation
from gateway.server.siblings import metrics_of_all
from gateway.worker import Worker

__all__ = ["metrics_route"]


class _Told(Collector):
    """Metrics that are known already."""

    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        """The metrics."""
        return self._families


def metrics_route(metrics: Metrics, authenticator: Authenticator, worker: Worker | None = None) -> Route:
    """All metrics, as text or as OpenMetrics: of this process, or of all ``worker`` processes behind this socket.

    They are for who has the scope `admin`: they name every backend, and tell how much goes to each, which is no less
    than everybody's business together.
    """

    async def read(request: Request) -> Response:
        registry = metrics.registry
        if worker is not None:
            registry = CollectorRegistry()
            registry.register(_Told(await metrics_of_all(worker, metrics)))
        encode, media_type = choose_encoder(request.headers.get("accept") or "")
        return await representation(request, encode(registry), media_type, {"Cache-Control": "no-store"})

    return Route("/metrics", only_with(authenticator, Scope.ADMIN, read), methods=["GET"])
