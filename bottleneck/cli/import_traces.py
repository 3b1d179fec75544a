"""``bottleneck import``: make a run of what other tools recorded."""

from __future__ import annotations

import sys
from pathlib import Path

import click


@click.command("import", context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("paths", nargs=-1, required=True, metavar="PATH...", type=click.Path(path_type=Path))
@click.option(
    "--run-dir", type=click.Path(path_type=Path), help="New folder for the run; default: in .bottleneck/runs."
)
@click.option("--scheduler", metavar="ADDRESS", default="", help="Read many files on this Dask cluster.")
@click.option("--verbose", "-v", is_flag=True, help="Show every phase and every check.")
def command(paths: tuple[Path, ...], run_dir: Path | None, scheduler: str, verbose: bool) -> None:
    """Turn PATHs, the traces of one job, into a run and report on it.

    It reads traces of torch.profiler (JSON, plain, .gz or .zst), SQLite exports of Nsight Systems, XPlane profiles
    of JAX and TensorFlow, and event logs of Spark; results of the load tests k6, Locust, vegeta, perf_analyzer, AIPerf
    and llmperf, one file or folder for each load; and saved pages of Prometheus metrics. A folder stands for the files
    in it.
    """
    from rich.console import Console

    from ..recording.folder import RunError
    from ..session import analyse, store, write
    from ._reading import reading

    try:
        with reading(paths, scheduler) as how:
            folder = store(paths, run_dir, how)
        recording, diagnosis = analyse(folder)
    except RunError as error:
        click.echo(f"bottleneck: {error}", err=True)
        sys.exit(2)
    for warning in write(folder, recording, diagnosis, {"terminal": {"console": Console(), "verbose": verbose}}):
        click.echo(f"bottleneck: {warning}", err=True)
