"""``bottleneck run --metrics``: a page for Prometheus while the program runs."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

import click

if TYPE_CHECKING:
    from ..prices import Prices

_REFRESH_SECONDS = 1.0
_LOOPBACK = "127.0.0.1"


class Address(NamedTuple):
    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class AddressOption(click.ParamType):  # type: ignore[type-arg,unused-ignore]
    """``:9000`` or ``9000`` (of this machine only), ``0.0.0.0:9000``, ``[::1]:9000``."""

    name = "address"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Address:
        if isinstance(value, Address):
            return value
        text = str(value).strip()
        try:
            parts = urlsplit("//" + (f":{text}" if text.isdigit() else text))
            host, port = parts.hostname, parts.port
        except ValueError:
            parts, host, port = None, None, None
        if not parts or not port or parts.path or parts.query or parts.fragment or "@" in text:
            self.fail(f"{text!r} is not an address such as :9000 or 0.0.0.0:9000", param, ctx)
        return Address(host or _LOOPBACK, port)


class LivePage:
    """Serves the metrics of a run that is being recorded. A failure ends the page alone, with one line."""

    def __init__(self, recorder: Any, address: Address, prices: Prices | None) -> None:
        self._recorder, self._prices = recorder, prices
        self._samples: list[Any] = []
        self._next = 0.0
        self._server: Any = None
        try:
            self._begin(recorder, address)
        except OSError as error:
            from ..files import reason

            _say(f"--metrics: cannot listen on {address}: {reason(error)}; the run goes on without that page")
        except Exception as error:
            _say(f"--metrics: there is no page: {type(error).__name__}: {error}")

    def _begin(self, recorder: Any, address: Address) -> None:
        from prometheus_client import start_http_server

        from ..capture.live_tally import LiveTally
        from ..exporters.metrics.page import registry
        from ..recording.folder import read_run

        self._run = read_run(recorder.run_dir)
        machine, gpus = self._run.get("machine", {}), recorder.gpus
        whole = {str(gpu.get("slice_of") or gpu.get("uuid")): str(gpu.get("name", "GPU")) for gpu in gpus}
        size = float(machine.get("cores", 0)), float(machine.get("memory_bytes", 0))
        self._price = None if self._prices is None else self._prices.of_machine(*size, list(whole.values()))
        self._tally = LiveTally(recorder)
        made = registry(str(self._run.get("name", "")), lambda: self._samples)
        self._server, _ = start_http_server(address.port, address.host, made)

    def tick(self) -> None:
        now = time.monotonic()
        if self._server is None or now < self._next:
            return
        self._next = now + _REFRESH_SECONDS
        try:
            self._refresh()
        except Exception as error:
            self.close()
            _say(f"--metrics: the page has ended: {type(error).__name__}: {error}")

    def _refresh(self) -> None:
        from ..exporters.metrics.samples import RunNow, of_now

        phases = self._tally.look()
        seconds = (time.monotonic_ns() - self._run["started_ns"]) / 1e9
        run_id = Path(self._recorder.run_dir).name
        now = RunNow(self._run, run_id, seconds, phases, self._tally.tally, self._recorder.gpus, self._price)
        self._samples = of_now(now)  # replaced whole: a scrape sees the old ones or the new ones

    def close(self) -> None:
        if self._server is not None:  # it may take half a second to notice, which nobody has to wait for
            threading.Thread(target=_end, args=(self._server,), daemon=True).start()
            self._server = None


def _end(server: Any) -> None:
    server.shutdown()
    server.server_close()


def usable(folder: Path | None) -> Path | None:
    """The folder of --textfile; None, with one line, if nothing can be written there."""
    if folder is None or (folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)):
        return folder
    why = "is not writable" if folder.is_dir() else "is not a folder" if folder.exists() else "does not exist"
    _say(f"--textfile: {folder} {why}; the run goes on without that file")
    return None


def _say(line: str) -> None:
    click.echo(f"bottleneck: {line}", err=True)
