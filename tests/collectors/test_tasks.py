"""The tasks of an event loop: each wait has the line of its task, and the program stays as it was."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
import pytest
from bottleneck_profiler import signals

from collectors.children import Run
from collectors.test_other_threads import OFTEN, inside

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="POSIX timers on a CPU clock")
BEGIN = OFTEN + "import asyncio\n"


def blocked(run: Run, function: str) -> float:
    return run.seconds(signals.STACK_BLOCKED, function)


def selecting(run: Run) -> float:
    return blocked(run, "select") + blocked(run, "EpollSelector.select")


def tasks_of(run: Run) -> np.ndarray:
    """How many tasks the blocked samples stand for, where they stand for any."""
    rows = run.recording().stacks
    counts = rows["flags"][rows["kind"] == signals.STACK_BLOCKED] >> 8
    return counts[counts > 0]


def ran(tmp_path: Path, body: str, **options) -> Run:
    run = Run(tmp_path, BEGIN + body, **options)
    assert run.result.returncode == 0, run.result.stderr
    assert not run.notes("failed")
    return run


SERIAL = """
class Service:
    async def ask(self, key):
        await asyncio.sleep(0.05)
        return key
async def one_by_one(service):
    return [await service.ask(key) for key in range(20)]
asyncio.run(one_by_one(Service()))
"""


def test_a_serial_await_has_its_lines_from_the_loop_to_the_innermost(tmp_path):
    run = ran(tmp_path, SERIAL)
    assert blocked(run, "one_by_one") > 0.6
    stack = next(n["frames"] for n in run.notes("stack") if n["frames"][0][0] == "sleep")
    names = [frame[0].rpartition(".")[2] for frame in stack]
    assert names[:2] == ["sleep", "ask"]
    assert names.index("ask") < names.index("one_by_one") < names.index("run")
    assert "select" not in names
    assert names[-1] == "<module>"
    assert set(tasks_of(run).tolist()) == {1}


@pytest.mark.parametrize("version", ["3.9", "3.10", "3.12", "3.13"])
def test_it_is_so_in_each_python(tmp_path, version):
    found = sorted(Path(os.path.expanduser("~/.pyenv/versions")).glob(f"{version}.*/bin/python"))
    if not found:
        pytest.skip(f"no Python {version} here")
    assert blocked(ran(tmp_path, SERIAL, python=str(found[-1])), "one_by_one") > 0.6


def test_a_loop_written_in_c_does_not_say_its_thread_and_has_its_lines_too(tmp_path):
    pytest.importorskip("uvloop")
    body = SERIAL.replace("asyncio.run(", "import uvloop\nasyncio.Runner(loop_factory=uvloop.new_event_loop).run(")
    assert blocked(ran(tmp_path, body), "one_by_one") > 0.6


def test_tasks_that_wait_at_once_share_the_time(tmp_path):
    body = """
async def short(): await asyncio.sleep(0.8)
async def long(): await asyncio.sleep(1.2)
async def main(): await asyncio.gather(*(each() for each in [short, long] * 10))
asyncio.run(main())
"""
    run = ran(tmp_path, body)
    both = blocked(run, "short") + blocked(run, "long")
    assert 0.6 < both < 1.5
    assert blocked(run, "long") > blocked(run, "short") > 0.1
    assert tasks_of(run).max() >= 10


WAITING = {
    "serve_forever": "server = await asyncio.start_server(None, '127.0.0.1', 0)\n"
    "    asyncio.get_running_loop().call_later(0.8, server.close)\n"
    "    try:\n        await server.serve_forever()\n    except asyncio.CancelledError:\n        pass",
    "serve_forever beside a clock": "async def clock():\n        while True: await asyncio.sleep(0.2)\n"
    "    ticking = asyncio.ensure_future(clock())\n"
    "    server = await asyncio.start_server(None, '127.0.0.1', 0)\n"
    "    asyncio.get_running_loop().call_later(0.8, server.close)\n"
    "    try:\n        await server.serve_forever()\n    except asyncio.CancelledError:\n        pass",
    "an event": "event = asyncio.Event()\n"
    "    asyncio.get_running_loop().call_later(0.8, event.set)\n    await event.wait()",
    "a future": "future = asyncio.get_running_loop().create_future()\n"
    "    asyncio.get_running_loop().call_later(0.8, future.set_result, 1)\n    await future",
    "a queue": "queue = asyncio.Queue()\n    asyncio.get_running_loop().call_later(0.8, queue.put_nowait, 1)\n"
    "    await queue.get()",
}


@pytest.mark.parametrize("waiting", WAITING)
def test_who_waits_for_requests_or_for_the_end_is_not_blocked(tmp_path, waiting):
    run = ran(tmp_path, f"async def idle():\n    {WAITING[waiting]}\nasyncio.run(idle())\n")
    assert blocked(run, "idle") == 0
    assert selecting(run) > 0.4
    assert not len(tasks_of(run))


def test_who_waits_for_an_answer_counts_and_not_the_task_that_hands_answers_over(tmp_path):
    body = """
