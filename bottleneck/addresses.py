"""Addresses as they may be shown and recorded: without what may be a secret."""

from __future__ import annotations

from urllib.parse import urlsplit, urlunsplit


def public(url: str) -> str:
    """The address without user, password, query and fragment; "the address" if it names no host."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return "the address"
    if not host:
        return "the address"
    place = f"[{host}]" if ":" in host else host
    return urlunsplit((parts.scheme, f"{place}:{port}" if port else place, parts.path, "", ""))


def without_credentials(url: str) -> str:
    """The address without user and password, but otherwise as it is. Raises ValueError if it is none."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2])) if "@" in parts.netloc else url
