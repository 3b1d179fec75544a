"""``gunicorn.workers.base``: requests of gunicorn's WSGI workers (sync, gthread, gevent, eventlet).

A worker's class is imported after this module. We hook the method that answers one request when the worker loads its
application, the function that makes the response and the environment, and what begins an answer. These are replaced:
other code that calls ours would be one more layer for each request.
"""

import sys

from ..agent.recorder import now
from ..agent.unpatched import get_ident
from . import dress
from .support.hooking import hook
from .support.likeness import LEAST_NS
from .support.server import ServerCollector
from .support.wsgi import enter, leave
from .support.wsgi_likeness import answers, asks, sending


class Collector(ServerCollector):
    id = "gunicorn"
    module = "gunicorn.workers.base"

    def __init__(self):
        super().__init__()
        self._hooked = set()

    def hook_server(self, module):

        def make(original):
            def load_wsgi(worker):
                try:
                    if self.on:
                        self._attach(type(worker))
                except BaseException as error:
                    self.off("load_wsgi", error)
                return original(worker)

            return load_wsgi

        hook(self, module.Worker, "load_wsgi", make)

    def _attach(self, worker):
        made = sys.modules.get("gunicorn.http.wsgi")
        for owner in worker.__mro__:
            found = vars(owner).get("handle_request")
            if found is None or not owner.__module__.startswith("gunicorn.workers"):
                continue
            code = getattr(found, "__code__", None)
            names = code.co_varnames[: code.co_argcount] if code is not None else ()
            if made is None or "req" not in names or owner in self._hooked:
                continue
            self._hooked.add(owner)
            place = names.index("req")
            self.patches.replace(owner, "handle_request", self._handling(found, place))
        if made is not None and made not in self._hooked:
            self._hooked.add(made)
            self.patches.replace(made, "create", self._creating(made.create))
            self.patches.replace(made.Response, "start_response", self._starting(made.Response.start_response))

    def _handling(self, original, place):
        state = self.state

        def handle_request(*args):
            asked = args[place]
            key = id(asked)
            if not state.on or key in state.open:  # a worker class calls the one that it extends
                return original(*args)
            request = enter(state, key, None)
            if request is None:
                return original(*args)
            try:
                return original(*args)
            except BaseException:
                request.like = None  # the answer is not whole
                raise
            finally:
                answer = request.response
                sent = getattr(answer, "sent", None)
                request.status = getattr(answer, "status_code", 0) or 0
                size = 1 + sent if isinstance(sent, int) else 0
                leave(state, key, request, getattr(asked, "method", ""), getattr(asked, "path", ""), size, request.like)
                if answer is not None and now() - request.t0 >= LEAST_NS:
                    for name in ("write", "sendfile"):
                        vars(answer).pop(name, None)  # they would keep it alive

        return dress(handle_request, original)

    def _creating(self, original):
        state = self.state

        def create(req, sock, *more, **named):
            made = original(req, sock, *more, **named)
            request = state.open.get(id(req))
            if request is not None:
                try:
                    request.response, environ = made
                    request.sender = request.response
                    state.environs[id(environ)] = request
                    if request.unmet:
                        request.met(state, sock)
                    asks(state, request, environ)
                except BaseException as error:
                    state.off("create", error)
            return made

        return dress(create, original)

    def _starting(self, original):
        state = self.state

        def start_response(response, status, headers, exc_info=None):
            write = original(response, status, headers, exc_info)
            try:
                request = state.threads.get(get_ident())
                if request is not None and request.sender is response:
                    if now() - request.t0 < LEAST_NS:
                        request.like = None
                    else:
                        request.status = response.status_code or 0
                        answers(state, request, headers)
                        write = _watch(state, request, response)
            except BaseException as error:
                state.off("start_response", error)
            return write

        return dress(start_response, original)


def _watch(state, request, response):
    """Have this one answer's parts taken in; returns its new ``write``."""
    kind, by_kernel = type(response), response.sendfile
    sends = sending(state, kind.write)

    def write(part):
        return sends(response, part)

    def sendfile(*args, **named):
        sent = by_kernel(*args, **named)
        if sent:
            request.like = None  # nobody sees what is sent
        return sent

    response.write, response.sendfile = write, sendfile
    return write
