"""The same classifier: requests of the same moment share one call of the model."""

import json
import multiprocessing
import threading
import time
from contextlib import asynccontextmanager

import torch
import uvicorn
from bottleneck_profiler.serving import MicroBatcher
from fastapi import FastAPI


def predict(rows):
    with torch.inference_mode():
        return model(torch.stack(rows))


batcher = MicroBatcher(predict, max_batch=16, max_delay=0.003)


@asynccontextmanager
async def lifespan(app):
    async with batcher:
        yield


class Classifier(torch.nn.Module):
    # A recurrent reader of short texts: many small operations, one after another.
    def __init__(self):
        super().__init__()
        self.words = torch.nn.Embedding(5000, 48)
        self.reader = torch.nn.GRU(48, 48, batch_first=True)
        self.head = torch.nn.Linear(48, 4)

    def forward(self, tokens):
        return self.head(self.reader(self.words(tokens))[0][:, -1])


torch.set_num_threads(1)
app = FastAPI(lifespan=lifespan)
model = Classifier().eval()


def tokens_of(item):
    return (torch.arange(400) * 31 + item) % 5000


@app.get("/classify/{item}")
async def classify(item: int):
    logits = await batcher(tokens_of(item))
    return {"item": item, "class": int(logits.argmax())}


def clients(port, count, seconds, results):
    """The load: `count` clients that ask again as soon as they have their answer."""
    import random

    import httpx

    latencies = []
    end = time.perf_counter() + seconds

    def one(seed):
        numbers = random.Random(seed)
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30, trust_env=False) as client:
            while time.perf_counter() < end:
                began = time.perf_counter()
                client.get(f"/classify/{numbers.randrange(10000)}").raise_for_status()
                latencies.append(time.perf_counter() - began)

    threads = [threading.Thread(target=one, args=(i,)) for i in range(count)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    results.put((latencies, time.perf_counter() - began))


def main():
    torch.manual_seed(0)
    context = multiprocessing.get_context("spawn")
    results = context.Queue()
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="warning"))

    def load():
        while not server.started:
            time.sleep(0.02)
        port = server.servers[0].sockets[0].getsockname()[1]
        process = context.Process(target=clients, args=(port, 8, 5, results))
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
