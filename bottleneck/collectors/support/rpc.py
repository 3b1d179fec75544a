"""What the collectors of gRPC's two servers have in common: the names of calls, and their status."""

from .served import address

METHOD = "gRPC"  # in the place of HTTP's method
_LASTING = "/grpc.health.v1.Health/Watch"  # it lasts as long as its client
#: The status of HTTP for each code of gRPC, from google/rpc/code.proto.
_STATUS = (200, 499, 500, 400, 504, 404, 409, 403, 429, 400, 409, 400, 501, 500, 503, 500, 401)
UNKNOWN, CANCELLED = _STATUS[2], _STATUS[1]


def http_status(code):
    """``code``: a ``grpc.StatusCode``, its number, or None, which stands for OK; 500 for anything else."""
    if code is None:
        return _STATUS[0]
    number = getattr(code, "value", code)
    number = number[0] if isinstance(number, tuple) else number
    return _STATUS[number] if isinstance(number, int) and 0 <= number < len(_STATUS) else UNKNOWN


def is_request(method, handler):
    """Whether calls of a method are requests. Those that stream both ways are connections, as websockets are."""
    return method != _LASTING and not (handler.request_streaming and handler.response_streaming)


def tell_port(state, asked, port):
    """Note where a server listens. ``asked``: the address that the program asked for; ``port``: what it got."""
    asked = asked.decode("utf-8", "replace") if isinstance(asked, bytes) else asked
    if not state.addressed and port:
        state.tell_address(address(asked if asked.startswith("unix") else (None, port)), "grpc")
