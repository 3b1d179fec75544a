"""MicroBatcher, in an event loop whose clock jumps to the next timer, and with real threads."""

import asyncio
import contextvars
import os
import selectors
import subprocess
import sys
import threading
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from bottleneck_profiler.serving import MicroBatcher, Overloaded
from hypothesis import given, settings
from hypothesis import strategies as st

TINY = 1e-6


class _Jumping(selectors.DefaultSelector):
    """Waits for nothing: the time goes to the next timer at once."""

    now = 0.0

    def select(self, timeout: float | None = None) -> Any:
        if timeout is None:
            return super().select(None)
        ready = super().select(0)
        self.now += 0.0 if ready else max(0.0, timeout)
        return ready


def run(main: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
    """``asyncio.run(main())`` by a clock that begins at 0."""
    selector = _Jumping()
    loop = asyncio.SelectorEventLoop(selector)
    loop.time = lambda: selector.now  # type: ignore[method-assign]
    try:
        return loop.run_until_complete(main())
    finally:
        loop.close()


class Model:
    """Doubles numbers; ``seen``: when each batch began, and its items. A negative number makes its batch fail."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.seconds = seconds
        self.seen: list[tuple[float, list[int]]] = []
        self.inside = self.most_inside = 0

    async def __call__(self, items: list[int]) -> list[int]:
        self.seen.append((asyncio.get_running_loop().time(), items))
        self.inside += 1
        self.most_inside = max(self.most_inside, self.inside)
        await asyncio.sleep(self.seconds)
        self.inside -= 1
        if any(item < 0 for item in items):
            raise ZeroDivisionError(min(items))
        return [2 * item for item in items]


async def later(seconds: float, call: Coroutine[Any, Any, Any]) -> Any:
    await asyncio.sleep(seconds)
    return await call


def test_a_full_batch_starts_at_once_and_a_lone_item_after_the_delay() -> None:
    async def main() -> None:
        model = Model()
        async with MicroBatcher(model, max_batch=3, max_delay=0.5) as batcher:
            assert await asyncio.gather(*map(batcher, range(4))) == [0, 2, 4, 6]
            assert model.seen == [(0.0, [0, 1, 2]), (pytest.approx(0.5), [3])]
            assert (batcher.batches, batcher.items, batcher.waiting) == (2, 4, 0)

    run(main)


def test_what_arrives_while_the_model_is_busy_is_the_next_batch() -> None:
    async def main() -> None:
        model = Model(seconds=1.0)
        async with MicroBatcher(model, max_batch=8, max_delay=0) as batcher:
            calls = [later(0.1 * index, batcher(index)) for index in range(5)]
            assert await asyncio.gather(*calls) == [0, 2, 4, 6, 8]
        assert [items for _, items in model.seen] == [[0], [1, 2, 3, 4]]

    run(main)


def test_one_bad_item_fails_alone() -> None:
    async def main() -> None:
        model = Model()
        async with MicroBatcher(model, max_batch=8) as batcher:
            results = await asyncio.gather(*map(batcher, [1, 2, -3, 4]), return_exceptions=True)
            assert [results[0], results[1], results[3]] == [2, 4, 8] and isinstance(results[2], ZeroDivisionError)
        assert [items for _, items in model.seen] == [[1, 2, -3, 4], [1, 2], [-3, 4], [-3], [4]]
        async with MicroBatcher(model, max_batch=8, isolate=False) as batcher:
            results = await asyncio.gather(*map(batcher, [1, -2]), return_exceptions=True)
            assert [type(result) for result in results] == [ZeroDivisionError, ZeroDivisionError]

    run(main)


def test_a_result_that_is_an_exception_is_raised_for_its_item() -> None:
    async def checked(items: list[int]) -> list[Any]:
        return [item if item else StopIteration() if len(items) > 2 else KeyError(item) for item in items]

    async def main() -> None:
        async with MicroBatcher(checked, max_batch=2) as batcher:
            results = await asyncio.gather(batcher(1), batcher(0), return_exceptions=True)
            assert results[0] == 1 and isinstance(results[1], KeyError)
        async with MicroBatcher(checked, max_batch=3) as batcher:  # which a future would not take
            results = await asyncio.gather(*map(batcher, [1, 2, 0]), return_exceptions=True)
            assert results[:2] == [1, 2] and isinstance(results[2], RuntimeError)

    run(main)


def test_a_wrong_number_of_results_is_an_error_of_the_function() -> None:
    calls = []

    async def short(items: list[int]) -> list[int]:
        calls.append(items)
        return items[:1]

    async def main() -> None:
        async with MicroBatcher(short, max_batch=3) as batcher:
            results = await asyncio.gather(*map(batcher, range(3)), return_exceptions=True)
        assert {str(each) for each in results} == {"The batch function returned 1 results for 3 items."}
        assert calls == [[0, 1, 2]]  # and no halves are tried, of which some would come out right

    run(main)


def test_a_cancelled_call_leaves_the_queue_and_the_others_their_batch() -> None:
    async def main() -> None:
        model = Model(seconds=1.0)
        async with MicroBatcher(model, max_batch=4, max_delay=0.5) as batcher:
            calls = [asyncio.create_task(batcher(item)) for item in (1, 2, 3)]
            await asyncio.sleep(0.1)
            calls[0].cancel()  # while it waits
            await asyncio.sleep(0.6)
            calls[1].cancel()  # while the model runs
            results = await asyncio.gather(*calls, return_exceptions=True)
        assert [type(result) for result in results[:2]] == [asyncio.CancelledError] * 2 and results[2] == 6
        assert [items for _, items in model.seen] == [[2, 3]]

    run(main)


def test_too_many_waiting_items_are_refused() -> None:
    async def main() -> None:
        async with MicroBatcher(Model(seconds=1.0), max_batch=2, max_waiting=3) as batcher:
            calls = [asyncio.create_task(later(0.1 * item, batcher(item))) for item in range(6)]
            results = await asyncio.gather(*calls, return_exceptions=True)
            assert results[:5] == [0, 2, 4, 6, None] or results[:4] == [0, 2, 4, 6]
            refused = [item for item, result in enumerate(results) if isinstance(result, Overloaded)]
            assert refused == [4, 5]  # 0 is with the model since 5 ms, and 1, 2 and 3 wait
            assert await batcher(9) == 18

    run(main)


def test_waiting_items_are_answered_at_the_end_and_none_is_taken_afterwards() -> None:
    async def main() -> None:
        model = Model(seconds=1.0)
        batcher = MicroBatcher(model, max_batch=2, max_delay=60)
        with pytest.raises(RuntimeError, match="not open"):
            await batcher(0)
        async with batcher:
            with pytest.raises(RuntimeError, match="open already"):
                await batcher.__aenter__()
            calls = [asyncio.create_task(batcher(item)) for item in range(5)]
            await asyncio.sleep(0.1)
        assert await asyncio.gather(*calls) == [0, 2, 4, 6, 8]
        with pytest.raises(RuntimeError, match="not open"):
            await batcher(0)
        async with batcher:  # and it can be opened again
            assert await asyncio.gather(batcher(1), batcher(2)) == [2, 4]

    run(main)


def test_the_warm_up_comes_first_and_its_error_stops_the_start() -> None:
    async def main() -> None:
        model = Model()
        async with MicroBatcher(model, max_batch=4, warm_up=7) as batcher:
            assert [items for _, items in model.seen] == [[7], [7, 7, 7, 7]]
            assert await batcher(1) == 2
        broken = MicroBatcher(model, warm_up=-1)
        with pytest.raises(ZeroDivisionError):
            await broken.__aenter__()
        with pytest.raises(RuntimeError, match="not open"):
            await broken(1)

    run(main)


def test_a_batch_does_not_run_in_the_context_of_a_request() -> None:
    user = contextvars.ContextVar("user", default="nobody")
    seen = []

    async def model(items: list[str]) -> list[str]:
        seen.append(user.get())
        return items

    async def ask(batcher: Any, name: str) -> Any:
        user.set(name)
        return await batcher(name)

    async def main() -> None:
        async with MicroBatcher(model, max_batch=2, max_delay=0.1) as batcher:
            names = ["ann", "bob", "cleo"]
            assert await asyncio.gather(*(ask(batcher, name) for name in names)) == names
        assert seen == ["nobody", "nobody"]

    run(main)


@given(
    arrivals=st.lists(st.tuples(st.integers(0, 40), st.one_of(st.none(), st.integers(0, 30))), min_size=1, max_size=30),
    max_batch=st.integers(1, 6),
    delay=st.integers(0, 6),
    seconds=st.integers(0, 9),
    concurrency=st.integers(1, 3),
)
@settings(max_examples=60, deadline=None)
def test_whatever_arrives_when(
    arrivals: list[tuple[int, int | None]], max_batch: int, delay: int, seconds: int, concurrency: int
) -> None:
    """Each call gets its own result, batches are as large and as late as agreed, and in the order of arrival."""

    async def main() -> None:
        model = Model(seconds)
        options: dict[str, Any] = {"max_batch": max_batch, "max_delay": delay, "concurrency": concurrency}
        began: dict[int, float] = {}

        async def ask(batcher: Any, item: int) -> Any:
            await asyncio.sleep(arrivals[item][0])
            began[item] = asyncio.get_running_loop().time()
            patience = arrivals[item][1]
            return await (batcher(item) if patience is None else asyncio.wait_for(batcher(item), patience + 0.5))

        async with MicroBatcher(model, **options) as batcher:
            asked = [ask(batcher, item) for item in range(len(arrivals))]
            results = await asyncio.gather(*asked, return_exceptions=True)
        for item, result in enumerate(results):
            impatient = arrivals[item][1] is not None and isinstance(result, TimeoutError | asyncio.TimeoutError)
            assert result == 2 * item or impatient
        assert all(1 <= len(items) <= max_batch for _, items in model.seen)
        assert model.most_inside <= concurrency
        served = [item for _, items in model.seen for item in items]
        assert len(set(served)) == len(served)
        assert [began[item] for item in served] == sorted(began[item] for item in served)
        for moment, items in model.seen:
            if len(items) < max_batch:  # it waited its time, unless the model was busy for longer
                assert moment >= began[items[0]] + delay - TINY or delay == 0
        if seconds == 0:
            assert all(moment <= began[item] + delay + TINY for moment, items in model.seen for item in items)

    run(main)


def test_a_plain_function_runs_in_a_thread_and_threads_may_call() -> None:
    def double(items: list[int]) -> list[int]:
        names.add(threading.current_thread().name)
        return [2 * item for item in items]

    names: set[str] = set()
    results: dict[int, int] = {}
    batcher = MicroBatcher(double, max_batch=4, max_delay=0.001, warm_up=1)
    with pytest.raises(RuntimeError, match="not open"):
        batcher.call(1)
    with batcher:

        def ask(item: int) -> None:
            results[item] = batcher.call(item)

        threads = [threading.Thread(target=ask, args=(item,)) for item in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert results == {item: 2 * item for item in range(8)}
    assert all(name.startswith("micro-batcher") for name in names)
    assert not [each for each in threading.enumerate() if each.name == "micro-batcher-loop"]


def test_a_thread_that_gives_up_takes_its_item_back() -> None:
    busy, first = threading.Event(), threading.Event()
    seen = []

    def slow(items: list[int]) -> list[int]:
        seen.append(items)
        first.set()
        busy.wait(30)
        return items

    with MicroBatcher(slow, max_delay=0) as batcher:
        waiting = threading.Thread(target=batcher.call, args=(1,))
        waiting.start()
        assert first.wait(30)
        with pytest.raises(TimeoutError):
            batcher.call(2, timeout=0.01)
        busy.set()
        waiting.join()
    assert seen == [[1]]


def test_calls_that_could_never_be_answered_are_refused() -> None:
    async def main() -> None:
        async with MicroBatcher(Model()) as batcher:
            with pytest.raises(RuntimeError, match="would block"):
                batcher.call(1)

    run(main)
    with MicroBatcher(lambda items: items) as batcher:
        child = os.fork()
        if child == 0:
            try:
                batcher.call(1, timeout=1)
            except RuntimeError:
                os._exit(0)
            finally:
                os._exit(1)
        assert os.waitpid(child, 0)[1] == 0
    with pytest.raises(ValueError, match="at least 1"):
        MicroBatcher(lambda items: items, max_batch=0)


def test_it_needs_the_standard_library_only() -> None:
    code = """
import sys
before = set(sys.modules)
from bottleneck_profiler.serving import MicroBatcher
own = {name.partition(".")[0] for name in set(sys.modules) - before} - {"bottleneck_profiler"}
assert not own - set(sys.stdlib_module_names), own
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
