"""Computed artifacts: each is a class with ``compute(...)`` whose parameters name the artifacts it needs.

``Artifacts`` resolves and caches them. Everything here is pure: a recording goes in, numbers come out.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, TypeVar, get_type_hints

from ..recording.model import Recording

T = TypeVar("T")


class Missing(Exception):
    """A signal this artifact needs was not recorded, or not enough of it. The text says which, as a whole sentence."""


class Absent(Missing):
    """The program does nothing of the kind this artifact describes, so there is nothing to judge. The text says so."""


class Artifacts:
    """The artifacts of one recording, each computed on first use and cached; failures are cached too."""

    def __init__(self, recording: Recording) -> None:
        self._values: dict[type, Any] = {Recording: recording}

    def get(self, kind: type[T]) -> T:
        """The artifact of class ``kind``. Raises Missing when a signal it needs is absent."""
        if kind not in self._values:
            try:
                self._values[kind] = self.call(kind.compute)  # type: ignore[attr-defined]
            except Missing as missing:
                self._values[kind] = missing
        value = self._values[kind]
        if isinstance(value, Missing):
            raise value
        return value  # type: ignore[no-any-return]

    def find(self, kind: type[T]) -> T | None:
        """The same; None when a signal it needs is absent."""
        try:
            return self.get(kind)
        except Missing:
            return None

    def put(self, value: object) -> None:
        """Provide a value, such as ``Settings``, under its class."""
        self._values[type(value)] = value

    def call(self, function: Callable[..., T]) -> T:
        """Call ``function`` with the artifacts its annotations name; one annotated ``T | None`` may be missing."""
        hints = get_type_hints(function)
        arguments: dict[str, Any] = {}
        for name in inspect.signature(function).parameters:
            if name in ("self", "cls"):
                continue
            hint = hints[name]
            wanted = [a for a in getattr(hint, "__args__", ()) if a is not type(None)]
            try:
                arguments[name] = self.get(wanted[0] if wanted else hint)
            except Missing:
                if not wanted:
                    raise
                arguments[name] = None
        return function(**arguments)
