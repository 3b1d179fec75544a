"""Orders by FastAPI: each asks a slow shop, which many may do at once, and then writes a line to a ledger."""

import asyncio
import json
import multiprocessing
import threading
import time

import uvicorn
from fastapi import FastAPI

app = FastAPI()
ledger = asyncio.Lock()
booked = []


async def ask_shop(item):
    await asyncio.sleep(0.05)
    return item % 97 + 0.99


async def confirm(item):
    await asyncio.sleep(0.01)  # the ledger's own service answers


@app.get("/order/{item}")
async def order(item: int):
    price = await ask_shop(item)
    async with ledger:
        booked.append(item)
    await confirm(item)
    return {"item": item, "price": price}


def clients(port, count, seconds, results):
    """The load: `count` clients that ask again as soon as they have their answer."""
    import http.client
    import random

    latencies = []
    end = time.perf_counter() + seconds

    def one(seed):
        numbers = random.Random(seed)
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        while time.perf_counter() < end:
            began = time.perf_counter()
            connection.request("GET", f"/order/{numbers.randrange(10000)}")
            assert json.loads(connection.getresponse().read())["price"]
            latencies.append(time.perf_counter() - began)
        connection.close()

    threads = [threading.Thread(target=one, args=(i,)) for i in range(count)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    results.put((latencies, time.perf_counter() - began))


def main():
    context = multiprocessing.get_context("spawn")
    results = context.Queue()
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="warning"))

    def load():
        while not server.started:
            time.sleep(0.02)
        port = server.servers[0].sockets[0].getsockname()[1]
        process = context.Process(target=clients, args=(port, 24, 5, results))
        process.start()
        answers.append(results.get(timeout=120))
        process.join()
        server.should_exit = True

    answers = []
    thread = threading.Thread(target=load)
    thread.start()
    server.run()
    thread.join()
    latencies, seconds = answers[0]
    latencies.sort()
    p50, p99 = latencies[len(latencies) // 2], latencies[int(len(latencies) * 0.99)]
    print(f"{len(latencies)} requests, p50 {p50 * 1e3:.1f} ms, p99 {p99 * 1e3:.1f} ms")
    print("RESULT", json.dumps({"p99_ms": round(p99 * 1e3, 1), "rps": round(len(latencies) / seconds, 1)}), flush=True)


if __name__ == "__main__":
    main()
