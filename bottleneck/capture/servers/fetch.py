"""Fetches pages of metrics over HTTP: at most so long, at most so large, and no further than the host asked."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import unquote, urljoin, urlsplit, urlunsplit

import urllib3
from urllib3 import exceptions

from ...addresses import public, without_credentials

MAX_BYTES = 32 << 20  # of a page
_MAX_REDIRECTS = 3
_PIECE = 1 << 16
#: OpenMetrics is not asked for: then Python's client, so vLLM and SGLang, writes underscores for the colons of names.
_ACCEPT = "text/plain;version=0.0.4,*/*;q=0.1"
_SCHEME = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*://")


class NoPage(Exception):
    """There is no page: the message says why, as the end of a sentence that begins with the address."""


@dataclass(frozen=True)
class Page:
    """What one address answered: its text, or why there is none."""

    text: str = ""
    problem: str = ""


Fetch = Callable[[str], str]


def address(url: str) -> str:
    """The full address of what the user typed: "host:8000" is ``http://host:8000/metrics``. Raises NoPage."""
    text = url.strip()
    parts = urlsplit(text if _SCHEME.match(text) else f"http://{text}")
    try:
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise NoPage(f"is not an address: {error}") from None
    if parts.scheme not in ("http", "https") or not host or re.search(r"[\s\x00-\x1f]", text):
        raise NoPage("is not an address such as http://host:port/metrics")
    path = parts.path if parts.path.strip("/") else "/metrics"
    return urlunsplit((parts.scheme, parts.netloc, path, parts.query, ""))


class Http:
    """Keeps a connection to each server. ``headers``: sent to the hosts that were asked for, never to another one."""

    def __init__(self, seconds: float, headers: Mapping[str, str] | None = None) -> None:
        self._seconds = seconds
        self._headers = {"Accept": _ACCEPT, "User-Agent": "bottleneck-watch", **(headers or {})}
        self._pools = urllib3.PoolManager(num_pools=64, maxsize=2, retries=False)

    def __call__(self, url: str) -> str:
        """The page at ``url``. Raises NoPage."""
        end = time.monotonic() + self._seconds
        try:
            return self._fetch(url, end)
        except exceptions.HTTPError as error:
            raise NoPage(_why(error, self._seconds)) from None
        except (OSError, ValueError) as error:
            raise NoPage(f"cannot be read: {error}") from None

    def _fetch(self, url: str, end: float) -> str:
        at = url
        for _ in range(_MAX_REDIRECTS + 1):
            timeout = urllib3.Timeout(total=max(0.01, end - time.monotonic()))
            headers = {**self._headers, **_credentials(at)}
            response = self._pools.request(
                "GET", without_credentials(at), headers=headers, timeout=timeout, redirect=False, preload_content=False
            )
            to = response.get_redirect_location()
            if not to:
                return self._text(response, end)
            response.drain_conn()
            response.release_conn()
            before, at = at, urljoin(at, to)
            if urlsplit(at).hostname != urlsplit(before).hostname:
                raise NoPage(f"redirects to another host, {public(at)}, which was not asked for")
            if urlsplit(at).scheme not in ("http", "https"):
                raise NoPage("redirects to something that is not a web page")
        raise NoPage(f"redirects more than {_MAX_REDIRECTS} times")

    def _text(self, response: urllib3.BaseHTTPResponse, end: float) -> str:
        if response.status != 200:
            response.close()
            raise NoPage(f"answers HTTP {response.status}")
        held = bytearray()
        try:
            while True:
                piece = response.read1(_PIECE)
                if not piece:
                    break
                held += piece
                if len(held) > MAX_BYTES:
                    raise NoPage(f"is larger than {MAX_BYTES >> 20} MiB, and no page of metrics")
                if time.monotonic() > end:
                    raise NoPage(_late(self._seconds))
        except BaseException:
            response.close()
            raise
        response.release_conn()
        return held.decode("utf-8", "replace")


def _credentials(url: str) -> dict[str, str]:
    parts = urlsplit(url)
    if not parts.username and not parts.password:
        return {}
    pair = f"{unquote(parts.username or '')}:{unquote(parts.password or '')}"
    return dict(urllib3.make_headers(basic_auth=pair))


def _why(error: exceptions.HTTPError, seconds: float) -> str:
    """The reason in words, without the addresses of objects that urllib3's own messages hold."""
    if isinstance(error, exceptions.SSLError):
        return f"has a TLS problem: {_inner(error)}"
    if isinstance(error, exceptions.NameResolutionError):
        return "is on no host that is known"
    if isinstance(error, exceptions.NewConnectionError):
        return f"cannot be reached: {_inner(error)}"
    if isinstance(error, exceptions.TimeoutError):
        return _late(seconds)
    return f"gives no page: {_inner(error)}"


def _late(seconds: float) -> str:
    return f"gave no whole page in {seconds:g} s"


def _inner(error: BaseException) -> str:
    """The last part of a message such as "<object>: Failed to ...: [Errno 111] Connection refused"."""
    text = str(error.args[-1] if error.args else error).replace("\n", " ")
    found = re.search(r"(?:\[Errno -?\d+\]|\[SSL[^\]]*\])\s*([^'\"\\)]+)", text)
    return (found[1] if found else text).strip()[:200]


@dataclass
class Fetcher:
    """Asks all addresses at once, and waits for none longer than ``seconds``.

    One that does not answer is asked again only when the answer to the last question is there.
    """

    fetch: Fetch
    seconds: float
    _busy: dict[str, threading.Thread] = field(default_factory=dict)
    _pages: dict[str, Page] = field(default_factory=dict)

    def __call__(self, urls: Sequence[str]) -> dict[str, Page]:
        """Address -> its page, or why there is none."""
        end = time.monotonic() + self.seconds + 0.5  # who asks ends first, and says why
        for url in urls:
            if url in self._busy and self._busy[url].is_alive():
                continue
            self._pages.pop(url, None)
            self._busy[url] = threading.Thread(target=self._ask, args=(url,), daemon=True)
            self._busy[url].start()
        for url in urls:
            self._busy[url].join(max(0.0, end - time.monotonic()))
        late = Page(problem=_late(self.seconds))
        return {url: late if self._busy[url].is_alive() else self._pages.pop(url, late) for url in urls}

    def _ask(self, url: str) -> None:
        try:
            self._pages[url] = Page(self.fetch(url))
        except NoPage as problem:
            self._pages[url] = Page(problem=str(problem))
        except Exception as error:
            self._pages[url] = Page(problem=f"cannot be read: {type(error).__name__}: {error}")
