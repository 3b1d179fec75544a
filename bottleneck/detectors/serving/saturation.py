"""More requests arrive than the server finishes, and they queue."""

from __future__ import annotations

import math

from ...artifacts.serving.load_test import LoadTest, load, throughput, typical
from ...artifacts.serving.watched import Server, Watched
from ...diagnosis.findings import Evidence, Finding, Fine, Fix, Gain, NotApplicable, NotMeasured, Outcome
from ...recording.facts.servers import LoadLevel
from .. import Detector
from ._shared import MAX_FAILED_SHARE, MIN_REQUESTS, failing, few, measured, of_server, percent, worst


class Saturation(Detector):
    """The server is at its capacity: requests spend their time in a queue, and more load only lengthens it.

    Why it matters
        Beyond its capacity a server finishes no more requests per second; each further client only waits, and makes
        all others wait longer.
    How it is measured
        Of a server that is watched: the time that requests spend in its queue, as a share of their whole time, or the
        requests that wait beside those that run, while at least one waits on average and in a quarter of the looks.
        Of a load test at several loads: doubling the load adds less than 19 % of throughput. At a single load: the
        median latency is many times the shortest one, for requests of one kind and size. The gain is Little's law:
        as many requests inside, on twice the servers.
    How to fix it
        Serve from more replicas, make a request cheaper, or limit how many are let in, so that the others fail fast.
    When to ignore it
        When the queue is wanted, as for jobs that run overnight, or the test was meant to find the limit.
    """

    id = "saturation"
    title = "The server is saturated: requests wait in its queue"
    stage = "serving"
    queue_share_threshold = 0.5  # of the time of a request
    busy_threshold = 0.9  # of the time in the model, if the server tells that
    busy_queue_threshold = 0.3  # of the time of a request, in front of a model that is so busy
    waiting_threshold = 1.0  # requests that wait, on average
    waiting_looks_threshold = 0.25  # of the looks: a burst that ends is no saturation
    spread_threshold = 5.0  # median over shortest latency, at a single load
    min_clients = 8  # of a single load: with few clients a long queue is impossible
    tail_limit = 4.0  # 95th percentile over median: beyond, requests of different kinds are mixed
    input_spread_limit = 2.0  # of the sizes of requests
    kept_up_threshold = 0.95  # of the planned rate
    unsure_share_limit = 0.75  # of a request's time: the shortest request may be another kind of request

    def detect(self, watched: Watched | None, test: LoadTest | None) -> Outcome:
        outcomes = [self._server(server) for server in watched.serving] if watched is not None else []
        if test is not None:
            outcomes.append(self._test(test))
        if watched is not None and not outcomes:
            return NotMeasured("What was watched counts no requests.")
        return worst(outcomes) or NotApplicable("No server was watched, and no load test was imported.")

    # --- a watched server ---
    def _server(self, server: Server) -> Outcome:
        if reason := failing(server):
            return NotMeasured(reason)
        done, share = server.requests or 0.0, server.queue_share
        running, waiting = server.mean("running_requests"), server.mean("waiting_requests")
        if done < MIN_REQUESTS or share is None:
            if not server.settled or running is None or waiting is None:
                silent = f"It is not known how long or how many requests to {server.name} wait."
                return NotMeasured((few(server) if not server.settled else "") or silent)
            share = waiting / (waiting + running) if waiting + running > 0 else 0.0
        if server.one_page:
            if share >= self.queue_share_threshold:
                return self._queueing(server, share)
            told = f"Since its start, requests to {server.name} have waited for {percent(share)} of their time"
            return NotMeasured(f"{told}; when, a single page does not say.")
        level = server.waiting
        if level is not None and level < self.waiting_threshold:
            return Fine(level, self.waiting_threshold, "count", "requests waiting, on average")
        looks = server.waiting_share
        if looks is not None and looks < self.waiting_looks_threshold:
            return Fine(looks, self.waiting_looks_threshold, "share", "looks at which a request waited")
        full = (server.busy_share or 0.0) >= self.busy_threshold and share >= self.busy_queue_threshold
        if share < self.queue_share_threshold and not full:
            return Fine(share, self.queue_share_threshold, "share", "queue's share of a request's time")
        return self._queueing(server, share)

    def _queueing(self, server: Server, share: float) -> Finding:
        running = None if server.one_page else server.mean("running_requests")
        waiting = None if server.one_page else server.waiting
        return self.finding(
            evidence=of_server(
                server,
                Evidence("share of a request's time in the queue", share, "share"),
                measured("requests waiting, on average", waiting, "count"),
                measured("requests running, on average", running, "count"),
                measured("time in the model", None if server.one_page else server.busy_share, "share"),
                measured("mean time in the queue", server.each("queue"), "s"),
                measured("mean time of a request", server.each("latency"), "s"),
                Evidence("looks", "one page: totals since the server's start") if server.one_page else None,
            ),
            gain=_replica_gain(share),
            fix=_fix(server, running, waiting),
            detected_by=0.6,  # a symptom: why the server is slow, another detector says, if any
            after="the time of a request in the model becomes the bottleneck",
        )

    # --- a load test ---
    def _test(self, test: LoadTest) -> Outcome:
        if test.failed_share >= MAX_FAILED_SHARE:
            return NotMeasured(
                f"{percent(test.failed_share)} of the requests failed: their times say nothing of the others."
            )
        last = test.last
        if last.requests is not None and last.requests < MIN_REQUESTS and len(test.levels) < 3:
            return NotMeasured(f"The test has {last.requests} requests; {MIN_REQUESTS} are needed.")
        took = last.latency.get("mean", typical(last))
        if last.queue_seconds is not None and took:
            share = min(1.0, last.queue_seconds / took)
            if share >= self.queue_share_threshold and (last.clients or 2) > 1:
                return self._at_limit(test, share)
        if test.knee is not None:
            return self._at_limit(test, self._longer(test))
        if last.asked_per_second and last.per_second is not None:
            kept = last.per_second / last.asked_per_second
            if kept < self.kept_up_threshold:
                return self._at_limit(test, 1.0 - kept)
            return Fine(kept, self.kept_up_threshold, "share", "of the planned rate was answered")
        if len(test.levels) > 1:
            return Fine(load(last), None, "count", "throughput still grows at the heaviest load")
        return self._single(test)

    def _single(self, test: LoadTest) -> Outcome:
        level = test.last
        if level.clients is None:
            return NotMeasured("The file does not say how many clients there were.")
        if level.clients == 1:
            return Fine(level.clients, self.min_clients, "count", "client at a time: there is no queue")
        if level.first_token and (level.input_spread or math.inf) > self.input_spread_limit:
            return NotMeasured(
                "The requests differ too much in size to tell waiting from work; the server's metrics do."
            )
        spread, tail = _spread(level), _tail(level)
        of_routes = [_spread(route) for route in test.routes]
        if spread is None or tail is None:
            return NotMeasured("The file lacks the shortest, the median or the 95th percentile of the latency.")
        if of_routes:
            spread = max((each for each in of_routes if each is not None), default=spread)
        if spread < self.spread_threshold:
            return Fine(spread, self.spread_threshold, "", "median latency over the shortest one")
        if level.clients < self.min_clients:
            return NotMeasured(f"{level.clients} clients at once are too few to tell a queue from slow requests.")
        if tail > self.tail_limit:
            return NotMeasured("The latencies are those of different kinds of requests; test one kind alone.")
        return self._at_limit(test, min(self.unsure_share_limit, 1.0 - 1.0 / spread), sure=False)

    @staticmethod
    def _longer(test: LoadTest) -> float:
        """Of the latency at the heaviest load, what there is not at the knee."""
        knee, last = test.knee or test.last, test.last
        first, then = typical(knee), typical(last)
        if first is None or not then:
            return 1.0 - (load(knee) or 1.0) / (load(last) or 1.0)
        return max(0.0, 1.0 - first / then)

    def _at_limit(self, test: LoadTest, share: float, sure: bool = True) -> Finding:
        last, knee = test.last, test.knee
        best = throughput(test.best)
        unit = "tokens" if test.best.tokens_per_second else "requests"
        kind = "clients" if last.clients else "requests per second"
        rows = [
            Evidence("load test", test.tool),
            measured(f"most {unit} per second", best, "1/s"),
            measured(f"load up to which throughput grows ({kind})", load(knee) if knee else None, "count"),
            measured(f"heaviest load ({kind})", load(last), "count"),
            measured("median latency at the knee", typical(knee) if knee else None, "s"),
            measured("median latency at the heaviest load", typical(last), "s"),
            measured("shortest latency", last.latency.get("min") if not knee else None, "s"),
            measured("mean time in the server's queue", last.queue_seconds, "s"),
            measured("mean time in the model", last.compute_seconds, "s"),
            measured("model busy, if it computes one request at a time", one_at_a_time(last), "share"),
            measured("the test's own checks that failed", last.checks_failed, "share"),
        ]
        return self.finding(
            title="The server is at its capacity: more clients only wait longer",
            evidence=tuple(row for row in rows if row is not None),
            gain=_replica_gain(share),
            fix=_load_fix(last),
            detected_by=1.0 if sure else 0.6,
            after="the time of a single request becomes the bottleneck",
        )


