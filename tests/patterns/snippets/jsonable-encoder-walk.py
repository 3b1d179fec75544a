# slow: seen at the handler's return
# below: serialize_response fastapi/routing.py, jsonable_encoder fastapi/encoders.py, jsonable_encoder fastapi/encoders.py
# known: handler=True
from fastapi import FastAPI

app = FastAPI()

@app.get("/rows")
def rows(limit: int = 4000):
    page = {"rows": STORE.take(limit)}
    return page  # hot
# slow: seen at the line that runs the server
# below: run uvicorn/server.py, run asyncio/runners.py, serialize_response fastapi/routing.py, jsonable_encoder fastapi/encoders.py, is_dataclass dataclasses.py
# known: event_loop=True
import uvicorn
from fastapi import FastAPI

app = FastAPI()
server = uvicorn.Server(uvicorn.Config(app))
server.run()  # hot
# exempt: a finished response
# below: run uvicorn/server.py, app fastapi/routing.py, __call__ starlette/responses.py, write asyncio/selector_events.py
# known: event_loop=True
import uvicorn

uvicorn.run(app)  # hot
