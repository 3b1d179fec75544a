"""A hooked Python function stays itself, whatever its parameters are, and passes all of them on."""

from __future__ import annotations

import asyncio
import inspect
from types import FunctionType
from typing import Any

import pytest
from bottleneck_profiler.collectors import Patches
from bottleneck_profiler.collectors.support.recoding import can_recode, forwarding, twin
from hypothesis import given
from hypothesis import strategies as st

NAMES = ("a", "b", "hook", "hook_", "self", "value")


@st.composite
def signatures(draw: st.DrawFn) -> str:
    """The parameter list of a function."""
    names = list(draw(st.permutations(NAMES)))
    only, plain, optional, keywords = (draw(st.integers(0, 2)) for _ in range(4))
    taken = [names.pop() for _ in range(min(only, len(names)))]
    parts = [*taken, "/"] if taken else []
    parts += [names.pop() for _ in range(min(plain, len(names)))]
    parts += [f"{names.pop()}={i}" for i in range(min(optional, len(names)))]
    star = draw(st.sampled_from(["", "*", "*rest"]))
    named = [names.pop() for _ in range(min(keywords, len(names)))] if star else []
    if star == "*rest" or named:
        parts.append(star)
    parts += [name if draw(st.booleans()) else f"{name}=7" for name in named]
    if draw(st.booleans()):
        parts.append("**more")
    return ", ".join(parts)


def hooked(function: FunctionType, patches: Patches, by_name: bool = True) -> list[tuple[Any, Any]]:
    """Hook ``function`` so that its calls are noted."""
    calls: list[tuple[Any, Any]] = []
    plain = twin(function)

    def hook(*args: Any, **kwargs: Any) -> Any:
        calls.append((args, kwargs))
        return plain(*args, **kwargs)

    patches.recode(function, forwarding(function, hook, __file__, by_name))
    return calls


@given(
    signatures(),
    st.lists(st.integers(), max_size=5),
    st.dictionaries(st.sampled_from([*NAMES, "other"]), st.integers()),
    st.booleans(),
)
def test_calls_and_errors_are_those_of_the_function(
    taken: str, args: list[int], kwargs: dict[str, int], by_name: bool
) -> None:
    space: dict[str, Any] = {}
    exec(f"def function({taken}):\n return dict(locals())", space)
    function = space["function"]
    spec, code = inspect.getfullargspec(function), function.__code__

    def outcome() -> Any:
        try:
            return function(*args, **kwargs)
        except TypeError as error:
            return str(error)

    expected, patches = outcome(), Patches()
    calls = hooked(function, patches, by_name)
    assert inspect.getfullargspec(function) == spec
    assert outcome() == expected and len(calls) == isinstance(expected, dict)
    patches.restore()
    assert function.__code__ is code and outcome() == expected


def test_methods_with_super_coroutines_and_generators() -> None:
    class Base:
        def go(self, x: int) -> int:
            return x + 1

    class Derived(Base):
        def go(self, x: int, y: int = 5) -> int:
            return super().go(x) + y

        async def wait(self, x: int) -> int:
            await asyncio.sleep(0)
            return x

        def items(self, count: int) -> Any:
            for i in range(count):
                got = yield i
                if got == "stop":
                    return "stopped"

    patches = Patches()
    calls = {name: hooked(getattr(Derived, name), patches) for name in ("go", "wait", "items")}
    it = Derived()
    assert it.go(1) == 7 and it.go(1, y=0) == 2 and asyncio.run(it.wait(3)) == 3 and list(it.items(3)) == [0, 1, 2]
    generator = it.items(3)
    next(generator)
    with pytest.raises(StopIteration) as stopped:
        generator.send("stop")
    assert stopped.value.value == "stopped"
    assert inspect.iscoroutinefunction(Derived.wait) and inspect.isgeneratorfunction(Derived.items)
    assert [len(each) for each in calls.values()] == [2, 1, 2]
    patches.restore()
    assert it.go(1) == 7 and [len(each) for each in calls.values()] == [2, 1, 2]


def test_what_is_no_python_function_is_not_recoded() -> None:
    async def stream() -> Any:
        yield 1

    assert not can_recode(len) and not can_recode(stream) and not can_recode(type) and can_recode(twin)
