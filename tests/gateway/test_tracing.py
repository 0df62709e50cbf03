"""Spans: one for each operation and one for each vendor call, with nothing in them that a caller wrote."""

import json
import subprocess
import sys
from collections.abc import Iterator

import httpx
import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode, format_span_id, format_trace_id
from pytest_httpserver import HTTPServer

from adapters.wire import EXTENSION, CallInfo
from gateway.app import traced
from gateway.metrics import Metrics
from gateway.server.watching import OperationWatch
from gateway.settings import Settings, TracingSettings
from gateway.tracing import Tracing
from gateway.upstream.call_log import CallLogTransport
from gateway.upstream.calls import begin_call
from tests.gateway.asking import gateway_over
from tests.gateway.fakes import fake
from tests.gateway.records import customer

INFO = CallInfo(backend="uk", operation="letter.get", path=("letters", "4711"), ids=("4711",))
CALLERS = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


class Vendor(httpx.AsyncBaseTransport):
    """Answers with a status, or fails; keeps the headers it was sent."""

    def __init__(self, ending: int | Exception = 200) -> None:
        self._ending = ending
        self.sent = httpx.Headers()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.sent = request.headers
        if isinstance(self._ending, Exception):
            raise self._ending
        return httpx.Response(self._ending)


class Traced:
    """A gateway's traces, as they would be sent."""

    def __init__(self) -> None:
        self.exporter = InMemorySpanExporter()
        self.tracing = Tracing(self.exporter)

    async def asked(self, vendor: Vendor, kind: str = "query", *, failed: bool = False, **headers: str) -> None:
        """One operation that makes one call."""
        context = gateway_over(fake("a", customers=[customer("a", "1")])).context()
        watch = OperationWatch(Metrics(), self.tracing)
        with watch.operation(context, headers):
            context.is_a(kind)
            context.failed = failed
            request = httpx.Request("GET", "http://127.0.0.1/letters/4711?q=4711", extensions={EXTENSION: INFO})
            begin_call(request, 30.0)
            try:
                await CallLogTransport(vendor, Metrics(), self.tracing).handle_async_request(request)
            except httpx.RequestError:
                return

    def spans(self) -> dict[str, ReadableSpan]:
        """All of them, by name."""
        self.tracing.close()
        return {span.name: span for span in self.exporter.get_finished_spans()}


@pytest.fixture
def traces() -> Iterator[Traced]:
    one = Traced()
    yield one
    one.tracing.close()


def ids(span: ReadableSpan) -> tuple[str, str]:
    context = span.get_span_context()
    assert context is not None
    return format_trace_id(context.trace_id), format_span_id(context.span_id)


async def test_an_operation_has_a_span_and_its_call_one_below(traces: Traced) -> None:
    await traces.asked(Vendor())
    spans = traces.spans()
    operation, call = spans["graphql query"], spans["letter.get"]
    assert (operation.kind, call.kind) == (SpanKind.SERVER, SpanKind.CLIENT)
    assert operation.parent is None
    assert call.parent is not None
    assert (ids(call)[0], format_span_id(call.parent.span_id)) == ids(operation)


async def test_a_span_says_what_the_log_says_and_no_more(traces: Traced) -> None:
    await traces.asked(Vendor(404))
    spans = traces.spans()
    assert dict(spans["graphql query"].attributes or {}) == {"graphql.operation.type": "query"}
    assert dict(spans["letter.get"].attributes or {}) == {
        "postroom.backend": "uk",
        "http.request.method": "GET",
        "url.template": "/letters/{id}",
        "http.response.status_code": 404,
        "postroom.outcome": "not_found",
        "postroom.attempts": 0,
        "postroom.queue_seconds": 0.0,
        "postroom.shared": False,
    }


async def test_the_vendor_is_told_which_span_calls_it(traces: Traced) -> None:
    vendor = Vendor()
    await traces.asked(vendor)
    trace, span = ids(traces.spans()["letter.get"])
    *named, flags = vendor.sent["traceparent"].split("-")
    assert (named, int(flags, 16) & 1) == (["00", trace, span], 1)


