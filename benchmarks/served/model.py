"""Scores rows with a model that is read for each request, or with FIXED=1 once."""

import functools
import os
import sys
import tempfile
from pathlib import Path

import torch
import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel

torch.set_num_threads(1)
FILE = Path(tempfile.mkdtemp()) / "model.pt"
app = FastAPI()


class Row(BaseModel):
    item: int


def network() -> torch.nn.Sequential:
    layers = (layer for _ in range(24) for layer in (torch.nn.Linear(128, 128), torch.nn.ReLU()))
    return torch.nn.Sequential(*layers)


def read_model() -> torch.nn.Sequential:
    model = network()
    model.load_state_dict(torch.load(FILE))  # planted
    return model.eval()


if os.environ.get("FIXED"):
    read_model = functools.cache(read_model)


@app.post("/")
def score(row: Row) -> float:
    with torch.inference_mode():
        return float(read_model()(torch.full((512, 128), row.item % 7 / 7)).sum())


if __name__ == "__main__":
    torch.save(network().state_dict(), FILE)
    try:
        uvicorn.run(app, port=int(sys.argv[1]), log_level="warning")
    finally:
        FILE.unlink()
        FILE.parent.rmdir()
