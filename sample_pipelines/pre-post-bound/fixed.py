"""Colours of photographs by FastAPI: each is decoded at about the size that is needed."""

import io
import json
import multiprocessing
import threading
import time

import numpy as np
import torch
import uvicorn
from fastapi import FastAPI, Request
from PIL import Image
from starlette.concurrency import run_in_threadpool

torch.set_num_threads(1)
app = FastAPI()
model = torch.nn.Sequential(
    torch.nn.Flatten(), torch.nn.Linear(3 * 96 * 96, 1024), torch.nn.ReLU(), torch.nn.Linear(1024, 8)
)
model.eval()


def photograph(seed):
    """A JPEG file of 1600 x 1200 pixels."""
    small = np.random.default_rng(seed).integers(0, 255, (60, 80, 3), np.uint8)
    file = io.BytesIO()
    Image.fromarray(small).resize((1600, 1200)).save(file, "JPEG")
    return file.getvalue()


def colour(data):
    image = Image.open(io.BytesIO(data))
    image.draft("RGB", (96, 96))  # JPEG files hold smaller sizes, too
    image = image.convert("RGB").resize((96, 96))
    pixels = torch.from_numpy(np.array(image)).permute(2, 0, 1)[None] / 255
    with torch.inference_mode():
        return int(model(pixels)[0].argmax())


@app.post("/colour")
async def handler(request: Request):
    return {"colour": await run_in_threadpool(colour, await request.body())}


def clients(port, count, seconds, results):
    """The load: `count` clients that ask again as soon as they have their answer."""
    import http.client
    import random

    photographs = [photograph(seed) for seed in range(200)]
    latencies = []
    end = time.perf_counter() + seconds

    def one(seed):
        numbers = random.Random(seed)
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        while time.perf_counter() < end:
            began = time.perf_counter()
            connection.request("POST", "/colour", numbers.choice(photographs))
            assert json.loads(connection.getresponse().read())["colour"] >= 0
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
        process = context.Process(target=clients, args=(port, 3, 6, results))
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
