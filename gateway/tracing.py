"""Traces, where OpenTelemetry is installed and told where to: a span for each operation, and one for each vendor call.

Spans hold kinds, names of the program's own, and numbers: no document, no variable, no id, no error's words. Of what a
caller's own trace carries, the vendor is sent no more than the ``traceparent``.
"""

import contextlib
from collections.abc import Iterator, Mapping

import httpx
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, ParentBased
from opentelemetry.trace import Span, SpanKind, StatusCode, format_span_id, format_trace_id
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from gateway.context import RequestContext
from gateway.tracing_export import OtlpJsonExporter
from gateway.upstream.calls import FAILURES, Call

__all__ = ["Tracing"]

_PROPAGATOR = TraceContextTextMapPropagator()


class Tracing:
    """One gateway's traces, sent in the background. A caller's trace goes on, sampled as the caller says."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._provider = TracerProvider(
            resource=Resource.create({"service.name": "postroom"}),
            sampler=ParentBased(ALWAYS_ON),
            shutdown_on_exit=False,
        )
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("postroom")

    @classmethod
    def to(cls, endpoint: str) -> "Tracing":
        """Traces sent to an OTLP collector, such as ``http://127.0.0.1:4318``."""
        return cls(OtlpJsonExporter(endpoint))

    @contextlib.contextmanager
    def operation(self, headers: Mapping[str, str], context: RequestContext) -> Iterator[None]:
        """The span of a GraphQL operation; of the caller's trace where the request's headers name one."""
        parent = _PROPAGATOR.extract({name: headers[name] for name in _PROPAGATOR.fields if name in headers})
        with self._tracer.start_as_current_span(
            "graphql", context=parent, kind=SpanKind.SERVER, record_exception=False, set_status_on_exception=False
        ) as span:
            try:
                yield
            finally:
                if context.kind is not None:
                    span.update_name(f"graphql {context.kind}")
                    span.set_attribute("graphql.operation.type", context.kind)
                if context.failed:
                    span.set_status(StatusCode.ERROR)

    @contextlib.contextmanager
    def call(self, call: Call, request: httpx.Request) -> Iterator[None]:
        """The span of a vendor call, which the request names to the vendor."""
        with self._tracer.start_as_current_span(
            call.info.operation, kind=SpanKind.CLIENT, record_exception=False, set_status_on_exception=False
        ) as span:
            request.headers["traceparent"] = _traceparent(span)
            try:
                yield
            finally:
                span.set_attributes(_attributes(call))
                if call.outcome in FAILURES:
                    span.set_status(StatusCode.ERROR)

    def close(self) -> None:
        """Sends what is left; blocks until it is sent, or cannot be."""
        self._provider.shutdown()


def _traceparent(span: Span) -> str:
    """As https://www.w3.org/TR/trace-context/ has it."""
    context = span.get_span_context()
    return f"00-{format_trace_id(context.trace_id)}-{format_span_id(context.span_id)}-{context.trace_flags:02x}"


def _attributes(call: Call) -> dict[str, str | int | float | bool]:
    method, _, template = call.info.route.partition(" ")
    known: dict[str, str | int | float | bool | None] = {
        "postroom.backend": call.info.backend,
        "http.request.method": method,
        "url.template": template,
        "http.response.status_code": call.status,
        "postroom.outcome": None if call.outcome is None else call.outcome.value,
        "postroom.attempts": call.attempts,
        "postroom.queue_seconds": call.queued,
        "postroom.cache": None if call.cache is None else call.cache.value,
        "postroom.shared": call.shared,
    }
    return {name: value for name, value in known.items() if value is not None}
