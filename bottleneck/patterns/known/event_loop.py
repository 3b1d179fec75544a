"""Servers on an event loop: what holds the loop."""

import ast

from ..causes import called
from ..model import Hot, Pattern, Price
from ..places import handlers, known, less, on_event_loop
from ..shapes import any_of, argument, below, calls, deep, leaf
from ..source import Source
from ..syntax import last_name

_SHORT = less(seconds_each=0.002)  # shorter than what a loop's turn takes anyway
_ALONE = less(in_flight=1.5)  # one client at a time: nobody waits for the loop


def _plain_dependencies(source: Source) -> list[ast.FunctionDef]:
    """Each ``f`` of ``Depends(f)`` that is a plain ``def`` of this file and calls nothing."""
    given = [call.args[0] for call in source.calls.get("Depends", []) if call.args]
    return [
        each
        for value in given
        for each in source.functions.get(last_name(value), [])
        if isinstance(each, ast.FunctionDef)
        and not any(isinstance(part, ast.Call) for statement in each.body for part in ast.walk(statement))
    ]


def _only_dependencies_hop(hot: Hot) -> bool:
    """The file's request handlers are all ``async def``: what FastAPI runs in a thread is a dependency."""
    found = handlers(hot.source)
    return bool(found) and all(isinstance(each, ast.AsyncFunctionDef) for each in found)


def _streams_lines(hot: Hot) -> bool:
    """Each ``StreamingResponse`` of the file is given a buffer in memory, which gives a line at a time."""
    made = hot.source.calls.get("StreamingResponse", [])
    given = [call.args[0] if call.args else argument(call, "content") for call in made]
    buffers = {"io.BytesIO()", "io.StringIO()"}
    return bool(made) and all(each is not None and hot.source.paths(each) & buffers for each in given)


