# slow
# below: run uvicorn/server.py, serialize_response fastapi/routing.py, validate fastapi/_compat/v2.py, validate_python pydantic/type_adapter.py
# known: event_loop=True
import uvicorn
from fastapi import FastAPI

app = FastAPI()

@app.get("/items", response_model=list[Item])
def items():
    return [Item(**row) for row in ROWS]  # cause

uvicorn.run(app)  # hot
# exempt: a finished response
# below: run uvicorn/server.py, app fastapi/routing.py, __call__ starlette/responses.py
# known: event_loop=True
import uvicorn

uvicorn.run(app)  # hot
