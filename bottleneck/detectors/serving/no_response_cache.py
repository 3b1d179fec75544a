"""The same requests are computed again, and get the same answers."""

from __future__ import annotations

import re

from ...artifacts.serving.repeats import Repeated, Repeats
from ...artifacts.serving.requests import Requests
from ...diagnosis.findings import Evidence, Fine, Fix, Gain, NotMeasured, Outcome, QueueChange
from .. import Detector
from .._common import location

_SNIPPET = """\
@functools.lru_cache(maxsize=4096)  # in each process; cachetools.TTLCache(4096, ttl=60) if answers get out of date
def answer(text):  # its arguments are all that the answer depends on: hashable values, and the model's version
    ...

"""
_USED = """\
@app.post("/answer")
def handler(request: Request):
    return answer(request.text)"""
#: The same for servers that have applications of their own.
_USED_IN = {
    "aiohttp": """\
async def handler(request):
    return web.Response(text=answer(await request.text()))""",
    "tornado": """\
class Handler(web.RequestHandler):
    def post(self):
        self.finish(answer(self.request.body))""",
    "grpc": """\
def Answer(self, request, context):
    return Reply(text=answer(request.text))""",
}


#: Routes that check who asks: their work is slow on purpose, and what they answer must not be kept.
_CREDENTIALS = re.compile(
    r"(?<![a-z])(log[-_]?in|sign[-_]?in|auth|oauth2?|authenticate|authorize|tokens?|passwords?|verify|otp|2fa)(?![a-z])",
    re.I,
)


class NoResponseCache(Detector):
    """Many requests were answered before, with the same answer, and are computed again.

    Why it matters
        A model gives the same answer to the same input. Popular inputs come again and again; a dictionary answers them
        in microseconds, and their share of the work is capacity for the others.
    How it is measured
        A keyed hash of each request (path, query, body) and of its answer; the key is discarded with the process.
        Reported are routes whose repeated requests all got the same answer as before, while other requests got
        others. Requests with a cookie or an authorization, and answers that set a cookie, are left out, and so are
        answers that took less than 2 ms; and routes that check credentials, by their name. Beyond 4 KiB, one request in
        16 is looked at. A body that the application does not read is not read for us. Answers that a WSGI server sends
        as a file are not seen, nor are those of Flask on a server without a collector of ours.
    How to fix it
        Keep finished answers in a cache: ``functools.lru_cache`` on the function that computes them, a TTL cache if
        they get out of date, or one cache for all processes.
    When to ignore it
        When the answer depends on something that did not change during the run: data, prices, the time of day.
    """

    id = "no-response-cache"
    title = "Requests that were answered before are computed again, with the same answer"
    stage = "serving"
    min_requests = 50
    repeat_share_threshold = 0.3  # of the route's requests
    min_repeats = 20  # whose answers were compared
    min_pace = 0.5  # time of a repeated request relative to a new one: below, it comes from a cache already
    min_gain_share = 0.1  # of the time of all requests
    range_low = 0.5  # of the share: a cache holds less than everything, and its answers get out of date

    def detect(self, repeats: Repeats, requests: Requests) -> Outcome:
        if requests.count < self.min_requests:
            return NotMeasured(f"Only {requests.count} requests were served; {self.min_requests} are needed.")
        total = float(requests.seconds.sum())
        worth = [each for each in repeats.routes if self._can_be_cached(each)]
        saved = sum(each.saved_seconds for each in worth) / max(total, 1e-9)
        if not worth:
            computed = (each for each in repeats.routes if each.is_function and each.pace >= self.min_pace)
            share = max((each.repeat_share for each in computed), default=0.0)
            return Fine(
                share, self.repeat_share_threshold, "share", "requests of one route that got the same answer before"
            )
        if saved < self.min_gain_share:
            return Fine(saved, self.min_gain_share, "share", "time of requests that were answered before")
        first = worth[0]
        snippet = _SNIPPET + _USED_IN.get(requests.server, _USED)
        method = f"{saved:.0%} of the time of all requests is that of requests that the same process had answered "
        method += "before, with the same answer"
        return self.finding(
            location=location(first.site),
            evidence=(
                Evidence("route", first.route),
                Evidence("share of requests that were answered before", first.repeat_share, "share"),
                Evidence("repeated requests with the same answer as before", 1.0, "share"),
                Evidence("requests compared", first.count, "count"),
                Evidence("different requests", first.inputs, "count"),
                Evidence("different answers", first.answers, "count"),
            ),
            gain=Gain(saved, self.range_low * saved, min(0.99, saved), 0.0, method, "capacity", confidence=0.6),
            queue=QueueChange("skipped"),
            fix=Fix(f"Cache the answers of {first.route}", snippet, effort=2, risk=0.1),
            after="computing requests that come for the first time becomes the bottleneck",
        )

    def _can_be_cached(self, route: Repeated) -> bool:
        if _CREDENTIALS.search(route.route):
            return False
        enough = route.count >= self.min_requests and route.repeats >= self.min_repeats
        computed = route.is_function and route.pace >= self.min_pace
        return enough and computed and route.repeat_share >= self.repeat_share_threshold