PATTERNS = (
    Pattern(
        id="blocking-call-in-async",
        title="A blocking call holds the event loop, and nothing else on it (no other request) runs meanwhile",
        replacement="Await an async client instead (httpx.AsyncClient, asyncio.sleep, asyncpg), run the call with "
        "asyncio.to_thread, or make the handler a plain def",
        snippet="answer = await client.get(url)  # client: one httpx.AsyncClient\n"
        "rows = await asyncio.to_thread(query, key)",
        when=(
            on_event_loop(),
            calls(
                "time.sleep",
                "requests.*",
                "urllib.request.urlopen",
                "urllib.request.urlretrieve",
                "httpx.get",
                "httpx.post",
                "httpx.request",
                "httpx.Client().*",
                "subprocess.run",
                "subprocess.check_output",
                "subprocess.check_call",
                "subprocess.call",
                "boto3.client().*",
                "psycopg.connect*",
                "psycopg2.connect*",
                "pymysql.connect*",
                "redis.Redis().*",
                "builtins.open().read",
                "builtins.open().readlines",
                "pathlib.Path().read_text",
                "pathlib.Path().read_bytes",
            ),
        ),
        unless=(_SHORT, _ALONE),
        beats=("http-connection-per-call", "ssl-context-per-client", "db-connection-per-request"),
        leave="The same call in a worker thread, or at start-up.",
        price=Price("wait"),
        source="fastapi/fastapi#2484, #260, stacklok/codegate#222, silx-kit/h5grove#116",
        stages=("serving",),
    ),
    Pattern(
        id="inference-on-loop",
        title="A model computes on the event loop, and no other request is served meanwhile",
        replacement="Run it with asyncio.to_thread (the maths frees the GIL), make the handler a plain def, or give the "
        "model a process of its own",
        snippet="scores = await asyncio.to_thread(predict, rows)",
        when=(
            on_event_loop(),
            any_of(
                below("torch/nn/modules/module.py", "_wrapped_call_impl"),
                below("sklearn/"),
                below("onnxruntime/capi/"),
                below("transformers/pipelines/"),
                below("transformers/generation/"),
                below("sentence_transformers/"),
                below("xgboost/"),
                below("lightgbm/"),
                below("llama_cpp/"),
                below("spacy/language.py", "__call__"),
            ),
        ),
        unless=(less(seconds_each=0.005), _ALONE),
        leave="One request at a time by design, or a call of a few milliseconds.",
        price=Price("measure"),
        source="fastapi/fastapi#1806, #2488, FastCrest/tether#14",
        stages=("serving",),
    ),
    Pattern(
        id="image-decode-on-loop",
        title="Images are decoded on the event loop (Image.open is lazy, the next call decodes)",
        replacement="Open and convert in one asyncio.to_thread call, take binary uploads instead of base64, and use "
        "Image.draft for large JPEGs",
        snippet="image = await asyncio.to_thread(lambda: Image.open(file).convert('RGB'))",
        when=(
            on_event_loop(),
            any_of(
                below("PIL/ImageFile.py", "load"),
                below("PIL/Image.py", "resize", "convert", "thumbnail"),
                calls("cv2.imdecode", "cv2.resize", "base64.b64decode"),
            ),
        ),
        unless=(_SHORT, _ALONE),
        leave="Thumbnails that take under a millisecond.",
        price=Price("measure"),
        source="ai-dynamo/dynamo#7760, FastCrest/tether#38, python-pillow/Pillow#1224",
        stages=("serving",),
    ),
    Pattern(
        id="password-hash-on-loop",
        title="A password hash, slow on purpose, runs on the event loop",
        replacement="Run it with asyncio.to_thread (hashing frees the GIL), or make the route a plain def; do not lower "
        "the cost",
        snippet="valid = await asyncio.to_thread(bcrypt.checkpw, password, stored)",
        when=(
            on_event_loop(),
            any_of(
                calls(
                    "bcrypt.hashpw",
                    "bcrypt.checkpw",
                    "hashlib.pbkdf2_hmac",
                    "hashlib.scrypt",
                    "argon2.PasswordHasher().*",
                    "passlib.context.CryptContext().*",
                    "pwdlib.PasswordHash*",
                ),
                below("passlib/"),
                below("argon2/"),
            ),
        ),
        leave="Never on the event loop.",
        price=Price("measure"),
        source="Mr-DooSun/fastapi-agent-blueprint#337 (worst delay 233 to 23 ms), dnotitia/akb#283",
        stages=("serving",),
        effort=1,
    ),
    Pattern(
        id="logging-on-loop",
        title="Log records are formatted and written on the event loop, for each request",
        replacement="Hand records to a thread with logging.handlers.QueueHandler and QueueListener, use a plain "
        "formatter, and switch the access log off",
        snippet="logging.getLogger().addHandler(QueueHandler(queue))\nQueueListener(queue, handler).start()",
        when=(on_event_loop(), below("logging/__init__.py", "emit", "flush", "format")),
        unless=(known(handler=False),),
        leave="Under 2 % of the loop's time, or an audit that must be synchronous.",
        price=Price("once"),
        source="NovaSky-AI/SkyRL#2160 (63 % of the CPU; 337 to 568 a second), Kludex/uvicorn#112 (half the rate)",
        stages=("serving",),
        effort=1,
    ),
    Pattern(
        id="gzip-on-loop",
        title="Responses are compressed on the event loop, at level 9 unless told otherwise",
        replacement="Give GZipMiddleware a compresslevel of 1 to 5 and a larger minimum_size, or compress at the proxy",
        snippet="app.add_middleware(GZipMiddleware, minimum_size=4000, compresslevel=3)",
        when=(deep("starlette/middleware/gzip.py"),),
        cause=called("*.add_middleware", "?.add_middleware"),
        leave="Slow links and few large bodies.",
        price=Price("amdahl", (3, 6)),
        source="invoke-ai/InvokeAI#9441 (90 to 16 ms), Kludex/starlette#3413, fastapi/fastapi#11412",
        stages=("serving",),
        effort=1,
    ),
    Pattern(
        id="multipart-on-loop",
        title="Uploads are parsed as multipart forms in Python",
        replacement="Take the raw body (async for part in request.stream()), or let clients upload to storage with a "
        "presigned URL",
        snippet="async for part in request.stream():\n    await file.write(part)",
        when=(
            any_of(
                deep("python_multipart/multipart.py"),
                deep("multipart/multipart.py"),
                deep("werkzeug/sansio/multipart.py"),
                deep("django/http/multipartparser.py"),
                deep("tornado/httputil.py", "parse_multipart_form_data"),
                deep("aiohttp/multipart.py"),
            ),
        ),
        unless=(leaf("aiohttp/streams.py", "_wait", "wait_eof"),),
        leave="Small files.",
        price=Price("measure", probe="one upload as a raw body"),
        source="fastapi/fastapi#1379, #5413, pallets/werkzeug#875 (100 % of a core)",
        stages=("serving",),
    ),
    Pattern(
        id="base-http-middleware",
        title="BaseHTTPMiddleware opens a task group and copies the stream, per request and layer",
        replacement="Write the middleware as a pure ASGI class (async def __call__(self, scope, receive, send))",
        snippet="class Timing:\n    def __init__(self, app): self.app = app\n"
        "    async def __call__(self, scope, receive, send): await self.app(scope, receive, send)",
        when=(
            deep("starlette/middleware/base.py"),
            # The handler lies below these frames, too: only what ends in the glue counts.
            any_of(
                leaf("starlette/middleware/base.py"), leaf("anyio/streams/memory.py"), leaf("anyio/_core/_tasks.py")
            ),
        ),
        cause=called("*.middleware", "?.middleware"),
        leave="Handlers that take 20 ms or more: nothing visible changes.",
        price=Price("once"),
        source="vectorize-io/hindsight#4235 (3.2x on a cheap route), IBM/mcp-context-forge#6283 (15 to 4 %)",
        stages=("serving",),
    ),
    Pattern(
        id="sync-dependency-hop",
        title="A dependency that only computes is a plain def, so each request hops to a thread and back for it",
        replacement="Make the dependency async def (it does not block), or compute it once and cache it",
        snippet="async def settings() -> Settings:\n    return SETTINGS",
        when=(
            any_of(deep("fastapi/dependencies/utils.py", "solve_dependencies"), _only_dependencies_hop),
            deep("anyio/_backends/_asyncio.py", "run_sync_in_worker_thread"),
            lambda hot: bool(_plain_dependencies(hot.source)),
        ),
        cause=lambda seen: min((each.lineno for each in _plain_dependencies(seen.source)), default=None),
        leave="The dependency blocks (a database, a file): then def is right.",
        price=Price("measure"),
        source="ray-project/ray#55457, fastapi/fastapi#1306, #4187, #732",
        stages=("serving",),
        effort=1,
        risk=0.3,
    ),
    Pattern(
        id="stream-chunk-hop",
        title="A streamed response hops to a thread for each chunk (bytes in a BytesIO are split at line ends)",
        replacement="Return bytes in memory as one Response(content=...); else yield chunks of 64 KiB from an async "
        "generator",
        snippet="return Response(buffer.getvalue(), media_type='image/png')",
        when=(
            deep("starlette/responses.py", "stream_response"),
            any_of(deep("starlette/concurrency.py", "iterate_in_threadpool", "_next"), _streams_lines),
        ),
        cause=called("*.StreamingResponse"),
        leave="A slow producer of large chunks.",
        price=Price("once"),
        source="vllm-project/vllm-omni#7459 (3 MiB in 12,000 hops), fastapi/fastapi#2302",
        stages=("serving",),
        effort=1,
    ),
)
