"""What the detectors that judge watched servers share."""

from __future__ import annotations

from ...artifacts.serving.watched import Server
from ...diagnosis.findings import Evidence, Outcome

MIN_REQUESTS = 50  # as for recorded servers
MAX_FAILED_SHARE = 0.1  # of the requests: beyond, the latency is that of rejections


def of_server(server: Server, *evidence: Evidence | None) -> tuple[Evidence, ...]:
    """Its name, what it served, and what else is known."""
    rate = server.requests_per_second
    known = (
        Evidence("server", f"{server.name} at {server.fact.url}" if server.fact.url else server.name),
        Evidence("requests finished per second", rate, "1/s") if rate is not None else None,
        *evidence,
    )
    return tuple(each for each in known if each is not None)


def measured(label: str, value: float | None, unit: str) -> Evidence | None:
    """Evidence, if there is any."""
    return None if value is None else Evidence(label, value, unit)


def failing(server: Server) -> str:
    """Why its latency says nothing, if so many requests fail; else ""."""
    share = server.failed_share
    if share is None or share < MAX_FAILED_SHARE:
        return ""
    where = server.fact.url or server.name
    return f"{percent(share)} of the requests to {where} failed: their times say nothing of the others."


def few(server: Server) -> str:
    """Why there is too little to judge, if fewer requests were finished than are needed; else ""."""
    done = server.requests or 0.0
    return (
        ""
        if done >= MIN_REQUESTS
        else f"Only {done:.0f} requests to {server.name} were finished; {MIN_REQUESTS} are needed."
    )


def percent(share: float) -> str:
    """12 %."""
    return f"{100 * share:.0f} %"


def worst(outcomes: list[Outcome]) -> Outcome | None:
    """The finding that gains most; else what is not measured, which is no all-clear; else the first "fine"."""
    from ...diagnosis.findings import Finding, Fine, NotMeasured

    findings = [each for each in outcomes if isinstance(each, Finding)]
    if findings:
        return max(findings, key=lambda finding: finding.gain.share if finding.gain else 0.0)
    for kind in (Fine, NotMeasured):
        same = [each for each in outcomes if isinstance(each, kind)]
        if same:
            return same[0]
    return None
