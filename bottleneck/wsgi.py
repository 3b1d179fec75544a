"""``WSGIMiddleware``: record the requests of a WSGI application that is served by something we do not know."""

from __future__ import annotations

from collections.abc import Callable, Iterable, MutableMapping
from typing import Any

from .asgi import serving_state

Environ = MutableMapping[str, Any]
Application = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]


class WSGIMiddleware:
    """``app`` with its requests recorded: ``app = WSGIMiddleware(app)``, or ``app.wsgi_app = WSGIMiddleware(...)``.

    A list, a tuple and a ``wsgi.file_wrapper`` are returned as they are, so Content-Length and sendfile stay. Any other
    iterable is passed on part by part, and closed when the server closes it. When nothing records, and for a request
    that the server's own collector already records, it only calls ``app``. Raises nothing itself.
    """

    def __init__(self, app: Application) -> None:
        self.app = app
        self._state: Any = None
        self._call: Any = None

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer one request."""
        state = self._state
        if state is None or not state.on:
            found = serving_state("wsgi")
            state, self._call = found or (None, None)
            self._state = state
        if state is None:
            return self.app(environ, start_response)
        return self._call(state, self.app, environ, start_response)  # type: ignore[no-any-return]
