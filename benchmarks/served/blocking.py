"""Asks a slow catalogue by a client without async calls: in the event loop, or with FIXED=1 in the thread pool."""

import os
import sys
import time

import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool

app = FastAPI()


class Wanted(BaseModel):
    item: int


def ask_catalogue(wanted: Wanted) -> float:
    time.sleep(0.06)  # planted
    return wanted.item % 97 + 0.99


@app.post("/")
async def price(wanted: Wanted) -> float:
    if os.environ.get("FIXED"):
        return await run_in_threadpool(ask_catalogue, wanted)
    return ask_catalogue(wanted)  # planted


if __name__ == "__main__":
    uvicorn.run(app, port=int(sys.argv[1]), log_level="warning")
