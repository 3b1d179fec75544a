"""Scores by FastAPI: the first request reads the model."""

import functools
import json
import multiprocessing
import threading
import time
from contextlib import asynccontextmanager

import uvicorn
from fastapi import FastAPI

reading = threading.Lock()


@functools.cache
def read_model():
    time.sleep(1.5)
    return [k / 7 for k in range(100)]


def model():
    with reading:
        return read_model()


@asynccontextmanager
async def lifespan(app):
    model()
    yield


app = FastAPI(lifespan=lifespan)


@app.get("/score/{item}")
def score(item: int):
    time.sleep(0.03)
    return {"item": item, "score": sum(weight * item for weight in model())}


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
            connection.request("GET", f"/score/{numbers.randrange(10000)}")
            assert json.loads(connection.getresponse().read())["item"]
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
        process = context.Process(target=clients, args=(port, 8, 4, results))
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
