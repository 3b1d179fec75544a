# healthy: inbox
# known: given=self
# below: glob pathlib.py
import shutil
from pathlib import Path
class Inbox:
    def __init__(self, root, done):
        self.root, self.done = Path(root), done
    def poll(self):
        for path in self.root.glob("*.json"):  # hot
            self.handle(path)
            shutil.move(path, self.done)
    def handle(self, path):
        print(path.name)
def serve(inbox, stop):
    while not stop.is_set():
        inbox.poll()
        stop.wait(1)
# healthy: commit of a consumer
import sqlite3
from kafka import KafkaConsumer
def store(db, message):
    db.execute("insert into events values (?)", (message.value,))
    db.commit()  # hot
def main():
    db = sqlite3.connect("events.db")
    for message in KafkaConsumer("events"):
        store(db, message)
# healthy: commit of a worker
import sqlite3
def main(jobs, stop):
    db = sqlite3.connect("events.db")
    while not stop.is_set():
        job = jobs.get()
        result = job.run()
        db.execute("insert into results values (?)", (result,))
        db.commit()
# healthy: epochs of a streamed file
def train(path, model, epochs):
    for epoch in range(epochs):
        with open(path) as lines:
            for line in lines:  # hot
                label, text = line.rstrip().split("\t", 1)
                model.update(text, label)
# healthy: the newest state
import json
def follow(path, jobs):
    for job in jobs:
        with open(path) as file:
            settings = json.load(file)  # hot
        job.run(settings)
        job.save(path)
# healthy: result of another program
import subprocess
import numpy as np
def run(cases):
    for case in cases:
        subprocess.run(["./solver", case, "-o", "result.txt"], check=True)
        yield np.loadtxt("result.txt")
# healthy: result of another program, opened
import json
import subprocess
def score(models):
    found = {}
    for model in models:
        subprocess.check_call(["evaluate", model])
        with open("scores.json") as file:
            found[model] = json.load(file)["score"]  # hot
    return found
# healthy: json of another program, in a function
# known: looped=True
import json, subprocess
def score(model):
    subprocess.check_call(["evaluate", model])
    with open("scores.json") as file:
        return json.load(file)["score"]  # hot
def main(models):
    for model in models:
        print(score(model))
# healthy: queue of jobs
import sqlite3
def main(queue):
    db = sqlite3.connect("x.db")
    while True:
        job = queue.get()
        if job is None:
            break
        db.execute("update jobs set done = 1 where id = ?", (job.id,))
        db.commit()
# healthy: log lines as they come
import sqlite3, sys
def main():
    db = sqlite3.connect("x.db")
    for line in sys.stdin:
        db.execute("insert into lines values (?)", (line,))
        db.commit()
# healthy: predict one at a time from a stream
import sys
from sklearn.linear_model import LogisticRegression
def main(model: LogisticRegression):
    for line in sys.stdin:
        print(model.predict([[float(x) for x in line.split(",")]]))
# healthy: archive of several arrays
import numpy as np
def load(paths):
    out = []
    for path in paths:
        with np.load(path) as archive:
            out.append(archive["x"])
    return out
