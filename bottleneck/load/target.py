"""The address that is loaded: checked once, before anything is sent, and never left afterwards."""

from __future__ import annotations

import ipaddress
import socket
from dataclasses import dataclass
from urllib.parse import urlsplit

from . import LoadError

_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True)
class Target:
    """``addresses``: what the host resolved to; requests go only there."""

    url: str
    scheme: str
    host: str
    port: int
    addresses: tuple[str, ...]

    @property
    def origin(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"


def target(url: str, allow_remote: bool = False) -> Target:
    """Raises LoadError for what is no http(s) address, for an unknown host, and for another machine unless allowed."""
    if "://" not in url:
        url = f"http://{url}"
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise LoadError(f"{url} is not a URL: {error}") from None
    if parts.scheme not in _PORTS or not host:
        raise LoadError(f"{url} is not an http:// or https:// address")
    if parts.username or parts.password:
        raise LoadError("credentials in the URL would be recorded; send them with --header")
    port = port or _PORTS[parts.scheme]
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "not a valid name"
        raise LoadError(f"cannot find the host {host}: {why}") from None
    addresses = tuple(dict.fromkeys(str(each[4][0]) for each in found))
    away = [each for each in addresses if not ipaddress.ip_address(each.partition("%")[0]).is_loopback]
    if away and not allow_remote:
        raise LoadError(f"{host} ({away[0]}) is another machine; --allow-remote permits a load test of it")
    return Target(parts._replace(fragment="").geturl(), parts.scheme, host, port, addresses)
