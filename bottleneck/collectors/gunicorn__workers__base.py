"""``gunicorn.workers.base``: requests of gunicorn's WSGI workers (sync, gthread, gevent, eventlet).

A worker's class is imported after this module. We hook the method that answers one request when the worker loads its
application, the function that makes the response and the environment, and what begins and sends an answer.
"""

import sys

from ..agent.unpatched import get_ident
from .support.hooking import hook
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
            hook(self, owner, "handle_request", lambda original, place=place: self._handling(original, place))
        if made is not None and made not in self._hooked:
            self._hooked.add(made)
            hook(self, made, "create", self._creating)
            hook(self, made.Response, "start_response", self._starting)
            hook(self, made.Response, "write", lambda original: sending(self.state, original))
            hook(self, made.Response, "sendfile", self._by_kernel)

    def _handling(self, original, place):
        state = self.state

        def handle_request(*args):
            key = id(args[place])
            if key in state.open:  # a worker class calls the one that it extends
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
                asked, answer = args[place], request.response
                sent = getattr(answer, "sent", None)
                request.status = getattr(answer, "status_code", 0) or 0
                size = 1 + sent if isinstance(sent, int) else 0
                leave(state, key, request, getattr(asked, "method", ""), getattr(asked, "path", ""), size, request.like)

        return handle_request

    def _creating(self, original):
        state = self.state

        def create(req, sock, *more, **named):
            request = state.open.get(id(req))
            if request is not None:
                state.guard(lambda: request.met(state, sock), "create")
            made = original(req, sock, *more, **named)
            if request is not None and isinstance(made, tuple) and len(made) == 2:
                request.response, environ = made
                request.sender = request.response
                state.environs[id(environ)] = request
                try:
                    asks(state, request, environ)
                except BaseException as error:
                    state.off("create", error)
            return made

        return create

    def _starting(self, original):
        state = self.state

        def start_response(response, status, headers, exc_info=None):
            write = original(response, status, headers, exc_info)
            try:
                request = state.threads.get(get_ident())
                if request is not None and request.sender is response:
                    request.status = response.status_code or 0
                    answers(state, request, headers)
            except BaseException as error:
                state.off("start_response", error)
            return write

        return start_response

    def _by_kernel(self, original):
        state = self.state

        def sendfile(response, file):
            sent = original(response, file)
            request = state.threads.get(get_ident())
            if request is not None and request.sender is response and sent:
                request.like = None  # nobody sees what is sent
            return sent

        return sendfile
