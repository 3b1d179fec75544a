"""``bottleneck load``: send requests to a server, and find how many it can take."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from ._prices import price_option, prices_of

if TYPE_CHECKING:
    from ..diagnosis.load_tests import LoadTested
    from ..load.bench import Show
    from ..load.run import Plan, Result

_MOST_SECONDS = 24 * 3600.0
_MOST_BUDGET = 120.0


class _Load(click.Command):
    """What follows ``--`` is the command that starts the server."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if "--" in args:
            at = args.index("--")
            ctx.meta["server"], args = tuple(args[at + 1 :]), args[:at]
        return super().parse_args(ctx, args)


class _Rates(click.ParamType):  # type: ignore[type-arg]
    """Rates separated by commas."""

    name = "rates"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> list[float]:
        try:
            rates = [float(each) for each in str(value).split(",")]
        except ValueError:
            rates = []
        if not rates or not all(0 < rate <= 1e6 for rate in rates):
            self.fail(f"{value} is not a list of requests per second, such as 50,100,200", param, ctx)
        return rates


_POSITIVE = click.FloatRange(min=0, min_open=True, max=1e6)


@click.command("load", cls=_Load, context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("urls", nargs=-1, required=True, metavar="URL [URL_B]")
@click.option("--rate", type=_POSITIVE, metavar="R", help="Requests per second, [default: 20].")
@click.option("--duration", type=click.FloatRange(min=0.1, max=_MOST_SECONDS), default=10.0, show_default=True,
              metavar="SECONDS", help="Length of the test; with --steps, of each step.")  # fmt: skip
@click.option("--steps", type=_Rates(), metavar="R,R,...", help="Several rates, one after the other.")
@click.option("--spike", type=_POSITIVE, metavar="R", help="Rate in the middle fifth of the test.")
@click.option("--concurrency", type=click.IntRange(1, 20_000), metavar="N",
              help="Closed loop: N clients that each wait for the response before the next request.")  # fmt: skip
@click.option("--slo-p99", type=_POSITIVE, metavar="MS", help="Objective: 99 % of the requests take at most MS.")
@click.option("--find-knee", is_flag=True, help="Search the highest rate that meets --slo-p99.")
@click.option("--budget", type=click.FloatRange(min=10, max=_MOST_BUDGET), default=110.0, show_default=True,
              metavar="SECONDS", help="Time for --find-knee.")  # fmt: skip
@click.option("--arrivals", type=click.Choice(["poisson", "uniform"]), default="poisson", show_default=True,
              help="Gaps between requests: random, as of many clients, or equal.")  # fmt: skip
@click.option("--seed", type=int, default=0, show_default=True, help="Of the schedule and of templates.")
@click.option("--max-requests", type=click.IntRange(1, 10**7), default=1_000_000, show_default=True)
@click.option("--method", "-X", metavar="NAME", help="HTTP method [default: GET, or POST with a body].")
@click.option("--header", "-H", "headers", multiple=True, metavar="'NAME: VALUE'", help="May be given several times.")
@click.option("--body", metavar="TEXT")
@click.option("--body-file", type=click.Path(path_type=Path), metavar="FILE")
@click.option("--template", type=click.Path(path_type=Path), metavar="FILE",
              help="Body with {{index}}, {{uuid}} and {{random}}, filled in for each request.")  # fmt: skip
@click.option("--body-list", type=click.Path(path_type=Path), metavar="FILE",
              help="Bodies to send in turn: a JSON array, or one per line.")  # fmt: skip
@click.option("--timeout", type=click.FloatRange(min=0.1, max=600), default=30.0, show_default=True, metavar="SECONDS")
@click.option("--insecure", is_flag=True, help="Accept any TLS certificate.")
@click.option("--allow-remote", is_flag=True, help="Permit a server on another machine.")
@click.option("--processes", type=click.IntRange(1, 64), help="Processes that send [default: by rate and cores].")
@click.option("--run", "server_run", metavar="RUN", help="The run of `bottleneck run` in which the server runs.")
@click.option("--run-dir", type=click.Path(path_type=Path), help="Keep the samples in this folder; new or empty.")
@price_option("the server's machine per hour")
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
@click.pass_context
def command(ctx: click.Context, /, urls: tuple[str, ...], **options: Any) -> None:
    """Send requests to URL at planned times, and say how long the responses take.

    URL ... -- COMMAND starts the server COMMAND under `bottleneck run` first and ends it afterwards; the report then
    says which line sets the server's capacity. --run RUN does the same for a server that is being recorded already.

    Latency counts from the planned time, so that requests that a slow server delays are not forgotten. Every request is
    kept in .bottleneck/loads. Two URLs are compared side by side, request by request.
    """
    from ..load import LoadError, need_aiohttp

    try:
        need_aiohttp()
        plan = _plan(urls, options)
        _run(plan, options, ctx.meta.get("server", ()))
    except LoadError as error:
        _fail(str(error))
    except KeyboardInterrupt:
        sys.exit(130)


def _plan(urls: tuple[str, ...], options: dict[str, Any]) -> Plan:
    from ..load import LoadError
    from ..load.requests import requests
    from ..load.run import Plan
    from ..load.schedule import soak, spike, steps
    from ..load.target import target

    knee, slo, clients = options["find_knee"], options["slo_p99"], options["concurrency"]
    shapes = [f"--{name}" for name in ("steps", "spike", "concurrency", "find_knee") if options[name]]
    if len(shapes) > 1:
        raise LoadError(f"{shapes[0]} and {shapes[1].replace('_', '-')} exclude each other")
    if options["rate"] and shapes and not options["spike"]:
        raise LoadError(f"--rate and {shapes[0].replace('_', '-')} exclude each other")
    if knee and slo is None:
        raise LoadError("--find-knee needs an objective, such as --slo-p99 200")
    if len(urls) > 2 or (len(urls) == 2 and (knee or clients)):
        raise LoadError("two URLs are compared at one rate, in steps or with a spike" if len(urls) == 2 else
                        "give one URL, or two to compare")  # fmt: skip
    rate, seconds = options["rate"] or 20.0, options["duration"]
    stages = soak(rate, seconds)
    if options["steps"]:
        stages = steps(options["steps"], seconds)
    elif options["spike"]:
        stages = spike(rate, options["spike"], seconds)
    body = {name: options[name] for name in ("body", "body_file", "template", "body_list", "seed")}
    return Plan(
        targets=tuple(target(url, options["allow_remote"]) for url in urls),
        requests=requests(options["method"], options["headers"], **body),
        stages=() if knee or clients else stages,
        clients=clients or 0,
        seconds=seconds,
        slo_seconds=None if slo is None else slo / 1e3,
        find_knee=knee,
        budget_seconds=options["budget"],
        most_requests=options["max_requests"],
        seed=options["seed"],
        poisson=options["arrivals"] == "poisson",
        processes=options["processes"] or 0,
        timeout_seconds=options["timeout"],
        verify=not options["insecure"],
    )


def _run(plan: Plan, options: dict[str, Any], command: tuple[str, ...]) -> None:
    from ..load import LoadError
    from ..load.cost import machine_price, served_cost
    from ..load.recorded import RecordedServer
    from ..load.run import run
    from ..load.store import SCHEMA, new_folder, store
    from ..recording.folder import RUNS

    if command and (options["server_run"] or len(plan.targets) > 1):
        raise LoadError("a command starts one server, which is recorded: give one URL and no --run")
    price = machine_price(prices_of(options["price_per_hour"]), options["price_per_hour"] is not None)
    run_dir = _server_run(options["server_run"])
    folder = new_folder(f"{plan.targets[0].host}-{plan.targets[0].port}", options["run_dir"])
    try:
        with _bar() as show:
            if command:
                run_dir = folder / "server" if options["run_dir"] else RUNS.absolute() / folder.name
                with RecordedServer(command, plan.targets[0], run_dir, folder):
                    result = run(plan, show)
                    show("the server ends", 1.0)
            else:
                result = run(plan, show)
    finally:
        _remove_if_empty(folder)
    if run_dir is not None:
        _join(result, run_dir)
    result.cost = served_cost(result, price)
    report = {"schema": SCHEMA, **result.as_json(plan), "folder": str(folder)}
    store(folder, result.samples, report)
    tested = result.tested(plan)
    if run_dir is not None and tested is not None and result.versus is None:
        _keep(run_dir, tested)
    _show(plan, result, report, folder, options["as_json"])
    if run_dir is not None and not options["as_json"]:
        click.echo(f"Server:  bottleneck report {run_dir.name if run_dir.parent.name == 'runs' else run_dir}", err=True)
    sys.exit(_exit_code(result))


def _server_run(name: str | None) -> Path | None:
    from ..load import LoadError
    from ..recording.folder import RunError, find

    try:
        return None if name is None else find(name)
    except RunError as error:
        raise LoadError(str(error)) from None


def _join(result: Result, run_dir: Path) -> None:
    """The server's recording, finished or still in progress; a recording that cannot be read costs the join alone."""
    from ..recording.folder import RunError
    from ..session import analyse, look

    try:
        recording, diagnosis = look(run_dir) or analyse(run_dir)
        result.join(recording, [ranked.finding for ranked in diagnosis.findings])
    except RunError as error:
        result.unjoined = str(error)


def _keep(run_dir: Path, tested: LoadTested) -> None:
    """With the server's run, whose report shows it from now on."""
    from dataclasses import asdict

    from ..recording import kept

    try:
        kept.add(run_dir, kept.LOAD_TESTS, asdict(tested))
    except OSError as error:
        click.echo(f"bottleneck: the result cannot be kept in {run_dir}: {error.strerror}", err=True)


def _show(plan: Plan, result: Result, report: dict[str, Any], folder: Path, as_json: bool) -> None:
    from rich.console import Console

    from ._load import drawn

    if as_json:
        click.echo(json.dumps(report))
        return
    console = Console()
    console.print(drawn(plan, result, console))
    click.echo(f"Samples: {folder}", err=True)


def _exit_code(result: Result) -> int:
    """130 after Ctrl-C; 1 if the objective was missed, could not be judged, or every request failed."""
    if result.interrupted:
        return 130
    if result.stopped or result.total is None:
        return 1
    if result.knee is not None:
        return 0 if result.knee.rate is not None else 1
    return 1 if result.total.slo_seconds is not None and not result.total.within else 0


def _remove_if_empty(folder: Path) -> None:
    """A test that did not begin leaves no folder."""
    for each in (folder / "tables", folder):
        try:
            each.rmdir()
        except OSError:
            return


@contextmanager
def _bar() -> Iterator[Show]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("bottleneck load"), BarColumn(), TimeElapsedColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task("starting", total=1.0)
        yield lambda doing, share: bar.update(task, completed=share, description=doing)


def _fail(message: str) -> NoReturn:
    click.echo(f"bottleneck: {message}", err=True)
    sys.exit(2)
