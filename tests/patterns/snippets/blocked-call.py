# slow: a client of a service
# below: look_up store/client.py, readinto socket.py
# known: off_cpu=True waiting=0.95
from store import Client

client = Client("http://store")

def prices(symbols):
    found = {}
    for symbol in symbols:
        found[symbol] = client.look_up(symbol)  # hot
    return found
# slow: a function of the user's that waits
# below: fetch job.py
# known: off_cpu=True waiting=0.95 cores=0.05
import time

def fetch(key):
    time.sleep(0.05)
    return key

def run(keys):
    return [fetch(key) for key in keys]  # hot
# slow: files of a slow disk
# known: off_cpu=True waiting=0.9
def sizes(paths):
    total = 0
    for path in paths:
        with open(path, "rb") as file:
            total += len(file.read())  # hot
    return total
# exempt: it computes in threads of its own
# known: off_cpu=True waiting=0.9 cores=1.8
from store import solve

def run(keys):
    return [solve(key) for key in keys]  # hot
# exempt: it is not known whether it waits
from store import solve

def run(keys):
    return [solve(key) for key in keys]  # hot
# exempt: each answer feeds the next call
# below: ask job.py
# known: off_cpu=True waiting=0.95
from store import ask

def talk(questions):
    history = []
    for question in questions:
        answer = ask(history, question)  # hot
        history.append(answer)
    return history
# exempt: the state of an object grows from answer to answer
# below: ask job.py
# known: off_cpu=True waiting=0.95
class Talk:
    def run(self, questions):
        for question in questions:
            answer = self.ask(question, self.history)  # hot
            self.history = self.history + [answer]
# exempt: it tries until it works
# below: ask store/client.py
# known: off_cpu=True waiting=0.95
from store import ask

def patient(key):
    for attempt in range(10):
        ask(key, attempt)  # hot
# exempt: the first hit ends the search
# below: ask store/client.py
# known: off_cpu=True waiting=0.95
from store import ask

def find(keys):
    for key in keys:
        answer = ask(key)  # hot
        if answer:
            return answer
# exempt: it keeps a rate
# below: ask store/client.py
# known: off_cpu=True waiting=0.95
import time
from store import ask

def crawl(keys):
    for key in keys:
        ask(key)  # hot
        time.sleep(1)
# exempt: a pause
# known: off_cpu=True waiting=1.0
import time

def pause(seconds):
    for each in seconds:
        time.sleep(each)  # hot
# exempt: it waits for its own processes
# below: join multiprocessing/process.py
# known: off_cpu=True waiting=1.0
def finish(processes):
    for process in processes:
        process.join()  # hot
# exempt: one socket carries all of it in order
# known: off_cpu=True waiting=1.0
def deliver(socket, messages):
    for message in messages:
        socket.sendall(message)  # hot
# exempt: threads call it side by side
# below: ask store/client.py
# above: run threading.py
# known: off_cpu=True waiting=0.95
from store import ask

def work(keys):
    for key in keys:
        ask(key)  # hot
# exempt: an epoch goes on from the last one
# below: ask store/client.py
# known: off_cpu=True waiting=0.95
def fit(trainer, epochs):
    for epoch in range(epochs):
        trainer.remote(epoch)  # hot
# exempt: what is computed on the device is awaited
# known: off_cpu=True waiting=0.9 cores=0.2
import torch

def predict(model, batches):
    found = []
    for batch in batches:
        scores = model(batch)
        found.append(scores.cpu())  # hot
    return found
# exempt: jax waits for the device
# known: off_cpu=True waiting=0.9 cores=0.2
import jax

def predict(apply, batches):
    found = []
    for batch in batches:
        scores = apply(batch)
        found.append(scores.block_until_ready())  # hot
    return found
# exempt: one instrument answers in turn
# below: query pyvisa/resources/messagebased.py, read_raw pyvisa/resources/messagebased.py
# known: off_cpu=True waiting=0.9
import pyvisa

def sweep(volts):
    meter = pyvisa.ResourceManager().open_resource("GPIB0::1")
    return [float(meter.query(f"MEAS? {volt}")) for volt in volts]  # hot
# exempt: one connection of the protocol
# below: retrbinary ftplib.py, readinto socket.py
# known: off_cpu=True waiting=0.9
import ftplib

def copy(names, store):
    ftp = ftplib.FTP("host")
    for name in names:
        ftp.retrbinary(f"RETR {name}", store)  # hot
# exempt: what each worker made is awaited
# known: off_cpu=True waiting=0.9
def collect(workers):
    found = []
    for worker in workers:
        found.append(worker.answers.get())  # hot
    return found
# exempt: messages of one channel
# below: send_message chat/client.py, readinto socket.py
# known: off_cpu=True waiting=0.9
from chat import Client

def tell(texts):
    client = Client()
    for text in texts:
        client.send_message(text)  # hot
# slow: the kernel saw it wait for a service
# below: look_up store/client.py, do_handshake /site-packages/store/tls.py
# known: off_cpu=True waiting=0.95 waits_for=socket
from store import Client

def prices(symbols):
    client = Client("http://store")
    return {symbol: client.look_up(symbol) for symbol in symbols}  # hot
# exempt: the library sleeps to keep a rate
# below: look_up store/client.py, acquire /site-packages/ratelimit/decorators.py
# known: off_cpu=True waiting=0.95 waits_for=sleep
from store import Client

def prices(symbols):
    client = Client("http://store")
    return {symbol: client.look_up(symbol) for symbol in symbols}  # hot
# slow: handed to map, and taken later
# below: look_up job.py, readinto socket.py
# known: off_cpu=True waiting=0.95 cores=0.05
class Geocoder:
    def look_up(self, name):
        with connect(self.address) as service:
            return service.ask(name)

def enrich(rows, geocoder):
    found = map(geocoder.look_up, (row["city"] for row in rows))
    return [{**row, "at": at} for row, at in zip(rows, found)]  # hot
# slow: a list of map
# below: look_up job.py, sleep job.py
# known: off_cpu=True waiting=0.95 cores=0.05
def look_up(name):
    return ask(name)

def enrich(names):
    return list(map(look_up, names))  # hot
# exempt: the map of a pool
# below: result_iterator concurrent/futures/_base.py, wait threading.py
# known: off_cpu=True waiting=0.95 cores=0.05
from concurrent.futures import ThreadPoolExecutor

def look_up(name):
    return ask(name)

def enrich(names):
    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(look_up, names))  # hot
# exempt: one connection answers in turn
# below: send socket.py
# known: off_cpu=True waiting=0.95 cores=0.05
def send(name):
    return LINE.ask(name)

def enrich(names):
    return list(map(send, names))  # hot
