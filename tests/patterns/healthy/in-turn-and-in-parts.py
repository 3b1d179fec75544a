# healthy an answer is shown as it comes
def chat(stream):
    for token in stream:
        print(token, end="", flush=True)  # hot
# healthy a text of random words in each epoch
# known: loading=True
# below: __call__ transformers/tokenization_utils_base.py, _encode_plus transformers/tokenization_utils_fast.py
import random
from transformers import AutoTokenizer
tok = AutoTokenizer.from_pretrained("x")
class Data:
    def __getitem__(self, i):
        text = random.choice(TEMPLATES).format(self.texts[i])
        return tok(text)  # hot
# healthy steps of a build run in turn
# known: off_cpu=True
# below: run subprocess.py, communicate subprocess.py
import subprocess
def build(steps):
    for step in steps:
        subprocess.run(step, check=True)  # hot
# healthy each program uses all cores
# known: off_cpu=True cores=3.8
# below: run subprocess.py, communicate subprocess.py
import subprocess
def main(videos):
    for video in videos:
        subprocess.run(["ffmpeg", "-i", video, video + ".mp4"], check=True)  # hot
# healthy pages until one is empty
# known: off_cpu=True waiting=0.9
import requests
def pages(base):
    session = requests.Session()
    out = []
    for page in range(1, 1000):
        items = session.get(base, params={"page": page}).json()  # hot
        if not items:
            break
        out += items
    return out
# healthy twenty requests at a time
# known: off_cpu=True tasks=20
import asyncio
async def main(fetch, urls):
    out = []
    for start in range(0, len(urls), 20):
        out += await asyncio.gather(*(fetch(url) for url in urls[start:start + 20]))  # hot
    return out
# healthy a tokenizer called once a batch
# known: loading=True
# below: __call__ transformers/tokenization_utils_base.py, _batch_encode_plus transformers/tokenization_utils_fast.py
from transformers import AutoTokenizer
tok = AutoTokenizer.from_pretrained("x")
def collate(texts):
    return tok(texts, padding="longest", return_tensors="pt")  # hot
# healthy a beam keeps a few
def beam(step, k):
    beams = [([], 0.0)]
    for _ in range(50):
        candidates = []
        for tokens, score in beams:
            for token, p in step(tokens):
                candidates.append((tokens + [token], score + p))  # hot
        beams = sorted(candidates, key=lambda b: b[1])[-k:]
    return beams
# healthy a list that stays sorted
import bisect
def ranks(stream):
    seen = []
    for x in stream:
        bisect.insort(seen, x)  # hot
        yield bisect.bisect(seen, x)
# healthy a large document is parsed as a stream
# below: iterator xml/etree/ElementTree.py
import xml.etree.ElementTree as ET
def load(path):
    for event, element in ET.iterparse(path):  # hot
        if element.tag == "row":
            yield dict(element.attrib)
            element.clear()
# healthy a table in chunks
# below: __next__ pandas/io/parsers/readers.py, read pandas/io/parsers/c_parser_wrapper.py
import pandas as pd
def total(path):
    n = 0
    for chunk in pd.read_csv(path, chunksize=100_000):  # hot
        n += chunk["x"].sum()
    return n
# healthy the mask takes the time, and not the answer
# known: handler=True
# below: __getitem__ pandas/core/frame.py
import pandas as pd
from fastapi import FastAPI
app = FastAPI()
@app.post("/x")
def post(body: dict):
    frame = pd.DataFrame(body["rows"])
    return frame[frame["x"] > 3].to_dict("records")  # hot
# healthy rows of a range for each request
# known: handler=True
# below: __getitem__ pandas/core/frame.py
import pandas as pd
from fastapi import FastAPI
app = FastAPI()
TABLE = pd.read_parquet("x.parquet")
@app.get("/x")
def get(low: float, high: float):
    return TABLE[(TABLE["v"] > low) & (TABLE["v"] < high)].to_dict("records")  # hot
# healthy products of blocks, so that memory holds them
import numpy as np
def similar(x, size):
    out = []
    for start in range(0, len(x), size):
        out.append((x[start:start + size] @ x.T).argmax(1))  # hot
    return np.concatenate(out)
# healthy each pass shuffles
import numpy as np
def perm(x, y, n, rng):
    out = []
    for _ in range(n):
        rng.shuffle(y)
        out.append(np.corrcoef(x, y)[0, 1])  # hot
    return out
# healthy another matrix in each pass
import numpy as np
def newton(f, jac, x):
    for _ in range(50):
        x = x - np.linalg.solve(jac(x), f(x))  # hot
    return x
# healthy a Markov chain
import numpy as np
def chain(logp, x, n, rng):
    out = []
    lp = logp(x)
    for _ in range(n):
        y = x + rng.normal(size=len(x))
        l2 = logp(y)  # hot
        if np.log(rng.random()) < l2 - lp:
            x, lp = y, l2
        out.append(x)
    return np.array(out)
# healthy two networks in turn
# below: train_on_batch keras/src/backend/tensorflow/trainer.py
import keras
def train(g, d, data):
    for x in data:
        d.train_on_batch(x, ones)  # hot
        g.train_on_batch(noise(), ones)
# healthy a lexer goes from token to token
def lex(text):
    i, out = 0, []
    while i < len(text):
        c = text[i]
        if c.isspace():
            i += 1
        elif c.isdigit():
            j = i
            while j < len(text) and text[j].isdigit():
                j += 1
            out.append(text[i:j])  # hot
            i = j
        else:
            out.append(c)
            i += 1
    return out
# healthy a line every five seconds
import time
def run(items):
    shown = time.monotonic()
    for number, item in enumerate(items):
        work(item)
        now = time.monotonic()
        if now - shown > 5:
            print(number)  # hot
            shown = now
# healthy a spectrum of a wave that is changed at random
# known: loading=True
# below: forward torchaudio/transforms/_transforms.py
import random
import torchaudio
class Data:
    def __getitem__(self, i):
        wave = self.waves[i] * random.uniform(0.5, 1.5)
        return self.mel(wave)  # hot
