"""What is sent: method, headers and bodies. The same seed gives the same bodies in the same order."""

from __future__ import annotations

import json
import random
import re
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from . import LoadError

_MAX_BYTES = 256 << 20
_FIELD = re.compile(r"\{\{ *(index|uuid|random) *\}\}")


@dataclass(frozen=True)
class Requests:
    """``bodies``: sent in turn; none: requests without a body. ``template``: fields in the bodies are filled in."""

    method: str = "GET"
    headers: tuple[tuple[str, str], ...] = ()
    bodies: tuple[bytes, ...] = ()
    template: bool = False
    seed: int = 0

    def maker(self) -> Callable[[int], bytes | None]:
        """The body of request number n."""
        bodies = self.bodies
        if not bodies:
            return lambda number: None
        if not self.template:
            return lambda number: bodies[number % len(bodies)]
        return lambda number: _filled(bodies[number % len(bodies)].decode(), number, self.seed)


def _filled(text: str, number: int, seed: int) -> bytes:
    chance = random.Random(seed << 32 ^ number)
    values = {
        "index": lambda: str(number),
        "uuid": lambda: str(uuid.UUID(int=chance.getrandbits(128), version=4)),
        "random": lambda: str(chance.randrange(10**9)),
    }
    return _FIELD.sub(lambda found: values[found[1]](), text).encode()


def requests(
    method: str | None,
    headers: Sequence[str],
    body: str | None = None,
    body_file: Path | None = None,
    template: Path | None = None,
    body_list: Path | None = None,
    seed: int = 0,
) -> Requests:
    """Raises LoadError for a header without a colon, for a file that cannot be used, and for several sources."""
    given = [each for each in (body, body_file, template, body_list) if each is not None]
    if len(given) > 1:
        raise LoadError("give one of --body, --body-file, --template and --body-list")
    bodies: tuple[bytes, ...] = ()
    if body is not None:
        bodies = (body.encode(),)
    elif body_file is not None:
        bodies = (_read(body_file),)
    elif template is not None:
        bodies = (_text(template).encode(),)
    elif body_list is not None:
        bodies = _listed(body_list)
    pairs = [_pair(header) for header in headers]
    if bodies and not any(name.lower() == "content-type" for name, _ in pairs) and _is_json(bodies[0]):
        pairs.append(("Content-Type", "application/json"))
    return Requests((method or ("POST" if bodies else "GET")).upper(), tuple(pairs), bodies, template is not None, seed)


def _pair(header: str) -> tuple[str, str]:
    name, colon, value = header.partition(":")
    if not colon or not name.strip() or any(sign in header for sign in "\r\n\0"):
        raise LoadError(f"{header.splitlines()[0] if header else header!r} is not a header: write 'Name: value'")
    return name.strip(), value.strip()


def _read(path: Path) -> bytes:
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise LoadError(f"{path} is larger than {_MAX_BYTES >> 20} MiB")
        return path.read_bytes()
    except OSError as error:
        raise LoadError(f"cannot read {path}: {error.strerror}") from None


def _text(path: Path) -> str:
    try:
        return _read(path).decode()
    except UnicodeDecodeError:
        raise LoadError(f"{path} is not UTF-8 text") from None


def _listed(path: Path) -> tuple[bytes, ...]:
    """The elements of a JSON array, or else the lines of a file that are not empty."""
    text = _text(path)
    try:
        values = json.loads(text)
    except ValueError:
        values = None
    if isinstance(values, list):
        bodies = tuple((each if isinstance(each, str) else json.dumps(each)).encode() for each in values)
    else:
        bodies = tuple(line.strip().encode() for line in text.splitlines() if line.strip())
    if not bodies:
        raise LoadError(f"{path} has no bodies")
    return bodies


def _is_json(body: bytes) -> bool:
    try:
        json.loads(_FIELD.sub("0", body.decode()))
    except ValueError:
        return False
    return True
