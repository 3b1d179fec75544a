"""The command line: one file per command, imported only when that command is used."""

from __future__ import annotations

import importlib

import click

_COMMANDS = {
    "run": "Run a program and report what limits it.",
    "report": "Analyse a recorded run again and show its report.",
    "load": "Send requests to a server, and find how many it can take.",
    "top": "Show the runs in progress and the GPUs, now.",
    "watch": "Watch servers by the metrics that they show, and report what limits them.",
    "import": "Turn traces, Spark event logs, results of load tests or pages of metrics into a run.",
    "fix": "Show the patch for a finding, or apply it.",
    "try": "Prove the gain of a fix: run the program with and without it, in a sandbox.",
    "convert": "Write the text files of a finding as Parquet, and show the lines to change.",
    "compare": "Compare two runs, or several runs of two versions.",
    "check": "Fail if a change made a program slower, or if it is over a budget: for CI.",
    "history": "Show runs over time, and since when they are slower or faster.",
    "runs": "List recorded runs, or delete old ones.",
    "explain": "Explain a detector: why it matters, how it is measured, how to fix it.",
    "detectors": "List the detectors.",
}


_MODULES = {"import": "import_traces", "try": "try_fix"}  # a keyword names no module


class _Lazy(click.Group):
    """Imports a command's module on first use, so that --help stays fast."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        module = importlib.import_module(f".{_MODULES.get(cmd_name, cmd_name)}", __name__)
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))


@click.group(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="bottleneck-profiler", prog_name="bottleneck")
def main() -> None:
    """Find what limits a machine-learning job: where the time goes, on which line, and what each fix would save."""
