"""The model is called for one request at a time while several wait."""

from __future__ import annotations

import numpy as np

from ...artifacts.serving.requests import Requests
from ...artifacts.serving.watched import Server, Watched
from ...diagnosis.findings import Evidence, Finding, Fine, Fix, Gain, NotMeasured, Outcome, QueueChange
from .. import Detector
from .._common import location
from ._shared import failing, few, measured, of_server, worst
from .synchronous_serving import SynchronousServing

_SNIPPET = """\
from bottleneck_profiler.serving import MicroBatcher

def predict(rows):  # each without the batch dimension
    with torch.inference_mode():
        return model(torch.stack(rows))

batcher = MicroBatcher(predict, max_batch={most}, max_delay={window})

@asynccontextmanager
async def lifespan(app):  # FastAPI(lifespan=lifespan)
    async with batcher:
        yield

async def handler(row):
    return await batcher(row)"""

#: What switches batching on in servers that are watched.
_SWITCHES = {
    "Triton": "# config.pbtxt\nmax_batch_size: {most}\ndynamic_batching {{ max_queue_delay_microseconds: 1000 }}",
    "TorchServe": "# config.properties of the model, in milliseconds\nbatchSize={most}\nmaxBatchDelay=5",
    "Ray Serve": "@serve.batch(max_batch_size={most}, batch_wait_timeout_s=0.005)",
    "BentoML": "@bentoml.api(batchable=True, max_batch_size={most})",
}


