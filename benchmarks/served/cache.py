"""Judges the moods of texts, some of which come again and again: each time anew, or with FIXED=1 once."""

import functools
import os
import sys

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # each request runs in a thread of its own

import numpy as np
import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel

app = FastAPI()
LAYERS = [np.random.default_rng(layer).normal(0, 0.05, (700, 700)) for layer in range(24)]


class Remark(BaseModel):
    item: int


def mood(item: int) -> float:
    rows = np.random.default_rng(item).normal(0, 1, (6, 700))
    for layer in LAYERS:
        rows = np.tanh(rows @ layer)
    return round(float(rows.mean()), 6)


if os.environ.get("FIXED"):
    mood = functools.lru_cache(4096)(mood)


@app.post("/")
def handler(remark: Remark) -> float:
    return mood(remark.item)  # planted


if __name__ == "__main__":
    uvicorn.run(app, port=int(sys.argv[1]), log_level="warning")
