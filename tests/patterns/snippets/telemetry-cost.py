# slow: spans are exported one by one, in the exporter's own line
# known: handler=True off_cpu=True
# above: on_end opentelemetry/sdk/trace/export/__init__.py, export exporter.py
import time
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter

class Exporter(SpanExporter):
    def export(self, spans):
        send(spans)  # hot

provider.add_span_processor(SimpleSpanProcessor(Exporter()))  # cause
# slow: a library's exporter, below the handler's line
# known: handler=True off_cpu=True
# below: start_as_current_span opentelemetry/sdk/trace/__init__.py, on_end opentelemetry/sdk/trace/export/__init__.py, export opentelemetry/exporter/otlp/proto/http/trace_exporter/__init__.py
from opentelemetry import trace
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

provider.add_span_processor(SimpleSpanProcessor(exporter))  # cause

def predict(item):
    with tracer.start_as_current_span("predict"):  # hot
        return model(item)
# slow: a push per request
# known: handler=True off_cpu=True
from prometheus_client import push_to_gateway

def predict(item):
    score = model(item)
    push_to_gateway("gateway:9091", job="scores", registry=REGISTRY)  # hot
    return score
# exempt: in the background
# known: handler=True off_cpu=True
# below: start_as_current_span opentelemetry/sdk/trace/__init__.py, on_end opentelemetry/sdk/trace/__init__.py
from opentelemetry import trace
from opentelemetry.sdk.trace.export import BatchSpanProcessor

def predict(item):
    with tracer.start_as_current_span("predict"):  # hot
        return model(item)
# exempt: not for a request
# known: off_cpu=True
from prometheus_client import push_to_gateway

def job(rows):
    work(rows)
    push_to_gateway("gateway:9091", job="nightly", registry=REGISTRY)  # hot
