"""Spans sent to a collector as OTLP over HTTP, in JSON, which every collector takes.

https://opentelemetry.io/docs/specs/otlp/#otlphttp. The official exporter would bring protobuf, requests and four more.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import httpx
import orjson
import structlog
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.trace import format_span_id, format_trace_id

__all__ = ["OtlpJsonExporter"]

log = structlog.get_logger("postroom.tracing")

EXPORT_SECONDS = 5.0
"""Spans are sent in a thread of their own, where nobody waits for them but the end of the process."""


class OtlpJsonExporter(SpanExporter):
    """Sends spans below ``endpoint``. What cannot be sent is lost, and said so once until it works again."""

    def __init__(self, endpoint: str) -> None:
        self._url = endpoint.rstrip("/") + "/v1/traces"
        self._client = httpx.Client(trust_env=False, timeout=EXPORT_SECONDS)
        self._failing = False

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Sends these spans."""
        headers = {"Content-Type": "application/json"}
        try:
            answer = self._client.post(self._url, content=orjson.dumps(encoded(spans)), headers=headers)
            why = None if answer.is_success else f"HTTP {answer.status_code}"
        except httpx.HTTPError as error:
            why = type(error).__name__
        if why is not None and not self._failing:
            log.warning("traces cannot be sent", why=why)
        self._failing = why is not None
        return SpanExportResult.FAILURE if self._failing else SpanExportResult.SUCCESS

    def shutdown(self) -> None:
        """Closes the connection."""
        self._client.close()


def encoded(spans: Sequence[ReadableSpan]) -> dict[str, Any]:
    """The body of a request: ids in hexadecimal, and 64-bit numbers as text, unlike protobuf's usual JSON."""
    if not spans:
        return {"resourceSpans": []}
    resource = {"attributes": _attributes(spans[0].resource.attributes)}
    scope = {"scope": {"name": "postroom"}, "spans": [_span(span) for span in spans]}
    return {"resourceSpans": [{"resource": resource, "scopeSpans": [scope]}]}


def _span(span: ReadableSpan) -> dict[str, Any]:
    context = span.get_span_context()
    assert context is not None  # noqa: S101 - of a span that was begun
    members = {
        "traceId": format_trace_id(context.trace_id),
        "spanId": format_span_id(context.span_id),
        "name": span.name,
        "kind": span.kind.value + 1,  # OTLP counts from an UNSPECIFIED
        "startTimeUnixNano": str(span.start_time),
        "endTimeUnixNano": str(span.end_time),
        "attributes": _attributes(span.attributes or {}),
        "status": {"code": span.status.status_code.value},
    }
    return members if span.parent is None else members | {"parentSpanId": format_span_id(span.parent.span_id)}


def _attributes(attributes: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [{"key": name, "value": _value(value)} for name, value in attributes.items()]


def _value(value: Any) -> dict[str, Any]:
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}
    return {"doubleValue": value} if isinstance(value, float) else {"stringValue": str(value)}
