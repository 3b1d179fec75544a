"""Pages of Prometheus metrics that were saved: what a server has counted since its start, and its gauges."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..recording.facts import Fact
from ..recording.facts.servers import WatchedServer
from ..recording.folder import RunError
from ..recording.model import Recording, Table
from ..recording.servers.page import NotAPage, Page
from ..recording.servers.readings import Readings
from ..recording.servers.signals import COLUMNS
from ._load_tests import content, files_in, recognised, recording
from ._reading import ONE_BY_ONE, Reading

name = "Prometheus page"


def _knows(start: bytes, path: Path) -> bool:
    text = start.decode("utf-8", "replace")
    if text.lstrip()[:1] in ("<", "{", "["):
        return False
    try:
        names = Page(text).names
    except NotAPage:
        return False
    return "# TYPE " in text or "# HELP " in text or any("_" in each or ":" in each for each in names)


def recognises(path: Path) -> bool:
    """Whether ``path`` is a page of metrics, or a folder with one."""
    return recognised(path, _knows)


def read(path: Path) -> Recording:
    """The recording of one page. Raises RunError."""
    return read_many([path])


def read_many(paths: Sequence[Path], how: Reading = ONE_BY_ONE) -> Recording:
    """The same for the pages of several servers. Raises RunError."""
    facts, rows, notes = list[Fact](), list[dict[str, float]](), list[str]()
    problem = RunError(f"{paths[0]} holds no page of metrics")
    for file in (file for path in paths for file in files_in(path, _knows)):
        readings = Readings(whole=True)
        try:
            found = readings.read(content(file).decode("utf-8", "replace"))
        except NotAPage as error:
            problem = RunError(f"{file} cannot be used: {error}")
            notes.append(f"{problem}.")
            continue
        if readings.unreadable:
            notes.append(f"{file.name}: {readings.unreadable} lines could not be read and are left out.")
        for row in found:
            facts.append(WatchedServer(len(facts), file.name, row.server, row.model))
            rows.append({"server": len(facts) - 1, **row.values})
    if not rows:
        raise problem
    table: Table = {"time_ns": np.zeros(len(rows), "i8"), "server": np.array([row["server"] for row in rows], "i8")}
    for column in COLUMNS:
        if any(column in row for row in rows):
            table[column] = np.array([row.get(column, np.nan) for row in rows], float)
    return recording(paths[0], name, [], notes, facts, table)
