# healthy an actor of ray does one thing at a time
# known: off_cpu=True
import ray

@ray.remote
class Index:
    def add(self, shard):
        self.parts.append(load(shard))

index = Index.remote()
for shard in shards:
    ray.get(index.add.remote(shard))  # hot
# healthy a stream of messages
# known: waiting=0.9 off_cpu=True
import requests
from kafka import KafkaConsumer

session = requests.Session()
consumer = KafkaConsumer("orders", group_id="billing")
for message in consumer:
    session.post(BILLING, data=message.value)  # hot
# healthy jobs as they come
# known: waiting=0.9 off_cpu=True
import requests

session = requests.Session()

def worker(queue):
    for job in iter(queue.get, None):
        session.post(job.url, json=job.body)  # hot
# healthy an event each, from a stream
# known: off_cpu=True
async def relay(stream, client):
    return [await client.post("/events", json=event) async for event in stream]  # hot
# healthy a rate limit
# known: off_cpu=True
from aiolimiter import AsyncLimiter

rate = AsyncLimiter(5, 1)

async def crawl(client, urls):
    pages = []
    for url in urls:
        async with rate:
            pages.append(await client.get(url))  # hot
    return pages
# healthy a rate limit
# known: waiting=0.9 off_cpu=True
import requests
from pyrate_limiter import Limiter, Rate

limiter = Limiter(Rate(5, 1))

def crawl(urls):
    pages = []
    for url in urls:
        limiter.try_acquire("api")
        pages.append(requests.get(url).json())  # hot
    return pages
# healthy the model computes for one at a time
# known: off_cpu=True handler=True event_loop=True tasks=1
import asyncio
import torch
from fastapi import FastAPI

app = FastAPI()
lock = asyncio.Lock()
model = torch.jit.load("model.pt")

@app.post("/score")
async def score(body: dict):
    x = torch.tensor(body["x"])
    async with lock:
        y = await asyncio.to_thread(model, x)  # hot
    return {"y": y.tolist()}
# healthy a token that all requests share
# known: off_cpu=True handler=True event_loop=True tasks=1
import asyncio
import time

lock = asyncio.Lock()

async def token(client):
    async with lock:
        if time.time() > state.expires:
            state.token = await client.post("/token")  # hot
    return state.token
# healthy the same working tree for each
# below: run subprocess.py, communicate subprocess.py, _communicate subprocess.py
# known: off_cpu=True
import subprocess

def bisect(commits):
    results = {}
    for commit in commits:
        subprocess.run(["git", "checkout", "-q", commit], check=True)
        results[commit] = subprocess.run(["pytest", "-q"]).returncode  # hot
    return results
# healthy tasks that wait for the network, in processes
# known: off_cpu=True workers_busy=0.1 cores=0.05
from multiprocessing import Pool

def pages(urls):
    with Pool(16) as pool:
        return list(pool.imap_unordered(download, urls))  # hot
# healthy results of a stream
# known: off_cpu=True
from concurrent.futures import ProcessPoolExecutor

def serve(camera):
    with ProcessPoolExecutor(2) as pool:
        for frame in camera.frames():
            show(pool.submit(detect, frame).result())  # hot