class NoBatching(Detector):
    """The model handles one request at a time although several are waiting.

    Why it matters
        A call costs a fixed part (reading the weights, launching the kernels) and a part per row. One call for many
        requests pays the fixed part once: the same machine serves more requests per second.
    How it is measured
        Rows of the outermost forward call against the requests in flight at that moment, and the share of serving time
        in which the model runs. The time of a call is t(b) = a + k b, fitted if batches of several sizes were
        recorded. From single rows alone a and k cannot be told apart: the range then goes from almost nothing to the
        maximum, and only a measurement can tell. Of a server that is watched, its own counts of batches and their rows.
    How to fix it
        Collect requests for a few milliseconds and call the model once for all of them:
        ``bottleneck_profiler.serving.MicroBatcher`` does so, in asyncio and in threads.
    When to ignore it
        When a model call is a small part of a request, when rows cannot be stacked, or when a few more milliseconds of
        latency for a lone request are not acceptable.
    """

    id = "no-batching"
    title = "The model handles one request at a time"
    stage = "serving"
    explains = ("residual-python", "saturation")  # waiting between forward passes is not Python in a loop
    min_requests = 50  # as for synchronous-serving
    batch_threshold = 1.5  # mean rows a call
    min_concurrency = 4.0  # requests in flight; below, a window costs more than it gives
    busy_share_threshold = 0.3  # of the serving time in the model: below, capacity is limited by something else
    max_rows = 32  # of a batch in the advice
    fixed_share_least, fixed_share_most = 0.02, 0.98  # of a / (a + k): no call is without either part
    range_half_width = 0.12  # of the share, where it was fitted
    confidence_untried = 0.2  # a rule of thumb
    min_sizes = 20  # calls of a second size that a fit needs

    def detect(self, requests: Requests) -> Outcome:
        if requests.count < self.min_requests:
            return NotMeasured(f"Only {requests.count} requests were served; {self.min_requests} are needed.")
        known = requests.batch_sizes > 0
        if int(known.sum()) < self.min_requests:
            return NotMeasured("Fewer than 50 model calls with a known batch size were recorded while serving.")
        batch = float(requests.batch_sizes[known].mean())
        if batch >= self.batch_threshold:
            return Fine(batch, self.batch_threshold, "count", "mean rows per model call")
        concurrency = max(float(requests.model_in_flight.mean()), requests.concurrency)
        if concurrency < self.min_concurrency:
            return Fine(concurrency, self.min_concurrency, "count", "requests in flight at a model call")
        busy = min(1.0, _model_seconds(requests) / max(requests.busy_seconds, 1e-9))
        if busy < self.busy_share_threshold:
            return Fine(busy, self.busy_share_threshold, "share", "serving time spent in the model")
        blocked = sum(b.seconds for b in requests.user_blocks) / requests.window_seconds
        if blocked >= SynchronousServing.blocked_share_threshold:
            return Fine(
                blocked,
                SynchronousServing.blocked_share_threshold,
                "share",
                "serving time with the event loop blocked: fix synchronous-serving first",
            )
        return self._finding(requests, batch, concurrency, busy)

    def otherwise(self, watched: Watched) -> Outcome:
        """Judge servers that are watched by their metrics."""
        known = [each for each in watched.serving if each.batch is not None]
        outcome = worst([self._watched(each) for each in known])
        return outcome or NotMeasured("No server tells how many requests its batches hold.")

    def _watched(self, server: Server) -> Outcome:
        batch, inside, busy = server.batch or 0.0, server.inside, server.busy_share
        if reason := failing(server):
            return NotMeasured(reason)
        if reason := few(server):
            return NotMeasured(reason)
        if inside is None:
            return NotMeasured(f"It is not known how many requests are inside {server.name}.")
        if batch >= self.batch_threshold:
            return Fine(batch, self.batch_threshold, "count", "mean rows per model call")
        if inside < self.min_concurrency:
            return Fine(inside, self.min_concurrency, "count", "requests inside the server, on average")
        if busy is not None and busy < self.busy_share_threshold:
            return Fine(busy, self.busy_share_threshold, "share", "time spent in the model")
        rows = int(min(self.max_rows, max(2, round(inside))))
        ceiling = min(1.0, 1.0 if busy is None else busy) * (1 - 1 / rows)
        low, high = self.fixed_share_least * ceiling, self.fixed_share_most * ceiling
        method = (
            f"t(b) = a + k b, a and k are unknown from single rows and have to be measured; {rows} rows a call, "
            "bounded by the requests inside"
        )
        confidence = self.confidence_untried
        return self.finding(
            evidence=of_server(
                server,
                Evidence("mean rows per model call", batch, "count"),
                Evidence("requests inside the server, on average", inside, "count"),
                measured("time spent in the model", busy, "share"),
                measured("mean time in the model", server.each("compute"), "s"),
                measured("mean time in the queue", server.each("queue"), "s"),
            ),
            gain=Gain((low + high) / 2, low, high, 0.0, method, "capacity", confidence=confidence, ceiling=True),
            detected_by=1.0 if busy is not None else 0.6,
            fix=Fix(
                f"Let the server collect up to {rows} requests for one call of the model; first time a call with one "
                "row and with several",
                _SWITCHES.get(server.fact.server, "").format(most=rows),
                effort=1,
                risk=0.1,
            ),
            after="the time per row becomes the bottleneck",
        )

    def _finding(self, requests: Requests, batch: float, concurrency: float, busy: float) -> Finding:
        rows = int(min(self.max_rows, max(2, round(concurrency))))
        call = float(np.median(requests.model_seconds))
        price = self._price(requests, rows, busy)
        known = price.confidence > self.confidence_untried
        site = requests.model_site
        window = min(0.01, max(0.001, round(call / 2, 3)))
        return self.finding(
            location=location(site),
            evidence=(
                Evidence("mean rows per model call", batch, "count"),
                Evidence("mean requests in flight", concurrency, "count"),
                Evidence("serving time spent in the model", busy, "share"),
                Evidence("median model call", call, "s"),
                Evidence("request rate", requests.per_second, "1/s"),
            ),
            gain=price,
            queue=QueueChange("batched", rows),
            detected_by=1.0 if known else 0.6,
            fix=_fix(rows, window, known),
            after="the time per row and the request overhead outside the model become the bottleneck",
        )

    def _price(self, requests: Requests, rows: int, busy: float) -> Gain:
        ceiling = busy * (1 - 1 / rows)
        bound = f"{rows} rows a call, bounded by the requests in flight, in the {busy:.0%} of the time the model runs"
        fixed = self._fixed_share(requests)
        if fixed is None:
            low, high = self.fixed_share_least * ceiling, self.fixed_share_most * ceiling
            method = f"t(b) = a + k b, a and k are unknown from single rows and have to be measured; {bound}"
            untried = self.confidence_untried
            return Gain((low + high) / 2, low, high, 0.0, method, "capacity", confidence=untried, ceiling=True)
        saved = fixed * ceiling
        low, high = max(0.0, saved - self.range_half_width), min(0.99, saved + self.range_half_width)
        method = f"t(b) = a + k b with a/(a + k) = {fixed:.2f} (fitted to the recorded batch sizes); {bound}"
        return Gain(saved, low, high, 0.0, method, "capacity", confidence=0.8)

    def _fixed_share(self, requests: Requests) -> float | None:
        """a / (a + k) from calls of at least two sizes, by the median time of each; None when one size was seen."""
        of = requests.batch_sizes
        sizes = [size for size in np.unique(of) if size > 0 and int((of == size).sum()) >= self.min_sizes]
        if len(sizes) < 2:
            return None
        medians = [float(np.median(requests.model_seconds[of == size])) for size in sizes]
        slope, intercept = np.polyfit(np.array(sizes, float), np.array(medians), 1)
        if slope + intercept <= 0:
            return None
        return float(min(self.fixed_share_most, max(self.fixed_share_least, intercept / (intercept + slope))))


def _model_seconds(requests: Requests) -> float:
    """Model seconds of all threads; threads side by side share the cores, so this can exceed the wall time."""
    return float(requests.model_seconds.sum())


def _fix(rows: int, window: float, known: bool) -> Fix:
    return Fix(
        f"Collect up to {rows} requests for {window * 1e3:.0f} ms and call the model once for all of them"
        + ("" if known else "; first time a call with one row and with several, as only single rows were recorded"),
        _SNIPPET.format(window=window, most=rows),
        effort=2,
        risk=0.1,
    )
