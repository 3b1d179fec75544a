# slow
# known: event_loop=True handler=True
import requests
from fastapi import FastAPI

app = FastAPI()

@app.get("/price")
async def price(symbol: str):
    answer = requests.get(f"http://quotes/{symbol}", timeout=5)  # hot
    return answer.json()
# slow: a helper of the handler
# below: urlopen urllib/request.py, open urllib/request.py, readinto socket.py
# known: event_loop=True handler=True
from urllib.request import urlopen

def load(key):
    return urlopen(f"http://store/{key}").read()  # hot
# slow
# known: event_loop=True handler=True
import time

async def status():
    time.sleep(0.2)  # hot
# exempt: in a worker thread
# known: handler=True
import requests

def price(symbol: str):
    return requests.get(f"http://quotes/{symbol}")  # hot
# exempt: an async client
# known: event_loop=True handler=True
import httpx

client = httpx.AsyncClient()

async def price(symbol: str):
    return await client.get(f"http://quotes/{symbol}")  # hot
# exempt: takes no time
# known: event_loop=True handler=True seconds_each=0.0001
async def page():
    return open("page.html").read()  # hot
# exempt: at start-up
# below: get requests/api.py
# known: event_loop=True
from contextlib import asynccontextmanager
import requests

@asynccontextmanager
async def lifespan(app):
    app.state.names = requests.get("http://store/names").json()  # hot
    yield