async def test_a_callers_trace_goes_on_and_the_vendor_sees_no_more_of_it_than_its_id(traces: Traced) -> None:
    vendor = Vendor()
    await traces.asked(vendor, traceparent=CALLERS, tracestate="secret=4711", baggage="user=4711")
    assert ids(traces.spans()["graphql query"])[0] == CALLERS.split("-")[1]
    assert [name for name in vendor.sent if name in ("tracestate", "baggage")] == []
    assert vendor.sent["traceparent"].split("-")[1] == CALLERS.split("-")[1]


async def test_what_the_caller_does_not_sample_is_not_kept(traces: Traced) -> None:
    vendor = Vendor()
    await traces.asked(vendor, traceparent=CALLERS.removesuffix("01") + "00")
    assert traces.spans() == {}
    assert vendor.sent["traceparent"].endswith("-00")


async def test_a_failure_marks_the_span_and_leaves_its_words_out(traces: Traced) -> None:
    await traces.asked(Vendor(httpx.ReadError("4711 broke off")), failed=True)
    spans = traces.spans()
    assert {span.status.status_code for span in spans.values()} == {StatusCode.ERROR}
    assert [event for span in spans.values() for event in span.events] == []
    assert [span.status.description for span in spans.values()] == [None, None]


async def test_no_span_holds_an_id(traces: Traced) -> None:
    await traces.asked(Vendor(500))
    assert "4711" not in "".join(span.to_json() for span in traces.spans().values())


async def test_spans_are_sent_as_otlp_in_json(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/otel/v1/traces", method="POST").respond_with_json({})
    async with traced(Settings(tracing=TracingSettings(otlp_endpoint=httpserver.url_for("/otel/")))) as tracing:
        assert tracing is not None
        context = gateway_over(fake("a", customers=[])).context()
        with tracing.operation({"traceparent": CALLERS}, context):
            context.is_a("mutation")
    ((request, _),) = httpserver.log
    assert request.headers["content-type"] == "application/json"
    (resource,) = json.loads(request.data)["resourceSpans"]
    attributes = {one["key"]: one["value"] for one in resource["resource"]["attributes"]}
    assert attributes["service.name"] == {"stringValue": "postroom"}
    (span,) = resource["scopeSpans"][0]["spans"]
    begun, ended = int(span.pop("startTimeUnixNano")), int(span.pop("endTimeUnixNano"))
    assert 0 < begun <= ended
    assert len(span.pop("spanId")) == 16
    assert span == {
        "traceId": CALLERS.split("-")[1],
        "parentSpanId": CALLERS.split("-")[2],
        "name": "graphql mutation",
        "kind": 2,
        "attributes": [{"key": "graphql.operation.type", "value": {"stringValue": "mutation"}}],
        "status": {"code": 0},
    }


@pytest.mark.parametrize("status", [None, 503])
async def test_a_collector_that_is_away_is_told_of_and_stops_nothing(
    httpserver: HTTPServer, caplog: pytest.LogCaptureFixture, status: int | None, capsys: pytest.CaptureFixture[str]
) -> None:
    if status is not None:
        httpserver.expect_request("/v1/traces").respond_with_data("", status=status)
    endpoint = httpserver.url_for("") if status is not None else "http://127.0.0.1:1"
    async with traced(Settings(tracing=TracingSettings(otlp_endpoint=endpoint))) as tracing:
        assert tracing is not None
        with tracing.operation({}, gateway_over(fake("a", customers=[])).context()):
            pass
    said = capsys.readouterr().out + caplog.text
    assert "traces cannot be sent" in said
    assert (f"HTTP {status}" if status is not None else "ConnectError") in said


async def test_without_an_endpoint_there_are_no_traces_and_the_vendor_is_told_of_none() -> None:
    vendor = Vendor()
    async with traced(Settings()) as tracing:
        request = httpx.Request("GET", "http://127.0.0.1/letters/1", extensions={EXTENSION: INFO})
        begin_call(request, 30.0)
        await CallLogTransport(vendor, Metrics(), tracing).handle_async_request(request)
    assert tracing is None
    assert "traceparent" not in vendor.sent


def test_the_gateway_loads_no_tracing_until_it_is_told_where_traces_go() -> None:
    # The client of Redis loads OpenTelemetry by itself where it is installed.
    program = "import gateway.app, gateway.commands.serve, sys; print([n for n in sys.modules if 'tracing' in n])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)  # noqa: S603
    assert done.stdout == "[]\n"
