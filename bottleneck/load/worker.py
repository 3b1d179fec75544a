"""A process that sends requests: started by ``fleet``, which tells it what to do over a socket (``argv[1]``).

Commands are tuples, the name first: ``probe``; ``open`` with planned times; ``closed`` with a number of clients;
``stop``. Answers: ``probed``; ``samples`` several times a second; ``done``.
"""

from __future__ import annotations

import asyncio
import gc
import resource
import socket
import ssl
import sys
import time
from collections.abc import Sequence
from multiprocessing.connection import Connection
from typing import Any, NamedTuple

import aiohttp
import numpy as np
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from .clock import Alarm
from .requests import Requests
from .samples import BROKEN, CONNECT, DTYPE, OK, REDIRECT, STOPPED, TIMEOUT, TLS, UNSENT
from .streams import TokenCounter
from .target import Target

_REPORT_SECONDS = 0.2
_PROBE_SECONDS = 10.0
_MAX_REDIRECTS = 5
_SPARE_DESCRIPTORS = 64


class Settings(NamedTuple):
    """``targets``: one, or two that are compared. ``at_once``: most requests of this process in flight."""

    targets: tuple[Target, ...]
    requests: Requests
    timeout_seconds: float
    at_once: int
    verify: bool


class _Known(AbstractResolver):
    """Resolves to the addresses that were checked, whatever the name server says meanwhile."""

    def __init__(self, targets: Sequence[Target]) -> None:
        self._addresses = {each.host: each.addresses for each in targets}

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        return [
            ResolveResult(hostname=host, host=address, port=port, proto=0, flags=0,
                          family=socket.AF_INET6 if ":" in address else socket.AF_INET)
            for address in self._addresses[host]
        ]  # fmt: skip

    async def close(self) -> None:
        pass


