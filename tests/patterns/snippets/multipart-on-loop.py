# slow
# below: _get_form starlette/requests.py, parse starlette/formparsers.py, write python_multipart/multipart.py
# known: event_loop=True handler=True
async def upload(request):
    form = await request.form()  # hot
    return len(form["file"])
# exempt: the raw body
# below: stream starlette/requests.py
# known: event_loop=True handler=True
async def upload(request):
    size = 0
    async for part in request.stream():  # hot
        size += len(part)
    return size
# exempt: it waits for the network
# below: _get_form starlette/requests.py, parse starlette/formparsers.py, stream starlette/requests.py, receive uvicorn/protocols/http/h11_impl.py
# known: event_loop=True handler=True
async def upload(request):
    form = await request.form()  # hot
# slow
# below: post aiohttp/web_request.py, read_chunk aiohttp/multipart.py, _read_chunk_from_stream aiohttp/multipart.py
# known: event_loop=True handler=True
async def upload(request):
    form = await request.post()  # hot
    return len(form)
# exempt: it waits for the client
# below: post aiohttp/web_request.py, read_chunk aiohttp/multipart.py, read aiohttp/streams.py, _wait aiohttp/streams.py
# known: event_loop=True handler=True
async def upload(request):
    form = await request.post()  # hot
    return len(form)
