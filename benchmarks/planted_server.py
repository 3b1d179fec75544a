"""An HTTP server with a planted queue, which logs when it finished each request.

``python benchmarks/planted_server.py LOG [--servers K] [--mean-ms M] [--fixed] [--pause-ms P --every-ms E]`` prints
its port. K servers take requests from one queue; service times are exponential with mean M, or fixed. In each period
of E ms nothing begins or finishes for the first P ms. The body of a request is its number; LOG gets lines of
"number finish_ns".
"""

from __future__ import annotations

import argparse
import asyncio
import heapq
import random
import time


class Queue:
    """When each arrival finishes, as a computation; the server then only waits until then. Times in seconds."""

    def __init__(self, servers: int, mean: float, fixed: bool, pause: float, every: float, seed: int = 1) -> None:
        self._free = [0.0] * servers
        self._mean = mean
        self._fixed = fixed
        self._pause = pause
        self._every = every
        self._random = random.Random(seed)

    def finish(self, arrival: float) -> float:
        """When a request that arrives now, after all before it, is finished."""
        begin = self._awake(max(arrival, heapq.heappop(self._free)))
        lasts = self._mean if self._fixed else self._random.expovariate(1 / self._mean)
        end = self._awake(begin + lasts)
        heapq.heappush(self._free, end)
        return end

    def _awake(self, at: float) -> float:
        return max(at, at - at % self._every + self._pause) if self._pause else at


class Connection(asyncio.Protocol):
    """Just enough HTTP for a client that sends whole requests."""

    def __init__(self, queue: Queue, log: list[str]) -> None:
        self._queue = queue
        self._log = log
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while b"\r\n\r\n" in self._buffer:
            head, _, rest = self._buffer.partition(b"\r\n\r\n")
            length = next(
                (int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0
            )
            if len(rest) < length:
                return
            body, self._buffer = rest[:length], rest[length:]
            now = time.monotonic()
            loop = asyncio.get_running_loop()
            loop.call_at(loop.time() + self._queue.finish(now) - now, self._answer, body.decode())

    def _answer(self, number: str) -> None:
        self._transport.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok")
        self._log.append(f"{number} {time.monotonic_ns()}")


async def serve(options: argparse.Namespace) -> None:
    """Until killed; the log is written every 0.1 s."""
    queue = Queue(options.servers, options.mean_ms / 1e3, options.fixed, options.pause_ms / 1e3,
                  options.every_ms / 1e3)  # fmt: skip
    log: list[str] = []
    server = await asyncio.get_running_loop().create_server(lambda: Connection(queue, log), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    with open(options.log, "w", encoding="utf-8") as file:
        while True:
            await asyncio.sleep(0.1)
            lines, log[:] = list(log), []
            file.write("".join(f"{line}\n" for line in lines))
            file.flush()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("log")
    parser.add_argument("--servers", type=int, default=1)
    parser.add_argument("--mean-ms", type=float, default=5.0)
    parser.add_argument("--fixed", action="store_true")
    parser.add_argument("--pause-ms", type=float, default=0.0)
    parser.add_argument("--every-ms", type=float, default=1000.0)
    asyncio.run(serve(parser.parse_args()))


if __name__ == "__main__":
    main()
