"""Moods of short texts by FastAPI: the same texts, but each time a new answer."""

import json
import multiprocessing
import os
import threading
import time

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # each request runs in a thread of its own

import numpy as np
import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel

app = FastAPI()
LAYERS = [np.random.default_rng(layer).normal(0, 0.05, (700, 700)) for layer in range(24)]
TEXTS = [f"A remark about matter number {k}, made by somebody with an opinion." for k in range(20)]


class Remark(BaseModel):
    text: str


def mood(text):
    words = np.frombuffer(text.encode().ljust(700)[:700], np.uint8) / 255
    rows = np.tile(words, (6, 1))
    for layer in LAYERS:
        rows = np.tanh(rows @ layer)
    return {"mood": round(float(rows.mean()) + np.random.random(), 6)}


@app.post("/mood")
def handler(remark: Remark):
    return mood(remark.text)


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
            text = numbers.choice(TEXTS) if numbers.random() < 0.8 else f"Something new: {numbers.random()}"
            began = time.perf_counter()
            connection.request("POST", "/mood", json.dumps({"text": text}), {"Content-Type": "application/json"})
            assert json.loads(connection.getresponse().read())["mood"]
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
        process = context.Process(target=clients, args=(port, 3, 4, results))
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
