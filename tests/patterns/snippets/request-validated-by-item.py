# slow
# below: run uvicorn/server.py, solve_dependencies fastapi/dependencies/utils.py, request_body_to_args fastapi/dependencies/utils.py, validate fastapi/_compat/v2.py, validate_python pydantic/type_adapter.py
# known: event_loop=True
import uvicorn

uvicorn.run(app)  # hot
# exempt: the answer
# below: run uvicorn/server.py, app fastapi/routing.py, __call__ starlette/responses.py, write asyncio/selector_events.py
# known: event_loop=True
import uvicorn

uvicorn.run(app)  # hot
# slow: no line of the file called the server
# below: run threading.py, run uvicorn/server.py, request_body_to_args fastapi/dependencies/utils.py, validate fastapi/_compat/v2.py, validate_python pydantic/type_adapter.py
# known: event_loop=True handler=True
import threading
import uvicorn

@app.get("/count")
async def count():
    return len(STORE)

@app.post("/ingest")
async def ingest(readings: list[Reading]):  # cause
    return {"stored": len(readings)}

threading.Thread(target=uvicorn.Server(uvicorn.Config(app)).run).start()  # hot
