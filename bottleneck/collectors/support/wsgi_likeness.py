"""Which requests of WSGI applications are the same: what these read of a request, and what they answer."""

from ...agent.recorder import now
from ...agent.unpatched import get_ident
from .likeness import LEAST_NS, Likeness

#: Of those by which an answer is that of one user.
_PERSONAL = (
    ("HTTP_COOKIE", b"cookie"),
    ("HTTP_AUTHORIZATION", b"authorization"),
    ("HTTP_PROXY_AUTHORIZATION", b"proxy-authorization"),
)
_NO_BODY = ("", "0")
#: Ways around the body: what is read so is not seen.
_AROUND = frozenset(("detach", "fileno", "getbuffer", "getvalue", "peek", "raw", "read1", "readinto1"))


class _Body:
    """``wsgi.input`` as the server made it, with what the application reads of it taken in. Reads nothing itself."""

    def __init__(self, body, like):
        self._body = body
        self._like = like

    @property  # type: ignore[misc]
    def __class__(self):
        return type(self._body)

    def read(self, *args, **named):
        return self._taken(self._body.read(*args, **named))

    def readline(self, *args, **named):
        return self._taken(self._body.readline(*args, **named))

    def readlines(self, *args, **named):
        return [self._taken(line) for line in self._body.readlines(*args, **named)]

    def __iter__(self):
        for line in self._body:
            yield self._taken(line)

    def __next__(self):
        return self._taken(next(self._body))

    def __getattr__(self, name):
        found = getattr(self._body, name)
        if name == "readinto":  # werkzeug asks whether a body has it

            def readinto(buffer):
                count = found(buffer)
                self._taken(memoryview(buffer)[:count] if count else b"")
                return count

            return readinto
        if name in _AROUND:
            self._like.drop()
        return found

    def _taken(self, part):
        try:
            self._like.ask(bytes(part))
        except Exception:  # no bytes: leave it to the application
            self._like.drop()
        return part


def asks(state, request, environ):
    """The environment of a request has been made."""
    request.environ = environ
    if environ.get("CONTENT_LENGTH", "0") not in _NO_BODY or "HTTP_TRANSFER_ENCODING" in environ:
        request.like = Likeness(state.key)
        environ["wsgi.input"] = _Body(environ["wsgi.input"], request.like)


def answers(state, request, headers=(), exc_info=None):
    """The answer begins, with these headers."""
    if now() - request.t0 < LEAST_NS:  # most requests: nothing more is to be done for them
        request.like = None
    else:
        _begins(state, request, [(name.encode("latin-1", "replace"), b"") for name, _ in headers])


def answers_with_head(state, request, head):
    """The answer begins, with these headers as they are sent."""
    if now() - request.t0 < LEAST_NS:
        request.like = None
    else:
        lines = bytes(head).split(b"\r\n")[1:]
        _begins(state, request, [(line.partition(b":")[0], b"") for line in lines])


def _begins(state, request, headers):
    environ = request.environ
    if request.like is None:
        request.like = Likeness(state.key)
    path = (environ.get("SCRIPT_NAME") or "") + (environ.get("PATH_INFO") or "")
    query = (environ.get("QUERY_STRING") or "").encode("latin-1", "replace")
    asked = [(name, b"") for key, name in _PERSONAL if key in environ]
    scope = {"path": path, "query_string": query, "headers": asked}
    request.like.begin(scope, {"status": request.status, "headers": headers})


def sending(state, original):
    """``original(owner, part)``, which sends a part of an answer, with the part taken in.

    The part is of the thread's request if ``owner`` is its ``sender``.
    """

    def send(owner, part):
        request = state.threads.get(get_ident())
        if request is None or request.like is None or request.sender is not owner:
            return original(owner, part)
        try:
            sent = original(owner, part)
        except BaseException:
            request.like = None  # the answer is not whole
            raise
        try:
            request.like.answer(part)
        except BaseException as error:
            state.off("write", error)
        return sent

    return send
