"""``ASGIMiddleware``: record the requests of an ASGI application that is served by something we do not know."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]


class ASGIMiddleware:
    """``app`` with its requests recorded: ``app = ASGIMiddleware(app)`` or ``app.add_middleware(ASGIMiddleware)``.

    Pure ASGI: scopes, messages, exceptions and cancellation pass through untouched. When nothing records, and for a
    request that Starlette's or uvicorn's own collector already records, it only calls ``app``. Raises nothing itself.
    """

    def __init__(self, app: Application) -> None:
        self.app = app
        self._state: Any = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        state = self._state
        if state is None or not state.on:
            state = self._state = self._find()
        if state is None:
            await self.app(scope, receive, send)
        else:
            await self._call(state, self.app, scope, receive, send)

    def _find(self) -> Any:
        """The serving state of this process; None when nothing records."""
        found = serving_state("asgi")
        if found is None:
            return None
        state, self._call = found
        return state


def serving_state(kind: str) -> tuple[Any, Any] | None:
    """The serving state of the recorder in this process, and the call that records a request of the kind asgi or wsgi.

    The injected recorder comes first, else our own; None when none records.
    """
    for package in ("_bottleneck_child", __package__ or ""):
        module = sys.modules.get(f"{package}.agent.recorder")
        recorder = module.recorder() if module is not None else None
        if recorder is None or "serving" in recorder.failed:
            continue
        try:
            support = f"{package}.collectors.support"
            call = __import__(f"{support}.{kind}", fromlist=["recording_call"]).recording_call
            serving = __import__(f"{support}.serving", fromlist=["serving"])
            return serving.serving(recorder), call
        except Exception as error:
            recorder.fail("serving", "middleware", error)
    return None
