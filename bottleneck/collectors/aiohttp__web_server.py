"""``aiohttp.web_server``: requests of aiohttp's servers, by the pattern of their route.

aiohttp's client does not import the module. A websocket is a connection and no request.
"""

from functools import partial

from .support.coroutines import enter, leave, likeness
from .support.hooking import hook
from .support.server import ServerCollector


class Collector(ServerCollector):
    id = "aiohttp"
    module = "aiohttp.web_server"

    def hook_server(self, module):
        state = self.state

        def handling(original):
            async def _handle_request(protocol, request, *more, **named):
                if not state.on or _upgrades(request):
                    return await original(protocol, request, *more, **named)
                sock, where = _ends(protocol)
                asked = enter(state, sock, where, self.id)
                if asked is None:
                    return await original(protocol, request, *more, **named)
                answer = None
                try:
                    answer = await original(protocol, request, *more, **named)
                    return answer
                finally:
                    leave(state, asked, partial(_told, state, request, answer))

            return _handle_request

        def ending(original):
            async def shutdown(*args, **named):
                try:
                    return await original(*args, **named)
                finally:
                    state.guard(state.end, "shutdown")

            return shutdown

        hook(self, module.RequestHandler, "_handle_request", handling, by_name=False)
        hook(self, module.Server, "shutdown", ending)


def _upgrades(request):
    return getattr(getattr(request, "_message", None), "upgrade", False) is True


def _ends(protocol):
    """(the connection's socket, the server's address); None where they are not where we know them."""
    try:
        asks = protocol.transport.get_extra_info
        return asks("socket"), asks("sockname")
    except Exception:
        return None, None


def _told(state, request, answer):
    """What ``leave`` wants to know. ``answer``: what aiohttp's handling returned; None if it raised."""
    response = answer[0] if isinstance(answer, tuple) else None
    status, size, alike = 0, 0, None
    if response is not None and getattr(response, "prepared", False):
        status = int(response.status)
        length = response.content_length
        size = 1 + (response.body_length if length is None else length)
        alike = partial(_alike, state, request, response)
    route = getattr(getattr(request, "_match_info", None), "route", None)  # an attribute of applications' requests
    template = getattr(getattr(route, "resource", None), "canonical", None)
    return (request.method, request.path, template, status), size, alike


def _alike(state, request, response):
    body = getattr(request, "_read_bytes", None)  # once the handler has read it as a whole
    if body is None and not request.body_exists:
        body = b""
    return likeness(
        state,
        request.path,
        request.query_string,
        request.raw_headers,
        body,
        response.status,
        response.headers.items(),
        getattr(response, "_body", None),
    )
