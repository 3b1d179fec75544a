"""The first requests wait for what the server could have prepared before it took any."""

from __future__ import annotations

from ...artifacts.serving.cold_start import ColdStart
from ...artifacts.serving.requests import Requests
from ...diagnosis.findings import Evidence, Fine, Fix, Gain, NotMeasured, Outcome
from .. import Detector
from .._common import location

_SNIPPET = """\
from contextlib import asynccontextmanager

@asynccontextmanager
async def lifespan(app):
    load_model()  # what the first request calls
    predict(an_example)  # one call that is thrown away: compilation, thread pools, caches
    yield

app = FastAPI(lifespan=lifespan)"""


class ColdStartServing(Detector):
    """The first requests load a model or fill a cache, and take many times as long as the later ones.

    Why it matters
        Every start pays it again, and with it every deployment and every replica that is added under load: the users
        who come first wait, and health checks may time out.
    How it is measured
        The time of the first request against the median of all, and the requests that arrive meanwhile and are slow,
        too. The gain is that of the 99th percentile of this run without them: it shrinks as the run gets longer.
    How to fix it
        Load everything and send an example through the model when the application starts, before it takes requests.
    When to ignore it
        When the first request is a warm-up request: one that comes alone is not reported.
    """

    id = "cold-start-serving"
    title = "The first requests wait for work that could be done before the server takes any"
    stage = "serving"
    judges_work = False
    explains = ("synchronous-serving",)
    min_requests = 50
    min_seconds = 1.0  # of the first request
    min_times = 5.0  # the median
    min_waiting = 2  # slow requests at the start: a warm-up request comes alone
    min_share = 0.05  # of p99: with less, it is noticed beside the findings
    range_half_width = 0.1  # of the share

    def detect(self, cold: ColdStart, requests: Requests) -> Outcome:
        if requests.count < self.min_requests:
            return NotMeasured(f"Only {requests.count} requests were served; {self.min_requests} are needed.")
        times = cold.first_seconds / max(cold.usual_seconds, 1e-9)
        if cold.first_seconds < self.min_seconds or times < self.min_times:
            return Fine(times, self.min_times, "", "time of the first request relative to the median")
        if cold.requests < self.min_waiting:
            return Fine(cold.requests, self.min_waiting, "count", "slow requests at the start")
        share = max(0.0, 1.0 - cold.later_p99_seconds / max(cold.p99_seconds, 1e-9))
        method = f"p99 of this run is {cold.p99_seconds:.2f} s, and {cold.later_p99_seconds:.2f} s without the first "
        method += f"{cold.requests} requests"
        low, high = max(0.0, share - self.range_half_width), min(0.99, share + self.range_half_width)
        priced = Gain(share, low, high, 0.0, method, "p99", confidence=0.8)
        return self.finding(
            location=location(cold.site),
            evidence=(
                Evidence("time of the first request", cold.first_seconds, "s"),
                Evidence("slow requests at the start", cold.requests, "count"),
                Evidence("median time of a request", cold.usual_seconds, "s"),
                Evidence("p99 latency without them", cold.later_p99_seconds, "s"),
            ),
            gain=priced if share >= self.min_share else None,
            hint=share < self.min_share,
            fix=Fix("Load it when the application starts, and send one example through the model", _SNIPPET, effort=1),
            after="the handling of an ordinary request becomes the bottleneck",
        )
