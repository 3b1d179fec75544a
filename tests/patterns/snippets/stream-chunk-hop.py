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
