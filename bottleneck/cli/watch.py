"""``bottleneck watch``: servers, by the metrics that they show."""

from __future__ import annotations

import json
import signal
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ._options import interval_option
from ._prices import price_option, prices_of

if TYPE_CHECKING:
    from ..capture.servers.saver import WatchFolder
    from ..capture.servers.watch import Look, Watch
    from ..prices import Prices

SCHEMA = "bottleneck.watch/1"


@click.command("watch", context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("urls", nargs=-1, required=True, metavar="URL...")
@click.option("--once", is_flag=True, help="Print one table after one interval, and end; no run is stored.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, one document per look.")
@interval_option()
@click.option("--duration", type=click.FloatRange(min=0.1), metavar="SECONDS", help="End after this time.")
@click.option(
    "--timeout",
    type=click.FloatRange(min=0.1, max=600),
    default=5.0,
    show_default=True,
    metavar="SECONDS",
    help="Time in which a page must be there.",
)
@click.option(
    "--mapping",
    "mappings",
    multiple=True,
    type=click.Path(path_type=Path),
    help="What another server calls its metrics (see the documentation).",
)
@click.option("--header", "headers", multiple=True, metavar="'NAME: VALUE'", help="Send this header; it is not stored.")
@click.option(
    "--run-dir", type=click.Path(path_type=Path), help="Store the run in this folder; it must be new or empty."
)
@price_option("one accelerator per hour")
@click.option("--verbose", "-v", is_flag=True, help="Show every check in the report.")
def command(
    urls: tuple[str, ...],
    once: bool,
    as_json: bool,
    interval: float,
    duration: float | None,
    timeout: float,
    mappings: tuple[Path, ...],
    headers: tuple[str, ...],
    run_dir: Path | None,
    price_per_hour: str | None,
    verbose: bool,
) -> None:
    """Watch servers by the metrics that they show at URL, and report what limits them.

    URL is an address such as http://localhost:8000/metrics, or short localhost:8000. Pages in the text format of
    Prometheus are read: those of Triton, vLLM, SGLang, TGI, TEI, TorchServe, Ray Serve, BentoML, dcgm-exporter and
    node-exporter, and of any other server with --mapping. It only reads. Ctrl-C, or --duration, ends the watch; then
    the report follows, and `bottleneck report` shows it again.
    """
    from ..capture.servers.fetch import Fetcher, Http
    from ..capture.servers.watch import Watch
    from ..recording.folder import RunError
    from ..recording.servers import rules

    prices = prices_of(price_per_hour, of_accelerator=True)
    try:
        own = tuple(mapping for path in mappings for mapping in rules.read(path))
        asked = tuple(dict.fromkeys(map(_address, urls)))
        fetch = Fetcher(Http(timeout, dict(map(_header, headers))), timeout)
    except RunError as error:
        _fail(str(error))
    watch = Watch(asked, fetch, time.monotonic_ns, own)
    started_ns, started_wall_ns = time.monotonic_ns(), time.time_ns()
    looks = _looks(watch, interval, duration)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        first = next(looks)
        if not first.servers:
            for url, problem in first.problems or [(url, "shows none of its signals") for url in asked]:
                click.echo(f"bottleneck: {url} {problem}", err=True)
            sys.exit(2)
        if once:
            return _show(next(looks), as_json)
        folder = _folder(run_dir, watch, started_ns, started_wall_ns)
        _watch(first, looks, folder, as_json)
    except KeyboardInterrupt:
        return
    except RunError as error:
        _fail(str(error))
    except BrokenPipeError:
        sys.exit(1)
    _report(folder.run_dir, prices, as_json, verbose)


def _looks(watch: Watch, interval: float, duration: float | None) -> Iterator[Look]:
    """A look at once and one after each interval, however long a look takes; the last one when ``duration`` is over."""
    began = due = time.monotonic()
    while True:
        yield watch.look()
        left = float("inf") if duration is None else began + duration - time.monotonic()
        if left <= 0:
            return
        due = max(due + interval, time.monotonic())
        time.sleep(min(due - time.monotonic(), left) if due > time.monotonic() else 0)


def _folder(run_dir: Path | None, watch: Watch, started_ns: int, started_wall_ns: int) -> WatchFolder:
    from ..capture.servers.saver import WatchFolder
    from ..files import reason
    from ..recording.folder import RunError, create

    folder = create(None, "watch", run_dir)
    try:
        return WatchFolder(folder, watch, started_ns, started_wall_ns)
    except OSError as error:
        raise RunError(f"cannot write {error.filename or folder}: {reason(error)}") from None


def _watch(first: Look, looks: Iterator[Look], folder: WatchFolder, as_json: bool) -> None:
    """Store and show all looks until they end or Ctrl-C. Raises RunError when nothing more can be stored."""
    from ..files import reason
    from ..recording.folder import RunError

    screen = _Screen(as_json)
    last = first
    try:
        with screen:
            try:
                folder.add(first)
                screen.show(first)
                for last in looks:
                    folder.add(last)
                    screen.show(last)
            except (KeyboardInterrupt, BrokenPipeError):
                pass
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second Ctrl-C does not lose the run
        folder.end(last.time_ns)
    except OSError as error:
        raise RunError(f"cannot write {error.filename or folder.run_dir}: {reason(error)}") from None
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


class _Screen:
    """Draws each look in place of the one before if there is a terminal; prints it as JSON if that was asked for."""

    def __init__(self, as_json: bool) -> None:
        from rich.console import Console
        from rich.live import Live
        from rich.text import Text

        self._json = as_json
        self._console = Console()
        drawn = not as_json and sys.stdout.isatty()
        self._live = Live(Text("looking …"), console=self._console, screen=True, auto_refresh=False) if drawn else None

    def __enter__(self) -> _Screen:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live is not None:
            self._live.stop()

    def show(self, look: Look) -> None:
        if self._json:
            click.echo(json.dumps(_document(look)))
        elif self._live is not None:
            from ._watch import drawn

            self._live.update(drawn(look, self._console), refresh=True)


def _show(look: Look, as_json: bool) -> None:
    from rich.console import Console

    from ._watch import drawn

    if as_json:
        click.echo(json.dumps(_document(look)))
        return
    console = Console()
    console.print(drawn(look, console))


def _document(look: Look) -> dict[str, Any]:
    servers = [asdict(server) for server in look.servers]
    problems = [{"url": url, "problem": problem} for url, problem in look.problems]
    now = time.strftime("%Y-%m-%dT%H:%M:%S%z")
    return {"schema": SCHEMA, "time": now, "servers": servers, "problems": problems}


def _report(folder: Path, prices: Prices | None, as_json: bool, verbose: bool) -> None:
    from rich.console import Console

    from ..recording.folder import RunError
    from ..session import Asked, analyse, write

    try:
        recording, diagnosis = analyse(folder, Asked(prices))
    except RunError as error:
        _fail(str(error))
    console = Console(stderr=as_json)
    for warning in write(folder, recording, diagnosis, {"terminal": {"console": console, "verbose": verbose}}):
        click.echo(f"bottleneck: {warning}", err=True)
    click.echo(f"bottleneck: the run is in {folder}", err=True)


def _header(text: str) -> tuple[str, str]:
    from ..recording.folder import RunError

    name, colon, value = text.partition(":")
    if not colon or not name.strip() or any(character in text for character in "\r\n"):
        raise RunError("--header takes 'Name: value'")  # without the text, which may be a secret
    return name.strip(), value.strip()


def _address(url: str) -> str:
    from ..capture.servers.fetch import NoPage, address
    from ..recording.folder import RunError

    try:
        return address(url)
    except NoPage as problem:
        raise RunError(f"{url!r} {problem}") from None


def _fail(message: str) -> None:
    click.echo(f"bottleneck: {message}", err=True)
    sys.exit(2)
