"""Servers: what a request sends about itself before its answer leaves."""

from ..causes import called
from ..model import Hot, Pattern, Price
from ..places import cached, handler, known, over
from ..shapes import all_of, any_of, calls, deep

_EXPORT = "opentelemetry/sdk/trace/export/__init__.py"


def _exports(hot: Hot) -> bool:
    """The span is sent, and not only put into the queue of a BatchSpanProcessor."""
    return "export" in (hot.seen.function, *(frame.function for frame in (*hot.seen.below, *hot.seen.above)))


PATTERNS = (
    Pattern(
        id="telemetry-cost",
        title="Each request waits until its own traces, metrics or logs have been sent",
        replacement="Send them in the background: BatchSpanProcessor in the place of SimpleSpanProcessor, no force_flush() or "
        "flush() in a handler, and metrics that a scraper reads (prometheus_client.make_asgi_app) in the place of "
        "push_to_gateway",
        snippet="provider.add_span_processor(BatchSpanProcessor(exporter))",
        when=(
            any_of(
                all_of(any_of(deep(_EXPORT, "on_end"), over(_EXPORT, "on_end")), _exports),
                deep(_EXPORT, "force_flush"),
                calls(
                    "prometheus_client.push_to_gateway",
                    "prometheus_client.pushadd_to_gateway",
                    "prometheus_client.exposition.push_to_gateway",
                    "sentry_sdk.flush",
                    "mlflow.log_metric",
                    "mlflow.log_metrics",
                    "wandb.log",
                ),
            ),
            any_of(handler(), known(event_loop=True)),
        ),
        unless=(cached(),),
        cause=called("opentelemetry.sdk.trace.export.SimpleSpanProcessor"),
        explains=("synchronous-serving", "single-threaded-server", "sync-worker-waiting", "token-pool-full"),
        beats=("blocking-call-in-async", "http-connection-per-call", "threads-wait-for-a-lock", "blocked-call"),
        leave="Losing the last records of a process that dies would matter.",
        price=Price("amdahl", (5, 50)),
        source="opentelemetry-python documentation (SimpleSpanProcessor: not for production), modern-python/lite-bootstrap#185",
        stages=("serving",),
        effort=1,
    ),
)
