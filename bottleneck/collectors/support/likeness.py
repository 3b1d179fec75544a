"""Which requests are the same, and whether their answers are: keyed hashes, of which nothing can be read.

Of a request that is what was asked for and what the application read of its body; what it left unread cannot matter.

The key is made in each process and never leaves it. Requests whose answers come fast are left out, as nobody needs a
cache for them, and so are most of the large ones; which of them are kept follows from what they contain, so that all of
several equal ones are kept.
"""

import zlib
from hashlib import blake2b

LEAST_NS = 2_000_000  # until the answer begins
LARGE_BYTES = 4096  # request and answer; one in so many of those beyond is kept:
ONE_IN = 16
_TAIL_BYTES = 512  # of a request's first part: files of one kind begin alike
WITH_BODY = frozenset(("POST", "PUT", "PATCH", "QUERY"))
_PERSONAL = frozenset((b"cookie", b"authorization", b"proxy-authorization"))
_PERSONAL_ANSWER = frozenset((b"set-cookie", b"www-authenticate"))


class Likeness:
    """Of one request and its answer."""

    __slots__ = ("_answer", "_key", "_number", "_parts", "_personal", "_size", "_sum")

    def __init__(self, key):
        self._key = key
        self._parts = []
        self._sum = self._answer = None  # of the request, once it is large; of the answer, once it begins
        self._size = self._number = self._personal = 0

    def drop(self):
        """Keep nothing, and look at nothing more."""
        self._key = self._answer = self._sum = None
        self._parts = []

    def ask(self, part):
        """Take in a part of the request's body."""
        if self._key is None or not part:
            return
        if self._answer is not None:  # the answer has begun, and what it was asked is settled
            self.drop()
            return
        self._size += len(part)
        if self._sum is not None:
            self._sum.update(part)
            return
        self._parts.append(part)
        if self._size > LARGE_BYTES:
            if zlib.crc32(part[-_TAIL_BYTES:]) % ONE_IN:
                self.drop()
            else:
                self._sum = self._hash(self._parts)
                self._parts = []

    def begin(self, scope, message):
        """The answer begins."""
        if self._key is None or message["status"] != 200:
            self.drop()
            return
        asked = self._sum or self._hash(self._parts)
        asked.update(b"%s?%s" % (scope["path"].encode("utf-8", "replace"), scope.get("query_string", b"")))
        self._number = int.from_bytes(asked.digest(), "big")
        self._personal = any(name in _PERSONAL for name, _ in scope["headers"]) or any(
            bytes(name).lower() in _PERSONAL_ANSWER for name, _ in message.get("headers", ())
        )
        self._parts = []
        self._answer = self._hash(())

    def answer(self, part):
        """Take in a part of the answer's body."""
        if self._answer is not None:
            self._size += len(part)
            if self._size > LARGE_BYTES and self._sum is None and self._number % ONE_IN:
                self.drop()
            else:
                self._answer.update(part)

    def found(self):
        """(flags, argument) of the record; None if nothing was kept."""
        if self._answer is None:
            return None
        return int(self._personal), self._number << 32 | int.from_bytes(self._answer.digest(), "big")

    def _hash(self, parts):
        made = blake2b(key=self._key, digest_size=4)
        for part in parts:
            made.update(part)
        return made
