# slow
# below: run uvicorn/server.py, serialize_response fastapi/routing.py, validate fastapi/_compat/v2.py
# known: event_loop=True
import uvicorn
from fastapi import FastAPI

app = FastAPI()

@app.get("/items", response_model=list[Item])
def items():
    return [Item(**row) for row in ROWS]  # cause

uvicorn.run(app)  # hot
# exempt: a request is validated, once
# below: run uvicorn/server.py, request_body_to_args fastapi/dependencies/utils.py, validate fastapi/_compat/v2.py
# known: event_loop=True
import uvicorn

uvicorn.run(app)  # hot
