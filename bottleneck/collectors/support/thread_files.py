"""Reads the /proc files of one thread."""

import os

from ...agent.descriptors import open_high


class ThreadFiles:
    """The /proc files of the thread ``native_id`` of this process."""

    def __init__(self, native_id):
        self._native = native_id
        self._files = {}

    def read(self, name):
        """Read the thread's file ``name``. It stays open, since opening costs ten times as much as reading."""
        kept = self._files.get(name)
        if kept is not None:
            descriptor, identity = kept
            try:
                # A program may close all descriptors that it does not know and reuse the number for its own file.
                status = os.fstat(descriptor)
                if (status.st_dev, status.st_ino) == identity:
                    return os.pread(descriptor, 512, 0)
            except OSError:
                pass
        descriptor = open_high(f"/proc/self/task/{self._native}/{name}", os.O_RDONLY)
        status = os.fstat(descriptor)
        self._files[name] = descriptor, (status.st_dev, status.st_ino)
        return os.pread(descriptor, 512, 0)

    def run_delay(self):
        """Nanoseconds that the thread was runnable but had no core; 0 if the kernel does not count them."""
        try:
            return int(self.read("schedstat").split()[1])
        except (OSError, IndexError, ValueError):
            return 0

    def asleep(self):
        """Whether the thread sleeps in the kernel instead of running or waiting for a core."""
        return self.read("stat").rpartition(b") ")[2][:1] in (b"S", b"D")

    def close(self):
        files, self._files = self._files, {}
        for descriptor, identity in files.values():
            try:
                status = os.fstat(descriptor)
                if (status.st_dev, status.st_ino) == identity:
                    os.close(descriptor)
            except OSError:
                pass
