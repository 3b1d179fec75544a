"""What library frames say about a thread: it loads samples, serves requests, or only waits. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Protocol

#: Library frames below which the user's code is called to make an item or to answer a request.
LOADING = (
    "/torch/utils/data/_utils/fetch.py", "/torch/utils/data/_utils/worker.py",
    "/keras/src/trainers/data_adapters/", "/tensorflow/python/data/ops/",
)  # fmt: skip
HANDLERS = (
    "/flask/app.py", "/starlette/routing.py", "/werkzeug/serving.py", "/http/server.py", "/uvicorn/protocols/",
    "/django/core/handlers/", "/aiohttp/web_protocol.py", "/gunicorn/workers/", "/tornado/web.py", "/bottle.py",
    "/hypercorn/app_wrappers.py", "/granian/asgi.py", "/granian/wsgi.py", "/granian/_futures.py", "/litestar/routes/",
    "/litserve/loops/", "/grpc/_server.py",
)  # fmt: skip
POOLED = "/anyio/_backends/_asyncio.py"
FORKED = "/multiprocessing/process.py"  # in its ``_bootstrap``; a parent that starts or joins a process is there, too
IDLE = ("/selectors.py", "/asyncio/runners.py", "/asyncio/base_events.py", "/socketserver.py", "/uvicorn/server.py")
JOINS = ("/multiprocessing/", "/concurrent/futures/", "/threading.py", "/subprocess.py", "/queue.py", "/joblib/")
_INSTALLED = re.compile(r"[/\\](?:site|dist)-packages[/\\](\w+)")
EVENT_LOOP = ("/asyncio/base_events.py", "/asyncio/events.py", "/uvloop/")


class HasFile(Protocol):
    """A frame, or the kept part of one."""

    @property
    def file(self) -> str: ...


class Named(HasFile, Protocol):
    """The same, with its function name."""

    @property
    def function(self) -> str: ...


def through(frames: Iterable[HasFile], parts: tuple[str, ...]) -> bool:
    """Whether any of the frames lies in one of these files or folders."""
    return any(part in frame.file for frame in frames for part in parts)


def library_call(frames: Sequence[Named]) -> str:
    """The call that entered the innermost library of a stack, as "pandas.read_csv"; "" without one.

    ``frames``: innermost first. It names what a program does that has no line of the user's, such as ``kedro run``.
    """
    packages = [_package(frame.file) for frame in frames]
    library = next(filter(None, packages), "")
    found = ""
    for frame, package in zip(frames, packages, strict=True):
        if package not in (library, ""):
            break
        if package and frame.function != "<module>" and not frame.file.endswith("(hooked)"):
            found = f"{library}.{frame.function}"
    return found


def _package(file: str) -> str:
    """The top package of a file in site-packages; "" for the standard library."""
    inside = _INSTALLED.search(file)
    return inside[1] if inside else ""
