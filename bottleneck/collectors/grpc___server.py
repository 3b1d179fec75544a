"""``grpc._server``: calls of gRPC's servers with threads, with the time that each waits for a thread.

``import grpc`` does not import the module; making a server does. A call is known by the library's own state of it, on
which we leave what we know.
"""

from ..agent.recorder import now
from .support.hooking import hook
from .support.likeness import LEAST_NS, Likeness
from .support.rpc import CANCELLED, METHOD, http_status, is_request, tell_port
from .support.server import ServerCollector
from .support.wsgi import enter, leave

_KEY = "_bottleneck_call"
_MOST_MS = 0xFFFE


class _Call:
    """A call, from when the server has it."""

    __slots__ = ("arrived", "begun", "code", "headers", "like", "method", "size")

    def __init__(self, state, method, headers):
        self.method, self.headers = method, headers
        self.like = Likeness(state.key)
        self.size, self.code, self.begun = 0, None, False
        self.arrived = now()  # once a thread has begun with it, that is the time from which its answer is waited for

    def hear(self, deserializer):
        """``deserializer``, with the bytes that it gets taken in."""

        def heard(message):
            try:
                self.like.ask(message)
            except Exception:
                self.like.drop()
            return message if deserializer is None else deserializer(message)

        return heard

    def answer(self, message):
        self.size += len(message)
        if not self.begun:
            self.begun = True
            if now() - self.arrived < LEAST_NS:
                self.like.drop()
            else:
                headers = [(str(name).lower().encode("ascii", "replace"), b"") for name, _ in self.headers or ()]
                self.like.begin({"path": self.method, "headers": headers}, {"status": 200})
        self.like.answer(message)


class Collector(ServerCollector):
    id = "grpc"
    module = "grpc._server"

    def hook_server(self, module):
        for name in ("_unary_response_in_pool", "_stream_response_in_pool"):
            hook(self, module, name, self._running)
        hook(self, module, "_handle_with_method_handler", self._accepting)
        hook(self, module, "_receive_message", self._receiving)
        hook(self, module, "_serialize_response", self._serializing)
        hook(self, module, "_abort", self._aborting)
        for name in ("_add_insecure_port", "_add_secure_port"):
            hook(self, module, name, self._listening)

    def _accepting(self, original):
        state = self.state

        def _handle_with_method_handler(event, rpc, handler, *more):
            try:
                method = event.call_details.method or event.tag
                method = method.decode("utf-8", "replace") if isinstance(method, bytes) else method
                if state.on and is_request(method, handler):
                    rpc.__dict__[_KEY] = _Call(state, method, event.invocation_metadata)
            except BaseException as error:
                state.off("accept", error)
            return original(event, rpc, handler, *more)

        return _handle_with_method_handler

    def _running(self, original):
        state = self.state

        def in_pool(event, rpc, *more):
            call = rpc.__dict__.get(_KEY)
            request = None if call is None else enter(state, id(rpc), None)
            if request is None:
                return original(event, rpc, *more)
            request.queue = min((request.t0 - call.arrived) // 1_000_000, _MOST_MS) + 1
            request.template = call.method
            call.arrived = request.t0
            try:
                return original(event, rpc, *more)
            finally:
                request.status = _status(rpc, call)
                size = 1 + call.size if request.status else 0
                leave(state, id(rpc), request, METHOD, call.method, size, call.like if request.status == 200 else None)

        return in_pool

    def _receiving(self, original):
        def _receive_message(rpc, where, deserializer):
            call = rpc.__dict__.get(_KEY)
            return original(rpc, where, deserializer if call is None else call.hear(deserializer))

        return _receive_message

    def _serializing(self, original):
        state = self.state

        def _serialize_response(event, rpc, *more):
            made = original(event, rpc, *more)
            call = rpc.__dict__.get(_KEY)
            if call is not None and made is not None:
                state.guard(lambda: call.answer(made), "answer")
            return made

        return _serialize_response

    def _aborting(self, original):
        def _abort(rpc, where, code, *more):
            call = rpc.__dict__.get(_KEY)
            if call is not None:
                call.code = code
            return original(rpc, where, code, *more)

        return _abort

    def _listening(self, original):
        state = self.state

        def _add_port(server, asked, *more):
            port = original(server, asked, *more)
            state.guard(lambda: tell_port(state, asked, port), "address")
            return port

        return _add_port


def _status(rpc, call):
    """The status of a call's answer; 0 if it has none."""
    if getattr(rpc, "client", None) == "cancelled":
        return CANCELLED
    if not getattr(rpc, "statused", False):
        return 0
    code = getattr(rpc, "code", None)
    return http_status(call.code if code is None else code)
