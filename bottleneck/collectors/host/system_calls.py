"""What a system call waits for, by its number, on the machines that Python programs mostly run on."""

from __future__ import annotations

import os

DESCRIPTOR = "descriptor"  # what its first argument refers to: a file, a socket, a pipe
POLL, SELECT, EPOLL = "poll", "select", "epoll"  # one of several descriptors
FUTEX, SLEEP, FILE, EVENTS = "futex", "sleep", "file", "events"
CHILD_FIRST, CHILD_SECOND = "child", "child second"  # the argument that names the child

#: Kind -> name -> (number on x86-64, number on arm64); -1 where the machine has no such call.
_CALLS: dict[str, dict[str, tuple[int, int]]] = {
    DESCRIPTOR: {
        "read": (0, 63), "write": (1, 64), "readv": (19, 65), "writev": (20, 66), "pread64": (17, 67),
        "pwrite64": (18, 68), "preadv": (295, 69), "pwritev": (296, 70), "preadv2": (327, 286),
        "pwritev2": (328, 287), "recvfrom": (45, 207), "recvmsg": (47, 212), "recvmmsg": (299, 243),
        "sendto": (44, 206), "sendmsg": (46, 211), "sendmmsg": (307, 269), "accept": (43, 202),
        "accept4": (288, 242), "connect": (42, 203), "fsync": (74, 82), "fdatasync": (75, 83), "ioctl": (16, 29),
        "flock": (73, 32), "fcntl": (72, 25), "sendfile": (40, 71), "copy_file_range": (326, 285),
        "splice": (275, 76), "getdents64": (217, 61), "ftruncate": (77, 46), "close": (3, 57), "fstat": (5, 80),
        "fallocate": (285, 47), "sync_file_range": (277, 84),
    },
    POLL: {"poll": (7, -1), "ppoll": (271, 73)},
    SELECT: {"select": (23, -1), "pselect6": (270, 72)},
    EPOLL: {"epoll_wait": (232, -1), "epoll_pwait": (281, 22), "epoll_pwait2": (441, 441)},
    EVENTS: {"io_uring_enter": (426, 426), "io_getevents": (208, 4), "rt_sigtimedwait": (128, 137)},
    FUTEX: {"futex": (202, 98), "futex_waitv": (449, 449), "semop": (65, 193), "semtimedop": (220, 192)},
    SLEEP: {"nanosleep": (35, 101), "clock_nanosleep": (230, 115)},
    CHILD_FIRST: {"wait4": (61, 260)},
    CHILD_SECOND: {"waitid": (247, 95)},
    FILE: {
        "open": (2, -1), "openat": (257, 56), "openat2": (437, 437), "stat": (4, -1), "lstat": (6, -1),
        "newfstatat": (262, 79), "statx": (332, 291), "unlink": (87, -1), "unlinkat": (263, 35), "rename": (82, -1),
        "renameat": (264, 38), "renameat2": (316, 276), "mkdir": (83, -1), "mkdirat": (258, 34), "sync": (162, 81),
        "msync": (227, 227), "execve": (59, 221),
    },
}  # fmt: skip
_MACHINES = {"x86_64": 0, "aarch64": 1}


def system_calls(machine: str = os.uname().machine if hasattr(os, "uname") else "") -> dict[int, str]:
    """Number -> kind of the calls that may wait; empty for a machine whose numbers we do not know."""
    column = _MACHINES.get(machine)
    if column is None:
        return {}
    pairs = ((numbers[column], kind) for kind, calls in _CALLS.items() for numbers in calls.values())
    return {number: kind for number, kind in pairs if number >= 0}
