# slow
from functools import lru_cache
from fastapi import Depends, FastAPI

app = FastAPI()

class Planner:
    def __init__(self, roads):
        self.roads = roads

    @lru_cache(maxsize=64)  # cause
    def distances_from(self, start):
        found = {}
        for road in self.roads[start]:
            found[road.end] = road.length  # hot
        return found

def get_planner():
    return Planner(ROADS)

@app.get("/quote")
def quote(start: int, end: int, planner: Planner = Depends(get_planner)):
    return planner.distances_from(start)[end]
# exempt: one object for all requests
from functools import lru_cache
from fastapi import FastAPI

app = FastAPI()

class Planner:
    def __init__(self, roads):
        self.roads = roads

    @lru_cache(maxsize=64)
    def distances_from(self, start):
        found = {}
        for road in self.roads[start]:
            found[road.end] = road.length  # hot
        return found

planner = Planner(ROADS)

@app.get("/quote")
def quote(start: int, end: int):
    return planner.distances_from(start)[end]
# exempt: equal objects are the same key
from dataclasses import dataclass
from functools import lru_cache
from fastapi import FastAPI

app = FastAPI()

@dataclass(frozen=True)
class Planner:
    region: str

    @lru_cache(maxsize=64)
    def distances_from(self, start):
        found = {}
        for road in ROADS[self.region, start]:
            found[road.end] = road.length  # hot
        return found

@app.get("/quote")
def quote(region: str, start: int, end: int):
    return Planner(region).distances_from(start)[end]
