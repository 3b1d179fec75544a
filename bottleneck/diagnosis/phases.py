"""Turns the identifier of a phase into words for the reader."""

from __future__ import annotations

_WORDS = {
    "data_wait": "waiting for data",
    "loader_start": "dataloader start-up",
    "h2d": "host-to-device copy",
    "sync": "waiting for the device",
    "optimizer": "optimizer step",
    "eval": "evaluation",
    "etl.read": "reading data",
    "etl.transform": "transforming data",
    "etl.write": "writing data",
    "serve.handler": "request handlers",
    "serve.idle": "waiting for requests",
    "serve.blocked": "blocked event loop",
    "import": "imports",
    "python": "other Python",
    "other": "not attributed",
    "spark.startup": "start-up, before the first job",
    "spark.driver": "the driver, between jobs",
    "spark.waiting": "jobs without a running task",
    "spark.open": "tasks that had not ended",
    "stage:others": "other stages",
}


def phase_words(phase: str) -> str:
    """``data_wait`` as "waiting for data", ``python:Batches.batch`` as "Batches.batch()"."""
    kind, _, function = phase.partition(":")
    if kind == "python" and function:
        return "top-level code" if function == "<module>" else f"{function}()"
    if kind == "stage" and phase not in _WORDS:
        return f"stage {function}"
    return _WORDS.get(phase, phase)
