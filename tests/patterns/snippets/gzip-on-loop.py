# slow
# below: run uvicorn/server.py, __call__ starlette/responses.py, send_with_compression starlette/middleware/gzip.py, _compress_body starlette/middleware/gzip.py
# known: event_loop=True
import uvicorn
from fastapi import FastAPI
from starlette.middleware.gzip import GZipMiddleware

app = FastAPI()
app.add_middleware(GZipMiddleware)  # cause
uvicorn.run(app)  # hot
# exempt: another thing
# below: run uvicorn/server.py, __call__ starlette/responses.py, write asyncio/selector_events.py
# known: event_loop=True
import uvicorn
from fastapi import FastAPI

uvicorn.run(FastAPI())  # hot
