"""Servers whose hottest line is not the one behind the knee: ``limits.py PORT lock|pool|connections|core``.

Each request awaits an upstream for 50 ms, most of its time; 16 may do so at once, so 320 a second. Before, it passes a
narrower place that lets 200 a second through. FIXED=1 takes that away. UPSTREAM is the port of ``planted_server.py``,
which answers after 20 ms.
"""

import asyncio
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import aiohttp
import uvicorn
from fastapi import FastAPI

app = FastAPI()
fixed = bool(os.environ.get("FIXED"))
upstream = asyncio.Semaphore(16)
ledger = asyncio.Lock()
pool = ThreadPoolExecutor(64 if fixed else 4)


async def ask_upstream() -> None:
    async with upstream:
        await asyncio.sleep(0.05)


async def lock() -> None:
    if not fixed:
        async with ledger:
            await asyncio.sleep(0.005)  # planted: lock


def ask_disk() -> None:
    time.sleep(0.02)  # planted: pool


async def in_pool() -> None:
    await asyncio.get_running_loop().run_in_executor(pool, ask_disk)


client: aiohttp.ClientSession | None = None


async def connections() -> None:
    global client
    if client is None:
        client = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=64 if fixed else 4))
    async with client.post(f"http://127.0.0.1:{os.environ['UPSTREAM']}/", data=b"0") as answer:  # planted: connections
        await answer.read()


async def core() -> None:
    until = time.thread_time() + (0.0 if fixed else 0.0045)
    while time.thread_time() < until:  # planted: core
        pass


NARROW = {"lock": lock, "pool": in_pool, "connections": connections, "core": core}


@app.post("/")
async def handler() -> str:
    await NARROW[sys.argv[2]]()
    await ask_upstream()
    return "done"


if __name__ == "__main__":
    uvicorn.run(app, port=int(sys.argv[1]), log_level="warning")
