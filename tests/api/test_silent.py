"""What the API does to a program when nothing records: nothing."""

from __future__ import annotations

import asyncio
import inspect
import pickle
import subprocess
import sys

import pytest
from bottleneck_profiler import mark, profile, stage, steps


@stage("module level")
def double(x: int) -> int:
    """Twice."""
    return 2 * x


@profile
def triple(x: int) -> int:
    return 3 * x


def test_decorated_functions_keep_name_document_and_result() -> None:
    assert double(4) == 8
    assert double.__name__ == "double"
    assert double.__doc__ == "Twice."


def test_decorated_functions_can_be_pickled() -> None:
    assert pickle.loads(pickle.dumps(double)) is double
    assert pickle.loads(pickle.dumps(triple)) is triple


def test_generators_stay_generators_and_take_what_is_sent() -> None:
    @stage("g")
    def echo():
        got = yield 1
        try:
            yield got
        except ValueError:
            yield "thrown"
        return "end"

    assert inspect.isgeneratorfunction(echo)
    generator = echo()
    assert next(generator) == 1
    assert generator.send(5) == 5
    assert generator.throw(ValueError()) == "thrown"
    with pytest.raises(StopIteration) as stop:
        next(generator)
    assert stop.value.value == "end"


def test_coroutines_stay_coroutines() -> None:
    @stage("c")
    async def add(a: int, b: int) -> int:
        await asyncio.sleep(0)
        return a + b

    assert inspect.iscoroutinefunction(add)
    assert asyncio.run(add(1, 2)) == 3


def test_async_generators_pass_values_sends_throws_and_close() -> None:
    closed = []

    @stage("ag")
    async def echo():
        try:
            got = yield 1
            try:
                yield got
            except ValueError:
                yield "thrown"
            yield "last"
        finally:
            closed.append(True)

    async def drive() -> list[object]:
        generator = echo()
        seen = [await generator.__anext__(), await generator.asend(5), await generator.athrow(ValueError())]
        await generator.aclose()
        return [*seen, len([x async for x in echo()])]

    assert inspect.isasyncgenfunction(echo)
    assert asyncio.run(drive()) == [1, 5, "thrown", 3]
    assert closed == [True, True]


def test_methods_of_every_kind_can_be_decorated() -> None:
    class Model:
        @stage("m")
        def plain(self) -> str:
            return "plain"

        @stage("s")
        @staticmethod
        def static() -> str:
            return "static"

        @stage("c")
        @classmethod
        def of_class(cls) -> str:
            return cls.__name__

    assert (Model().plain(), Model.static(), Model.of_class()) == ("plain", "static", "Model")


def test_wrong_uses_say_so_at_once() -> None:
    with pytest.raises(TypeError, match="name"):
        stage(lambda: 1)
    with pytest.raises(TypeError, match="functions"):
        stage("x")(int)
    with pytest.raises(TypeError, match="functions"):
        profile(int)


def test_exceptions_pass_through() -> None:
    error = KeyError("mine")

    @stage("x")
    def fails() -> None:
        raise error

    with pytest.raises(KeyError) as caught:
        fails()
    assert caught.value is error


def test_steps_yields_the_items_and_closes_with_the_loop() -> None:
    assert list(steps([1, 2, 3])) == [1, 2, 3]
    assert list(steps(iter(()))) == []

    def failing():
        yield 1
        raise OSError("mine")

    with pytest.raises(OSError, match="mine"):
        list(steps(failing()))
    with pytest.raises(TypeError):
        list(steps(3))  # type: ignore[arg-type]


def test_silent_uses_load_neither_the_recorder_nor_anything_heavy() -> None:
    code = (
        "import sys\nfrom bottleneck_profiler import mark, stage, steps\n"
        "mark('a')\nwith stage('b'): list(steps([1]))\n"
        "heavy = {'numpy', 'pyarrow', 'rich', 'subprocess', 'json', '_bottleneck_child'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_mark_without_a_run_is_nothing() -> None:
    assert mark("x") is None
