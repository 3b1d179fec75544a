"""Sends requests to a server at planned times, and measures when the responses come.

``schedule`` plans the times, ``requests`` the requests, ``target`` checks the address; ``worker`` is a process that
sends (aiohttp), ``fleet`` starts several of them; ``summary`` turns samples into figures, ``knee`` searches the highest
rate that meets an objective, ``versus`` compares two servers, ``store`` keeps everything. ``recorded`` runs the server
under `bottleneck run`, and ``behind`` finds in its recording what sets the capacity.
"""

from __future__ import annotations

import importlib.util
import sys


class LoadError(Exception):
    """Why there is no load test; the message is one line for the user."""


def need_aiohttp() -> None:
    """Raises LoadError with the command that installs aiohttp, if it is missing."""
    if sys.platform == "win32":
        raise LoadError("load needs Linux or macOS")
    if importlib.util.find_spec("aiohttp") is None:
        raise LoadError("load needs aiohttp; install it with: pip install 'bottleneck-profiler[load]'")
