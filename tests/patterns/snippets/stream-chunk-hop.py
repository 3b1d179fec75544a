# slow
# below: run uvicorn/server.py, stream_response starlette/responses.py, iterate_in_threadpool starlette/concurrency.py, run_sync_in_worker_thread anyio/_backends/_asyncio.py
# known: event_loop=True
import io
import uvicorn
from fastapi.responses import StreamingResponse

async def picture():
    return StreamingResponse(io.BytesIO(PNG), media_type="image/png")  # cause

uvicorn.run(app)  # hot
# exempt: an async generator
# below: run uvicorn/server.py, stream_response starlette/responses.py, write asyncio/selector_events.py
# known: event_loop=True
import uvicorn

uvicorn.run(app)  # hot
# slow
# below: run uvicorn/server.py, stream_response starlette/responses.py, send uvicorn/protocols/http/h11_impl.py, write asyncio/selector_events.py
# known: event_loop=True
import io
import uvicorn
from fastapi.responses import StreamingResponse

class Exporter:
    def open(self):
        return io.BytesIO(self.data)

exporter = Exporter()

async def export():
    return StreamingResponse(exporter.open(), media_type="text/csv")  # cause

uvicorn.run(app)  # hot
# exempt: large parts
# below: run uvicorn/server.py, stream_response starlette/responses.py, send uvicorn/protocols/http/h11_impl.py, write asyncio/selector_events.py
# known: event_loop=True
import uvicorn
from fastapi.responses import StreamingResponse

class Exporter:
    async def parts(self):
        for begin in range(0, self.size, 2**20):
            yield self.data[begin : begin + 2**20]

exporter = Exporter()

async def export():
    return StreamingResponse(exporter.parts(), media_type="text/csv")

uvicorn.run(app)  # hot
