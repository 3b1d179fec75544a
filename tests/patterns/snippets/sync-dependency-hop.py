# slow
# below: run uvicorn/server.py, solve_dependencies fastapi/dependencies/utils.py, run_in_threadpool starlette/concurrency.py, run_sync_in_worker_thread anyio/_backends/_asyncio.py
# known: event_loop=True
import uvicorn
from fastapi import Depends, FastAPI

app = FastAPI()

def settings():  # cause
    return SETTINGS

@app.get("/")
async def show(values=Depends(settings)):
    return values.title

uvicorn.run(app)  # hot
# exempt: the dependency blocks
# below: run uvicorn/server.py, solve_dependencies fastapi/dependencies/utils.py, run_sync_in_worker_thread anyio/_backends/_asyncio.py
# known: event_loop=True
import uvicorn
from fastapi import Depends, FastAPI

def session():
    return connect()

async def show(values=Depends(session)):
    return values.title

uvicorn.run(FastAPI())  # hot
# slow: the frames between are not kept, and no handler can be what hops
# below: __call__ fastapi/applications.py, run_in_threadpool starlette/concurrency.py, run_sync_in_worker_thread anyio/_backends/_asyncio.py
# known: event_loop=True
from fastapi import APIRouter, Depends, FastAPI

router = APIRouter()

def language(code: str = "en"):
    return CODES.get(code)

def scope(code: int = Depends(language)):  # cause
    return f"scope {code}"

@router.get("/items")
async def items(found: str = Depends(scope)):
    return {"scope": found}

async def drive(app, messages):
    for receive, send in messages:
        await app(SCOPE, receive, send)  # hot
# exempt: a handler hops too
# below: __call__ fastapi/applications.py, run_in_threadpool starlette/concurrency.py, run_sync_in_worker_thread anyio/_backends/_asyncio.py
# known: event_loop=True
from fastapi import APIRouter, Depends, FastAPI

router = APIRouter()

def scope(code: int = 0):
    return f"scope {code}"

@router.get("/items")
def items(found: str = Depends(scope)):
    return {"scope": found}

async def drive(app, messages):
    for receive, send in messages:
        await app(SCOPE, receive, send)  # hot