def one_at_a_time(level: LoadLevel) -> float | None:
    """How busy the model is if it never computes two requests at once; None if it evidently does."""
    if level.compute_seconds is None or level.per_second is None:
        return None
    busy = level.compute_seconds * level.per_second
    return busy if busy <= 1.05 else None


def _spread(level: LoadLevel) -> float | None:
    shortest, median = level.latency.get("min"), level.latency.get("p50")
    return median / shortest if shortest and median else None


def _tail(level: LoadLevel) -> float | None:
    median, high = level.latency.get("p50"), level.latency.get("p95", level.latency.get("p90"))
    return high / median if median and high is not None else None


def _replica_gain(share: float) -> Gain:
    saved = min(0.5, share)
    method = (
        "Little's law: as many requests inside, on twice the servers, take half the time, but at least what they take "
        "without a queue; enough servers save all of the queue"
    )
    return Gain(saved, 0.5 * saved, max(saved, min(0.99, share)), 0.0, method, "p99", confidence=0.8)


def _fix(server: Server, running: float | None, waiting: float | None) -> Fix:
    several = ""
    if running and waiting:
        several = f" ({math.ceil((running + waiting) / max(running, 1.0))} hold all the requests that are inside now)"
    limit = server.mean("most_running_requests")
    if limit and running is not None and running >= 0.95 * limit:
        return Fix(
            f"Let more than {limit:.0f} requests run at once if memory allows, or serve from more replicas{several}",
            "--max-running-requests N  # SGLang; vLLM: --max-num-seqs N",
            effort=1,
            risk=0.1,
        )
    return Fix(
        f"Serve from more replicas{several}, or let in fewer requests at once, so that the others fail fast",
        "",
        effort=8,
    )


def _load_fix(level: LoadLevel) -> Fix:
    if one_at_a_time(level) is not None:
        return Fix(
            "Let the server compute several requests at once: in batches, or in more instances of the model",
            "# Triton, config.pbtxt\nmax_batch_size: 8\ndynamic_batching { max_queue_delay_microseconds: 1000 }\n"
            "instance_group [ { count: 2 } ]",
            effort=1,
            risk=0.1,
        )
    return Fix("Serve from more replicas, make a request cheaper, or limit how many are let in at once", "", effort=8)
