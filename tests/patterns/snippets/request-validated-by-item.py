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
