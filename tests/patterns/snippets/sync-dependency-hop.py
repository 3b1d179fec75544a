# slow
# below: run uvicorn/server.py, solve_dependencies fastapi/dependencies/utils.py, run_in_threadpool starlette/concurrency.py, run_sync_in_worker_thread anyio/_backends/_asyncio.py
# known: event_loop=True
import uvicorn
from fastapi import Depends, FastAPI

app = FastAPI()

def settings():
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
