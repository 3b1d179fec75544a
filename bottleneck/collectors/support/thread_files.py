"""What the kernel tells about one thread in /proc."""

import os


class ThreadFiles:
    """The files of the thread ``native_id`` of this process."""

    def __init__(self, native_id):
        self._native = native_id
        self._files = {}

    def read(self, name):
        """The main thread's file ``name`` in /proc; kept open, since opening costs ten times as much as reading."""
        kept = self._files.get(name)
        if kept is not None:
            descriptor, identity = kept
            try:
                # A program may close every descriptor it does not know, and get the same number for its own file.
                status = os.fstat(descriptor)
                if (status.st_dev, status.st_ino) == identity:
                    return os.pread(descriptor, 512, 0)
            except OSError:
                pass
        descriptor = os.open(f"/proc/self/task/{self._native}/{name}", os.O_RDONLY | os.O_CLOEXEC)
        status = os.fstat(descriptor)
        self._files[name] = descriptor, (status.st_dev, status.st_ino)
        return os.pread(descriptor, 512, 0)

    def run_delay(self):
        """Nanoseconds the thread has been ready and without a core; 0 where the kernel does not count them."""
        try:
            return int(self.read("schedstat").split()[1])
        except (OSError, IndexError, ValueError):
            return 0

    def asleep(self):
        """Whether the thread sleeps in the kernel, rather than running or waiting for a core."""
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
