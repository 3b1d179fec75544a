"""Results of llmperf (``token_benchmark_ray.py``): the summary, or the requests one by one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..recording.facts.servers import LoadLevel
from ..recording.folder import RunError
from ..recording.model import Recording
from ._load_tests import count, files_in, json_of, known, number, recognised, recording, summary
from ._reading import ONE_BY_ONE, Reading

name = "llmperf result"

_MEASURES = {"latency": "end_to_end_latency_s", "first_token": "ttft_s", "token_gap": "inter_token_latency_s"}
_KEYS = {"mean": "mean", "min": "min", "max": "max", **{f"p{q}": f"quantiles_p{q}" for q in (50, 75, 90, 95, 99)}}


def _knows(start: bytes, path: Path) -> bool:
    whole = b'"results_ttft_s' in start or b'"results_end_to_end_latency_s' in start
    return whole or (b'"ttft_s"' in start and b'"end_to_end_latency_s"' in start)


def recognises(path: Path) -> bool:
    """Whether ``path`` is a result of llmperf, or a folder with one."""
    return recognised(path, _knows)


def read(path: Path) -> Recording:
    """The recording of one result. Raises RunError."""
    return read_many([path])


def read_many(paths: Sequence[Path], how: Reading = ONE_BY_ONE) -> Recording:
    """The same for several: the requests of a test whose summary is there, too, are not counted again."""
    levels = list[LoadLevel]()
    for path in paths:
        documents = {file: json_of(file) for file in files_in(path, _knows)}
        summaries = [_summary(file, each) for file, each in documents.items() if isinstance(each, dict)]
        lists = [_requests(file, each) for file, each in documents.items() if not isinstance(each, dict)]
        levels += _joined(summaries, lists)
    return recording(paths[0], "llmperf", levels)


def _joined(summaries: list[LoadLevel], lists: list[LoadLevel]) -> list[LoadLevel]:
    """The summaries; what they do not count, the list of the same test does."""
    import msgspec

    if len(summaries) == len(lists) == 1:
        one, other = summaries[0], lists[0]
        return [
            msgspec.structs.replace(
                one,
                requests=other.requests if one.requests is None else one.requests,
                failures=max(one.failures, other.failures),
            )
        ]
    return summaries or lists


def _summary(file: Path, document: dict[str, Any]) -> LoadLevel:
    measures = {
        ours: known((key, document.get(f"results_{theirs}_{ending}")) for key, ending in _KEYS.items())
        for ours, theirs in _MEASURES.items()
    }
    if not measures["latency"]:
        raise RunError(f"{file} is no summary of llmperf")
    started = count(document.get("results_num_requests_started"))
    done = count(document.get("results_num_completed_requests"))
    low, high = (number(document.get(f"results_number_input_tokens_quantiles_p{q}")) for q in (25, 95))
    return LoadLevel(
        tool="llmperf",
        requests=started if started is not None else done,
        failures=count(document.get("results_number_errors")) or 0,
        clients=count(document.get("num_concurrent_requests")),
        per_second=_per_minute(document),
        tokens_per_second=number(document.get("results_mean_output_throughput_token_per_s")),
        input_spread=high / low if low and high else None,
        latency=measures["latency"],
        first_token=measures["first_token"],
        token_gap=measures["token_gap"],
    )


def _per_minute(document: dict[str, Any]) -> float | None:
    found = number(document.get("results_num_completed_requests_per_min"))
    return None if found is None else found / 60.0


def _requests(file: Path, document: Any) -> LoadLevel:
    rows = [row for row in document if isinstance(row, dict)] if isinstance(document, list) else []
    good = [row for row in rows if row.get("error_code") is None]
    values = {
        ours: summary([value for row in good if (value := number(row.get(key))) is not None])
        for ours, key in _MEASURES.items()
    }
    if not values["latency"]:
        raise RunError(f"{file} holds no requests of llmperf that were answered")
    sizes = sorted(value for row in good if (value := number(row.get("number_input_tokens"))))
    spread = sizes[int(0.9 * (len(sizes) - 1))] / sizes[int(0.1 * (len(sizes) - 1))] if sizes else None
    return LoadLevel(
        tool="llmperf",
        requests=len(rows),
        failures=len(rows) - len(good),
        input_spread=spread,
        latency=values["latency"],
        first_token=values["first_token"],
        token_gap=values["token_gap"],
    )