class Worker:
    """Sends what it is told to, and reports what became of it."""

    def __init__(self, connection: Connection, settings: Settings) -> None:
        self._connection = connection
        self._settings = settings
        self._body = settings.requests.maker()
        self._headers = dict(settings.requests.headers)
        self._tasks: set[asyncio.Task[None]] = set()
        self._rows: list[tuple[Any, ...]] = []
        self._plan: list[tuple[int, int, int, float]] = []
        self._at = 0
        self._ended = asyncio.Event()
        self._stopping = False
        self._limit = min(settings.at_once, _descriptors() - _SPARE_DESCRIPTORS)
        self._refuse: dict[str, Any] = {} if settings.verify else {"ssl": False}

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        commands: asyncio.Queue[tuple[Any, ...] | None] = asyncio.Queue()
        loop.add_reader(self._connection.fileno(), self._receive, commands)
        connector = aiohttp.TCPConnector(limit=0, resolver=_Known(self._settings.targets), ttl_dns_cache=None)
        timeout = aiohttp.ClientTimeout(total=self._settings.timeout_seconds)
        async with aiohttp.ClientSession(
            connector=connector, timeout=timeout, cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False
        ) as session:
            self._session = session
            self._alarm = Alarm(loop, self._due)
            gc.collect()
            gc.freeze()
            while (command := await commands.get()) is not None:
                await self._do(*command)
            self._alarm.close()

    def _receive(self, commands: asyncio.Queue[tuple[Any, ...] | None]) -> None:
        try:
            command = self._connection.recv()
        except (EOFError, OSError):  # the other side is gone
            asyncio.get_running_loop().remove_reader(self._connection.fileno())
            command = None
        if command is None or command[0] == "stop":
            self._stopping = True
            self._ended.set()
            self._plan = self._plan[: self._at]
            for task in list(self._tasks):
                task.cancel()
        if command is None or command[0] != "stop":
            commands.put_nowait(command)

    async def _do(self, name: str, *values: Any) -> None:
        if name == "probe":
            self._connection.send(("probed", await self._probe()))
            return
        self._stopping, self._ended = False, asyncio.Event()
        began = time.process_time()
        reporter = asyncio.create_task(self._report())
        if name == "open":
            await self._open(*values)
        else:
            await self._closed(*values)
        while self._tasks:
            await asyncio.wait(set(self._tasks))
        reporter.cancel()
        self._hand_over()
        self._connection.send(("done", time.process_time() - began))

    async def _open(self, planned: Any, numbers: Any, versions: Any, rates: Any) -> None:
        self._plan = list(zip(planned.tolist(), numbers.tolist(), versions.tolist(), rates.tolist(), strict=True))
        self._at = 0
        self._due()
        await self._ended.wait()

    def _due(self) -> None:
        """Send all requests whose time has come, and set the alarm for the next one."""
        while self._at < len(self._plan) and self._plan[self._at][0] <= time.monotonic_ns():
            planned, number, version, rate = self._plan[self._at]
            self._at += 1
            if len(self._tasks) >= self._limit:
                now = time.monotonic_ns()
                self._rows.append((planned, 0, 0, now, 0, UNSENT, version, 0, 0, rate, number))
                continue
            task = asyncio.create_task(self._one(planned, number, version, rate))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        if self._at < len(self._plan):
            self._alarm.set(self._plan[self._at][0])
        else:
            self._ended.set()

    async def _closed(self, clients: int, until_ns: int, numbers: Any) -> None:
        left = iter(numbers.tolist())

        async def client() -> None:
            while not self._stopping and time.monotonic_ns() < until_ns and (number := next(left, None)) is not None:
                await self._one(time.monotonic_ns(), number, 0, 0.0)

        for _ in range(clients):
            task = asyncio.create_task(client())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _one(self, planned: int, number: int, version: int, rate: float) -> None:
        sent = time.monotonic_ns()
        row = [0, 0, OK, 0, 0]  # first, status, outcome, bytes, tokens
        try:
            await self._exchange(self._settings.targets[version], self._body(number), row)
        except asyncio.CancelledError:
            row[2] = STOPPED
        except BaseException as error:
            row[2] = _outcome(error)
        first, status, outcome, size, tokens = row
        end = time.monotonic_ns()
        self._rows.append((planned, sent, first, end, status, outcome, version, size, tokens, rate, number))
        if outcome == STOPPED:
            raise asyncio.CancelledError

    async def _exchange(self, target: Target, body: bytes | None, row: list[int]) -> None:
        url, method = target.url, self._settings.requests.method
        for _ in range(_MAX_REDIRECTS + 1):
            async with self._session.request(
                method, url, data=body, headers=self._headers, allow_redirects=False, **self._refuse
            ) as response:
                row[0], row[1] = time.monotonic_ns(), response.status
                place = response.headers.get("Location") if 301 <= response.status <= 308 else None
                if place is None:
                    await _read(response, row)
                    return
                await response.read()
                joined = response.url.join(URL(place))
                if joined.origin() != response.url.origin():
                    break
                url = str(joined)
                if response.status == 303 or (response.status < 303 and method == "POST"):
                    method, body = "GET", None
        row[2] = REDIRECT

    async def _probe(self) -> list[tuple[int, int, str]]:
        """Of each target: outcome, status and what the error says, of one request."""
        found = []
        for target in self._settings.targets:
            row, text = [0, 0, OK, 0, 0], ""
            try:
                await asyncio.wait_for(self._exchange(target, self._body(0), row), _PROBE_SECONDS)
            except BaseException as error:
                row[2], text = _outcome(error), str(error).partition("\n")[0]
            found.append((row[2], row[1], text))
        return found

    async def _report(self) -> None:
        while True:
            await asyncio.sleep(_REPORT_SECONDS)
            self._hand_over()

    def _hand_over(self) -> None:
        rows, self._rows = self._rows, []
        self._connection.send(("samples", np.array(rows, DTYPE), len(self._tasks)))


async def _read(response: aiohttp.ClientResponse, row: list[int]) -> None:
    counter = TokenCounter.of(response.content_type)
    if counter is None:
        row[3] = len(await response.read())
        return
    async for part in response.content.iter_any():
        if counter.add(part):  # the first token, and not the headers
            row[0] = time.monotonic_ns()
        row[3] += len(part)
    row[4] = counter.total


def _outcome(error: BaseException) -> int:
    if isinstance(error, (ssl.SSLError, aiohttp.ClientSSLError)):
        return TLS
    if isinstance(error, (asyncio.TimeoutError, TimeoutError)):
        return TIMEOUT
    return CONNECT if isinstance(error, aiohttp.ClientConnectorError) else BROKEN


def _descriptors() -> int:
    """How many files this process may have open, as many as it is allowed to ask for."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        return hard if hard > 0 else 1 << 20
    except (OSError, ValueError):
        return soft


def main() -> None:
    connection = Connection(int(sys.argv[1]))
    settings: Settings = connection.recv()
    asyncio.run(Worker(connection, settings).run())


if __name__ == "__main__":
    main()
