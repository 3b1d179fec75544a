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
# slow
# above: app fastapi/routing.py, serialize_response fastapi/routing.py, validate fastapi/_compat/v2.py, validate_python pydantic/type_adapter.py
# known: event_loop=True handler=True
from fastapi import APIRouter
from pydantic import BaseModel, field_validator

router = APIRouter()

class Point(BaseModel):
    tags: list[str]

    @field_validator("tags")
    def lower(cls, tags):
        return sorted(tag.lower() for tag in tags)  # hot

@router.get("/points", response_model=list[Point])
async def points():
    return [point.model_dump() for point in POINTS]  # cause
# exempt: a request's body is validated once
# above: app fastapi/routing.py, request_body_to_args fastapi/dependencies/utils.py, validate_python pydantic/type_adapter.py
# known: event_loop=True handler=True
from pydantic import BaseModel, field_validator

class Point(BaseModel):
    tags: list[str]

    @field_validator("tags")
    def lower(cls, tags):
        return sorted(tag.lower() for tag in tags)  # hot
