# slow
# below: call_next starlette/middleware/base.py, receive anyio/streams/memory.py
# known: event_loop=True
@app.middleware("http")
async def timing(request, call_next):
    response = await call_next(request)  # hot
    return response
# exempt: the time is the handler's
# below: call_next starlette/middleware/base.py, coro starlette/middleware/base.py, jsonable fastapi/other.py
# known: event_loop=True
@app.middleware("http")
async def timing(request, call_next):
    response = await call_next(request)  # hot
    return response
