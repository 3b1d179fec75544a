"""Classifies short texts: one by one, or with FIXED=1 those of the same moment in one call of the model."""

import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import torch
import uvicorn
from bottleneck_profiler.serving import MicroBatcher
from fastapi import FastAPI
from pydantic import BaseModel


class Classifier(torch.nn.Module):
    """A recurrent reader: many small operations, one after another."""

    def __init__(self) -> None:
        super().__init__()
        self.words = torch.nn.Embedding(5000, 48)
        self.reader = torch.nn.GRU(48, 48, batch_first=True)
        self.head = torch.nn.Linear(48, 4)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        return self.head(self.reader(self.words(tokens))[0][:, -1])


torch.set_num_threads(1)
torch.manual_seed(0)
model = Classifier().eval()


def predict(rows: list[torch.Tensor]) -> torch.Tensor:
    with torch.inference_mode():
        return model(torch.stack(rows))  # planted


batcher = MicroBatcher(predict, max_batch=16, max_delay=0.0)


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    async with batcher:
        yield


app = FastAPI(lifespan=lifespan)


class Text(BaseModel):
    item: int


def tokens_of(text: Text) -> torch.Tensor:
    return (torch.arange(400) * 31 + text.item) % 5000


async def batched(text: Text) -> int:
    return int((await batcher(tokens_of(text))).argmax())


def alone(text: Text) -> int:
    return int(predict([tokens_of(text)])[0].argmax())


app.post("/")(batched if os.environ.get("FIXED") else alone)

if __name__ == "__main__":
    uvicorn.run(app, port=int(sys.argv[1]), log_level="warning")
