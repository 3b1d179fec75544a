"""``grpc.aio._server``: calls of gRPC's servers of asyncio, whose own code is compiled.

``import grpc`` imports the module for clients, too, so that nothing is watched until a server is made. The library
asks its services for the handler of each call; we answer with the same handler, around whose function we record.
"""

import sys
from functools import partial

from .support import wsgi
from .support.coroutines import enter, leave
from .support.hooking import hook
from .support.rpc import CANCELLED, METHOD, UNKNOWN, http_status, is_request, tell_port
from .support.server import ServerCollector

_MOST_METHODS = 1024


class Collector(ServerCollector):
    id = "grpc.aio"
    module = "grpc.aio._server"
    waits = True

    def __init__(self):
        super().__init__()
        self._made = {}  # method -> (its handler, the one that records)

    def hook_server(self, module):
        hook(self, module.Server, "__init__", self._making)
        for name in ("add_generic_rpc_handlers", "add_registered_method_handlers"):
            if hasattr(module.Server, name):
                hook(self, module.Server, name, self._adding if "generic" in name else self._registering)
        for name in ("add_insecure_port", "add_secure_port"):
            hook(self, module.Server, name, self._listening)
        hook(self, module.Server, "stop", self._ending)

    def _making(self, original):
        def __init__(server, pool, services, *more):
            if self.on:
                self.begun()
            return original(server, pool, self._known(self._services, services), *more)

        return __init__

    def _adding(self, original):
        def add_generic_rpc_handlers(server, services):
            return original(server, self._known(self._services, services))

        return add_generic_rpc_handlers

    def _registering(self, original):
        def add_registered_method_handlers(server, service, handlers):
            return original(server, service, self._known(partial(self._handlers, service), handlers))

        return add_registered_method_handlers

    def _listening(self, original):
        def add_port(server, asked, *more):
            port = original(server, asked, *more)
            if self.state is not None:
                self.state.guard(lambda: tell_port(self.state, asked, port), "address")
            return port

        return add_port

    def _ending(self, original):
        async def stop(server, *more):
            try:
                return await original(server, *more)
            finally:
                if self.state is not None:
                    self.state.guard(self.state.end, "stop")

        return stop

    def _known(self, made, given):
        """``made(given)``; ``given`` itself if that fails."""
        try:
            return made(given) if self.on and self.state is not None and given is not None else given
        except BaseException as error:
            self.off("handlers", error)
            return given

    def _services(self, services):
        return tuple([_Service(each, self) if hasattr(each, "service") else each for each in services])

    def _handlers(self, service, handlers):
        return {name: self.recording("/%s/%s" % (service, name), handler) for name, handler in handlers.items()}

    def recording(self, method, handler):
        """A handler that records the calls of a method; ``handler`` itself where that is not possible."""
        try:
            known, made = self._made.get(method, (None, None))
            if known is not handler or known is None:
                made = handler if handler is None else _recording(self.state, method, handler)
                if len(self._made) < _MOST_METHODS and handler is not None:
                    self._made[method] = handler, made
            return made if self.on and self.state is not None and self.state.on else handler
        except BaseException as error:
            self.off("handler", error)
            return handler


class _Service:
    """A service of the program's, whose handlers record."""

    def __init__(self, service, collector):
        self._inner, self._collector = service, collector

    def __getattr__(self, name):
        return getattr(self._inner, name)

    def service(self, details):
        return self._collector.recording(details.method, self._inner.service(details))


def _recording(state, method, handler):
    if not is_request(method, handler) or not hasattr(handler, "_replace"):
        return handler
    kind = "%s_%s" % tuple(
        "stream" if it else "unary" for it in (handler.request_streaming, handler.response_streaming)
    )
    behaviour, inspect = getattr(handler, kind), sys.modules["inspect"]
    if inspect.isasyncgenfunction(behaviour):
        made = _streaming(state, method, behaviour)
    elif inspect.iscoroutinefunction(behaviour):
        made = _awaiting(state, method, behaviour)
    elif not handler.response_streaming:
        made = _calling(state, method, behaviour)
    else:
        return handler
    return handler._replace(**{kind: made})


def _awaiting(state, method, behaviour):
    async def recorded(request, context):
        asked = enter(state, None, None, "grpc")
        if asked is None:
            return await behaviour(request, context)
        answer = raised = None
        try:
            answer = await behaviour(request, context)
            return answer
        except BaseException as error:
            raised = type(error)
            raise
        finally:
            leave(state, asked, partial(_told, method, context, raised, _size(answer)))

    return recorded


def _streaming(state, method, behaviour):
    async def recorded(request, context):
        asked = enter(state, None, None, "grpc")
        size, raised = 0, None
        answers = behaviour(request, context)
        try:
            async for answer in answers:
                if asked is not None:
                    size += _size(answer) or 0
                yield answer
        except BaseException as error:
            raised = type(error)
            raise
        finally:
            if asked is not None:
                leave(state, asked, partial(_told, method, context, raised, size))
            await answers.aclose()

    return recorded


def _calling(state, method, behaviour):
    """A function that is no coroutine, and is called in a thread."""

    def recorded(request, context):
        asked = wsgi.enter(state, id(context), None)
        if asked is None:
            return behaviour(request, context)
        answer, status = None, UNKNOWN
        try:
            answer = behaviour(request, context)
            status = http_status(None)
            return answer
        finally:
            asked.status, asked.template = status, method
            wsgi.leave(state, id(context), asked, METHOD, method, _coded(_size(answer)))

    return recorded


def _told(method, context, raised, size):
    """What ``leave`` wants to know. ``raised``: the type of the exception that ended the call."""
    code = context.code()
    cancelled = raised is not None and raised.__name__ in ("CancelledError", "GeneratorExit")
    status = CANCELLED if cancelled else UNKNOWN if raised is not None and code is None else http_status(code)
    return (METHOD, method, method, status), _coded(size), None


def _coded(size):
    return 0 if size is None else 1 + size


def _size(answer):
    """Bytes of a message; None if they are not at hand."""
    try:
        return len(answer) if isinstance(answer, bytes) else type(answer).ByteSize(answer)  # protobuf's
    except Exception:
        return None
