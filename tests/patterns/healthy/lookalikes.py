# healthy a lock around the one file that all write
# known: off_cpu=True share=0.1
import threading

lock = threading.Lock()

def note(file, line):
    with lock:  # hot
        file.write(line)
# healthy a wait for other threads
# below: acquire multiprocessing/synchronize.py
# known: off_cpu=True share=0.5
import multiprocessing

slots = multiprocessing.Semaphore(4)

def work(item):
    slots.acquire()  # hot
    try:
        return item.run()
    finally:
        slots.release()
# healthy migrations run in turn
# known: waiting=0.9 off_cpu=True
import requests

def migrate(session, migrations):
    for migration in migrations:
        session.post("/migrate", json=migration)  # hot
# healthy a conversation
# known: waiting=0.9 off_cpu=True
from openai import OpenAI

client = OpenAI()

def talk(questions):
    history = []
    for question in questions:
        history.append({"role": "user", "content": question})
        answer = client.chat.completions.create(model="m", messages=history)  # hot
        history.append(answer.choices[0].message)
    return history
# healthy the first that answers
# known: waiting=0.9 off_cpu=True
import requests

session = requests.Session()

def first(mirrors):
    for mirror in mirrors:
        try:
            return session.get(mirror)  # hot
        except OSError:
            continue
# healthy a walk-forward: each fit begins with the last one's weights
# known: off_cpu=True
from concurrent.futures import ProcessPoolExecutor

def walk(model, windows):
    with ProcessPoolExecutor(2) as pool:
        for window in windows:
            model = pool.submit(refit, model, window).result()  # hot
    return model
# healthy the next batch is made meanwhile
# known: off_cpu=True
from concurrent.futures import ThreadPoolExecutor

def train(model, batches):
    with ThreadPoolExecutor(1) as pool:
        ahead = pool.submit(next, batches)
        while True:
            batch = ahead.result()  # hot
            ahead = pool.submit(next, batches)
            model.step(batch)
# healthy a request's own model
# known: handler=True
import pickle
from flask import Flask, request

app = Flask(__name__)

@app.post("/score")
def score():
    model = pickle.load(request.files["model"])  # hot
    return {"score": float(model.score)}
# healthy a request's own table
# known: handler=True
import pandas as pd
from fastapi import FastAPI, UploadFile

app = FastAPI()

@app.post("/upload")
def upload(file: UploadFile):
    table = pd.read_csv(file.file)  # hot
    return {"rows": len(table)}
# healthy a client of the tenant
# known: handler=True
import boto3

CLIENTS = {}

def client(tenant):
    if tenant not in CLIENTS:
        CLIENTS[tenant] = boto3.client("s3", **tenant.keys)  # hot
    return CLIENTS[tenant]
# healthy the template is another each time
# below: from_string jinja2/environment.py, compile jinja2/environment.py, _parse jinja2/environment.py
# known: handler=True
from fastapi import FastAPI
from jinja2 import Environment

app, ENV = FastAPI(), Environment()

@app.post("/preview")
def preview(body):
    return ENV.from_string(body["template"]).render(body["values"])  # hot
# healthy a queue that is busy as it should be
import queue

def run(jobs, done):
    while not done.is_set():
        try:
            job = jobs.get(timeout=0.1)
        except queue.Empty:
            continue
        job.work()  # hot
# healthy a game's loop that works in each pass
import queue

def run(events, world, screen):
    while True:
        try:
            world.apply(events.get_nowait())
        except queue.Empty:
            pass
        world.advance()  # hot
        screen.draw(world)
# healthy polled with a pause
import time

def follow(job):
    while not job.done():
        time.sleep(0.5)  # hot
# healthy beam search, whose rows change
# below: _wrapped_call_impl torch/nn/modules/module.py
import torch

def beam(model, ids, cache, n):
    for _ in range(n):
        out = model(ids[:, -1:], past_key_values=cache)  # hot
        ids = torch.cat([ids, out.logits[:, -1:].argmax(-1)], 1)
    return ids
# healthy evaluation: the values are read once an epoch
# known: device=cuda step=False evaluating=True
import torch

def evaluate(model, loader):
    total = 0.0
    for x, y in loader:
        total += (model(x) - y).square().sum().item()  # hot
    return total
# healthy an agent that acts in the world
# below: _wrapped_call_impl torch/nn/modules/module.py, _call_impl torch/nn/modules/module.py
# known: passes=5000 seconds_each=0.008
import torch

def control(robot, policy):
    state = robot.reset()
    while True:
        action = policy(torch.tensor(state).unsqueeze(0))  # hot
        state, reward, done = robot.step(action)
        if done:
            break
# healthy the latency of one item is what is measured
# below: _wrapped_call_impl torch/nn/modules/module.py, _call_impl torch/nn/modules/module.py
import time
import torch

def latencies(model, images):
    times = []
    for image in images:
        begin = time.perf_counter()
        model(image.unsqueeze(0))  # hot
        times.append(time.perf_counter() - begin)
    return times
# healthy hidden outputs of each step go through attention
# below: _wrapped_call_impl torch/nn/modules/module.py
import torch
from torch import nn

class Decoder(nn.Module):
    def __init__(self, size):
        super().__init__()
        self.cell = nn.LSTMCell(2 * size, size)

    def forward(self, words, memory, state):
        context = memory[:, 0]
        for t in range(words.shape[1]):
            state = self.cell(torch.cat([words[:, t], context], 1), state)  # hot
            context = self.attend(state[0], memory)
        return state
# healthy a file each, kept by the loader's own cache
# known: loading=True seconds_each=0.002 share=0.4
import numpy as np

class Samples:
    def __getitem__(self, i):
        if i not in self.kept:
            self.kept[i] = np.load(self.paths[i])  # hot
        return self.kept[i]
# healthy an archive's members in turn
# below: extractfile tarfile.py, read tarfile.py, _read gzip.py
import tarfile

def texts(path):
    with tarfile.open(path) as archive:
        for member in archive:
            yield archive.extractfile(member).read()  # hot