import itertools
async def serves(reader, writer):
    while line := await reader.readline():
        await asyncio.sleep(0.02)
        writer.write(line)
    writer.close()
waiting = {}
async def receive(reader):
    while line := await reader.readline():
        waiting.pop(int(line)).set_result(None)
async def ask(number, writer):
    waiting[number] = future = asyncio.get_running_loop().create_future()
    writer.write(b"%d\\n" % number)
    await future
async def main():
    server = await asyncio.start_server(serves, "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    receiving = asyncio.ensure_future(receive(reader))
    for number in range(60):
        await ask(number, writer)
    receiving.cancel()
    server.close()
asyncio.run(main())
"""
    run = ran(tmp_path, body)
    assert blocked(run, "ask") > blocked(run, "receive")
    assert blocked(run, "ask") > 0.2


@pytest.mark.skipif(sys.version_info < (3, 11), reason="its tasks are like any other")
def test_a_connection_that_waits_for_its_next_request_is_not_blocked_and_its_client_is(tmp_path):
    body = """
async def request(reader):
    return await reader.readline()
async def serves(reader, writer):
    while line := await request(reader):
        await asyncio.sleep(0.3)
        writer.write(line)
    writer.close()
async def asks(reader, writer):
    for _ in range(3):
        writer.write(b"line\\n")
        await reader.readline()
    writer.close()
async def main():
    server = await asyncio.start_server(serves, "127.0.0.1", 0)
    await asks(*await asyncio.open_connection(*server.sockets[0].getsockname()))
    server.close()
asyncio.run(main())
"""
    run = ran(tmp_path, body)
    assert blocked(run, "asks") > 0.1  # its service waits beside it, and both share the time
    assert blocked(run, "request") == 0


def test_the_one_behind_a_lock_waits_and_not_those_before_it(tmp_path):
    body = """
async def holds(): await asyncio.sleep(0.06)
async def one(lock):
    async with lock: await holds()
async def main():
    lock = asyncio.Semaphore(1)
    await asyncio.gather(*(one(lock) for _ in range(16)))
asyncio.run(main())
"""
    run = ran(tmp_path, body)
    assert blocked(run, "holds") > 0.6
    assert blocked(run, "acquire") == 0
    assert set(tasks_of(run).tolist()) == {1}


def test_what_lies_between_coroutines_is_seen_through(tmp_path):
    body = """
class Answer:
    def __await__(self): return self.later().__await__()
    async def later(self): await asyncio.sleep(0.3)
async def stream():
    for _ in range(3):
        await asyncio.sleep(0.3)
        yield 1
async def reads_stream():
    async for _ in stream(): pass
async def main():
    await Answer()
    await reads_stream()
    await asyncio.wait_for(Answer(), 5)
asyncio.run(main())
"""
    run = ran(tmp_path, body)
    assert blocked(run, "Answer.later" if sys.version_info >= (3, 11) else "later") > 0.3
    assert blocked(run, "stream") > 0.5
    assert blocked(run, "reads_stream") > 0.5
    assert blocked(run, "main") > 1.1  # also while it waits for the task that wait_for has made


def test_a_call_in_a_thread_of_a_pool_is_a_wait_of_its_line(tmp_path):
    body = """
import time
async def main():
    for _ in range(4):
        await asyncio.get_running_loop().run_in_executor(None, time.sleep, 0.25)
asyncio.run(main())
"""
    assert blocked(ran(tmp_path, body), "main") > 0.6


def test_a_blocking_call_on_the_loop_keeps_its_own_stack(tmp_path):
    body = """
import time, selectors, socket
async def other(): await asyncio.sleep(2)
async def main():
    task = asyncio.create_task(other())
    await asyncio.sleep(0)
    def blocks():
        selector = selectors.DefaultSelector()
        one, two = socket.socketpair()
        selector.register(one, selectors.EVENT_READ)
        selector.select(0.8)
        one.close(); two.close(); selector.close()
    blocks()
    task.cancel()
asyncio.run(main())
"""
    run = ran(tmp_path, body)
    assert blocked(run, "other") == 0
    assert blocked(run, "main") > 0.5


def test_a_loop_beside_the_main_thread_has_its_lines_too(tmp_path):
    body = """
import threading
async def ask(): await asyncio.sleep(0.05)
async def main():
    for _ in range(20): await ask()
thread = threading.Thread(target=asyncio.run, args=(main(),), name="loop")
thread.start()
thread.join()
"""
    assert inside(ran(tmp_path, body).threads(), "ask")[1] > 0.5


STRANGE = """
import gc, sys, weakref
class Task(asyncio.Task):
    def __getattribute__(self, name):
        if name.startswith(("_coro", "_fut", "_loop", "get_")): touched.append(name)
        return super().__getattribute__(name)
class Waits:
    def __getattr__(self, name):
        touched.append(name)
        raise AttributeError(name)
    def __iter__(self): return self
    def __next__(self): return next(self.__dict__["inner"])
    def __await__(self):
        self.__dict__["inner"] = asyncio.sleep(0.4).__await__()
        return self
async def waits(): await Waits()
async def main():
    loop = asyncio.get_running_loop()
    loop.set_task_factory(lambda loop, coro, **more: Task(coro, loop=loop, **more))
    task = loop.create_task(waits())
    await task
    del touched[:]
    before = sys.getrefcount(task)
    other = loop.create_task(waits())
    await asyncio.sleep(0.3)
    print(sys.getrefcount(task) - before, touched)
    seen = weakref.ref(other)
    other.cancel()
    try:
        await other
    except asyncio.CancelledError:
        pass
    del other
    await asyncio.sleep(0.15)
    print(seen() is None)
touched = []
gc.disable()
asyncio.run(main())
"""


def test_nothing_of_the_program_is_called_and_no_task_is_kept(tmp_path):
    run = ran(tmp_path, STRANGE)
    alone = Run(tmp_path / "alone", "import asyncio\n" + STRANGE, recorded=False)
    assert run.result.stdout == alone.result.stdout, alone.result.stderr
    assert run.result.stdout.endswith(" []\nTrue\n")


def test_more_tasks_than_are_read_and_tasks_that_come_and_go(tmp_path):
    body = """
async def short(): await asyncio.sleep(0.002)
async def waits(): await asyncio.sleep(1)
async def main():
    many = [asyncio.ensure_future(waits()) for _ in range(3000)]
    for _ in range(100):
        await asyncio.gather(*(short() for _ in range(10)))
    await asyncio.gather(*many)
asyncio.run(main())
"""
    run = ran(tmp_path, body)
    assert tasks_of(run).max() == 16
    assert blocked(run, "waits") > 0.1


def test_a_failure_costs_the_tasks_alone(tmp_path):
    body = """
class Broken:
    data = property(lambda self: 1 / 0)
async def later():
    asyncio.tasks._all_tasks = asyncio.tasks._scheduled_tasks = Broken()
    await asyncio.sleep(0.6)
asyncio.run(later())
"""
    run = Run(tmp_path, BEGIN + body)
    assert [note["collector"] for note in run.notes("failed")] == ["tasks"]
    assert selecting(run) > 0.3


def test_who_does_not_use_asyncio_does_not_get_it(tmp_path):
    run = Run(tmp_path, "import time\ntime.sleep(0.6)\nprint('asyncio' in sys.modules)\n")
    assert run.result.stdout == "False\n", run.result.stderr


def test_what_tasks_wait_for_is_not_asked(tmp_path):
    body = """
class Kind(type):
    def __eq__(self, other): print("asked"); return NotImplemented
    def __hash__(self): print("hashed"); return 1
class Answer(asyncio.Future, metaclass=Kind):
    _callbacks = property(lambda self: print("copied"))
class Waits(metaclass=Kind):
    def __init__(self, future): self.future = future
    def __await__(self): return self
    def __iter__(self): return self
    def __next__(self):
        if self.future.done(): raise StopIteration
        self.future._asyncio_future_blocking = True
        return self.future
async def own(future): await Waits(future)
async def main():
    loop = asyncio.get_running_loop()
    answer, plain = Answer(), loop.create_future()
    async def awaits(): await answer
    tasks = [asyncio.create_task(each) for each in (awaits(), own(plain))]
    for future in (answer, plain): loop.call_later(0.5, future.set_result, 1)
    await asyncio.wait(tasks)
asyncio.run(main())
"""
    assert ran(tmp_path, body).result.stdout == ""
