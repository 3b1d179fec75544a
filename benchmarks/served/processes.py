"""Searches routes in Python, for each request: in one process, or with FIXED=1 in two."""

import os
import sys

import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel

app = FastAPI()
PLACES = 400


def distances(start: int) -> dict[int, int]:
    """Steps from one place to all others of a ring with a few shortcuts, by breadth-first search."""
    found, front = {start: 0}, [start]
    while front:
        reached = []
        for place in front:
            for other in ((place + 1) % PLACES, (place - 1) % PLACES, (place * 7) % PLACES, (place * 3 + 1) % PLACES):
                if other not in found:
                    found[other] = found[place] + 1
                    reached.append(other)
        front = reached
    return found


class Wanted(BaseModel):
    item: int


@app.post("/")
def route(wanted: Wanted) -> float:
    return sum(sum(distances((wanted.item + offset) % PLACES).values()) for offset in range(40)) / 40


if __name__ == "__main__":
    workers = 2 if os.environ.get("FIXED") else 1
    uvicorn.run("processes:app", port=int(sys.argv[1]), workers=workers, log_level="warning")  # planted
