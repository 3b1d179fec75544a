"""The signals of a server, whatever its metrics are called: the columns of the table ``servers``.

A gauge is as the page has it. What ends in ``_total`` only grows: on the first page it is what the server had counted
so far, and from then on it grows by what the counter grew, also where the server was restarted and began at zero. A
*measure* of durations, such as ``queue``, has two such columns, ``queue_seconds_total`` and ``queue_count_total``.
"""

from __future__ import annotations

#: Gauges -> how several series of one server become one: requests add up, the fullest cache is the one that limits.
GAUGES = {
    "running_requests": "sum",
    "waiting_requests": "sum",
    "most_running_requests": "sum",
    "kv_cache_share": "max",
    "gpu_utilization_share": "mean",
    "gpu_memory_used_bytes": "sum",
    "gpu_memory_total_bytes": "sum",
    "gpu_power_watts": "sum",
}
#: ``batch_rows_total`` / ``batches_total`` is the mean batch. ``host_cpu_seconds_total``: of all cores, idle or not.
COUNTERS = (
    "requests_total", "failures_total", "prompt_tokens_total", "output_tokens_total", "preemptions_total",
    "batches_total", "batch_rows_total", "process_cpu_seconds_total", "host_cpu_seconds_total",
    "host_cpu_idle_seconds_total",
)  # fmt: skip
#: ``latency``: of a whole request; ``queue``: until it is worked on; ``compute``: in the model, summed over requests;
#: ``first_token``: until the first token; ``token_gap``: between two tokens.
MEASURES = ("latency", "queue", "compute", "first_token", "token_gap")
TOTALS = (*COUNTERS, *(f"{name}_{part}_total" for name in MEASURES for part in ("seconds", "count")))
COLUMNS = (*GAUGES, *TOTALS)
