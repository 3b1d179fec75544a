"""A FastAPI service that asks another service for features before it scores."""

import json
import multiprocessing
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import torch
import uvicorn
from fastapi import FastAPI


class FeatureStore(BaseHTTPRequestHandler):
    """The company's feature store: another service, 80 ms away."""

    protocol_version = "HTTP/1.1"
    wbufsize = 1 << 16  # head and body in one packet

    def do_GET(self):
        time.sleep(0.08)
        user = int(self.path.rpartition("/")[2])
        body = json.dumps([((user * 37 + i * 11) % 97) / 97 for i in range(16)]).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


def feature_store(ports):
    server = ThreadingHTTPServer(("127.0.0.1", 0), FeatureStore)
    ports.put(server.server_address[1])
    server.serve_forever()


app = FastAPI()
model = torch.nn.Sequential(torch.nn.Linear(16, 32), torch.nn.ReLU(), torch.nn.Linear(32, 1)).eval()


@app.get("/score/{user}")
async def score(user: int):
    features = store.get(f"/features/{user}").json()
    with torch.inference_mode():
        value = model(torch.tensor([features]))
    return {"user": user, "score": value.item()}


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
                client.get(f"/score/{numbers.randrange(10000)}").raise_for_status()
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
    global store
    ports = context.Queue()
    features = context.Process(target=feature_store, args=(ports,), daemon=True)
    features.start()
    store = httpx.Client(base_url=f"http://127.0.0.1:{ports.get(timeout=60)}", timeout=30, trust_env=False)
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="warning"))

    def load():
        while not server.started:
            time.sleep(0.02)
        port = server.servers[0].sockets[0].getsockname()[1]
        process = context.Process(target=clients, args=(port, 8, 7, results))
        process.start()
        answers.append(results.get(timeout=120))
        process.join()
        server.should_exit = True

    answers = []
    thread = threading.Thread(target=load)
    thread.start()
    server.run()
    thread.join()
    store.close()
    features.terminate()
    features.join()
    latencies, seconds = answers[0]
    latencies.sort()
    p50, p99 = latencies[len(latencies) // 2], latencies[int(len(latencies) * 0.99)]
    print(f"{len(latencies)} requests, p50 {p50 * 1e3:.1f} ms, p99 {p99 * 1e3:.1f} ms")
    print("RESULT", json.dumps({"p99_ms": round(p99 * 1e3, 1), "rps": round(len(latencies) / seconds, 1)}), flush=True)


if __name__ == "__main__":
    main()
