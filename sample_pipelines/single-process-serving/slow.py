"""Routes between places by FastAPI, searched in Python."""

import json
import multiprocessing
import socket
import threading
import time

import uvicorn
from fastapi import FastAPI

app = FastAPI()
PLACES = 400


def distances(start):
    """Steps from one place to all others of a ring with a few shortcuts, by breadth-first search."""
    found, front = {start: 0}, [start]
    while front:
        reached = []
        for place in front:
            for other in ((place + 1) % PLACES, (place - 1) % PLACES, (place * 7) % PLACES, (place * 3 + 1) % PLACES):
                if other not in found:
                    found[other] = found[place] + 1
                    reached.append(other)
        front = reached
    return found


@app.get("/route/{start}")
def route(start: int):
    steps = [sum(distances((start + offset) % PLACES).values()) for offset in range(60)]
    return {"start": start, "mean": sum(steps) / len(steps)}


def clients(port, count, seconds, results):
    """The load: `count` clients that ask again as soon as they have their answer."""
    import http.client
    import random

    latencies = []
    end = time.perf_counter() + seconds

    def one(seed):
        numbers = random.Random(seed)
        while time.perf_counter() < end:
            began = time.perf_counter()
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
            connection.request("GET", f"/route/{numbers.randrange(10000)}")
            assert json.loads(connection.getresponse().read())["mean"]
            connection.close()
            latencies.append(time.perf_counter() - began)

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
    listening = socket.socket(proto=socket.IPPROTO_TCP)  # asyncio sends at once only on a socket that says so
    listening.bind(("127.0.0.1", 0))
    listening.listen(64)
    port = listening.getsockname()[1]
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))

    def load():
        process = context.Process(target=clients, args=(port, 6, 5, results))
        process.start()
        answers.append(results.get(timeout=120))
        process.join()
        server.should_exit = True

    answers = []
    thread = threading.Thread(target=load)
    thread.start()
    server.run(sockets=[listening])  # planted
    thread.join()
    latencies, seconds = answers[0]
    latencies.sort()
    p50, p99 = latencies[len(latencies) // 2], latencies[int(len(latencies) * 0.99)]
    print(f"{len(latencies)} requests, p50 {p50 * 1e3:.1f} ms, p99 {p99 * 1e3:.1f} ms")
    print("RESULT", json.dumps({"p99_ms": round(p99 * 1e3, 1), "rps": round(len(latencies) / seconds, 1)}), flush=True)


if __name__ == "__main__":
    main()
