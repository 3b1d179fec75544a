"""What a program sees of itself through the readers' hooks: its frames, its references, its warnings, its objects."""

from __future__ import annotations

import pytest

from .conftest import START

# A frame that is followed, beside one that is not.
FRAMES = """
import warnings
import numpy as np, pandas as pd
import bottleneck_profiler.collectors.pandas as own
own.FOLLOW_NS = 0
pd.DataFrame({f"c{i}": np.arange(60_000) * 0.5 + i for i in range(8)}).to_csv("wide.csv", index=False)
frames = pd.read_csv("wide.csv"), pd.DataFrame({f"c{i}": [1.0, None, 3.0] for i in range(8)})
"""
FOLLOWED = FRAMES + "followed = type(frames[0]._mgr).__mro__[1] is type(frames[1]._mgr)\n"
QUERIES = """
least = 29_990

def local(frame, most=29_995):
    return len(frame.query("@least < c0 < @most")), frame.head(2).eval("d = c1 + @most")["d"].tolist()

for frame in frames:
    print(local(frame), frame.query("c0 > @least").shape, pd.eval("least + 1"))
"""
CHAINED = """
for frame in frames:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        frame["c0"].fillna(0, inplace=True)
        frame[["c0", "c1"]].fillna(0, inplace=True)
        frame[["c0"]].replace(1, 2, inplace=True)
        frame["c0"].replace(1, 2, inplace=True)
        frame[["c0"]].where(frame[["c0"]] > 1, 0, inplace=True)
        frame["c0"][0] = 4
        frame["c0"].iloc[0] = 4
        frame[["c0"]].loc[0] = 4
    print([(each.category.__name__, each.lineno) for each in caught])
"""
WARNED = """
import sys
def warn(call):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        result = call()
    print([(w.category.__name__, w.filename == __file__, w.lineno, str(w.message)[:40]) for w in caught])
    return result

open("mixed.csv", "w").write("a,b\\n" + "1,2\\n" * 300_000 + "x,3\\n" * 300_000)
open("empty.txt", "w").close()
open("text.txt", "w").write("1 2 x")
open("ragged.txt", "w").write("1 2\\n1 2 3\\n")
warn(lambda: pd.read_csv("mixed.csv"))
warn(lambda: np.loadtxt("empty.txt"))
warn(lambda: np.genfromtxt("empty.txt"))
warn(lambda: np.genfromtxt("ragged.txt", invalid_raise=False))
try:
    warn(lambda: np.fromfile("text.txt", sep=" "))  # an error from some version on
except ValueError as error:
    print(error)
warn(lambda: pd.to_datetime(["13/01/2020", "2020-01-02x"], errors="coerce"))
warn(lambda: pd.read_csv("wide.csv", sep="::"))
for frame in frames:
    warn(lambda: frame[frame["c0"].iloc[::-1] > 1])
    warn(lambda: frame.pivot_table(index="c0", values="c1", aggfunc=np.sum).head(2))
    warn(lambda: pd.concat([frame.head(0), frame.head(2)]))
    warn(lambda: frame.head(2).groupby("c0").agg({"c1": np.sum}))
    warn(lambda: frame.head(2).groupby("c0").apply(lambda group: group))
    warn(lambda: frame.head(2).astype("M8[ns]"))
    some = frame.head(3).copy()
    warn(lambda: some.sort_values("c1", inplace=True))
    warn(lambda: some.dropna(inplace=True))
    warn(lambda: some.sum(0))

def lines():
    np.loadtxt("empty.txt")
    np.loadtxt("empty.txt")
    pd.read_csv("mixed.csv")

warnings.simplefilter("default")
lines()
warnings.filterwarnings("error", module="__main__")
try:
    lines()
except UserWarning as error:
    print("raised", error)
"""
OBJECTS = """
import copy, csv, inspect, json, pickle, types, weakref

class Shop:
    rows = csv.reader
    numbers = np.fromfile

with open("wide.csv") as file:
    print(next(Shop().rows(file)))
print(Shop().numbers("wide.csv", "u1", 3))
print(isinstance(csv.reader, types.BuiltinFunctionType), inspect.isfunction(csv.reader), csv.reader.__name__)
print(isinstance(np.fromfile, types.BuiltinFunctionType), repr(csv.reader), hasattr(np.save, "_implementation"))
print([(len(vars(each)), len(dir(each))) for each in (pd, pd.DataFrame, pd.Series, type(frames[0].groupby("c0")))])
for each in (pd.read_csv, csv.reader, np.load, np.fromfile, json.load, json.loads, pd.DataFrame.apply, pd.merge):
    assert pickle.loads(pickle.dumps(each)) is each and copy.deepcopy(each) is each, each
class Array:
    def __array_function__(self, function, types, args, kwargs):
        return {np.save: "save", np.savetxt: "savetxt"}[function], function is np.save

print(np.save("a.npy", Array()), np.savetxt("a.txt", Array()))
print(inspect.signature(pd.read_csv), inspect.signature(json.loads))
for frame in frames:
    manager = frame._mgr
    for again in (pickle.loads(pickle.dumps(frame)), copy.deepcopy(frame), copy.copy(frame), pd.DataFrame(frame)):
        assert again.equals(frame) and frame.equals(again)
    assert pickle.loads(pickle.dumps(frame.sum))().equals(frame.sum())
    print(weakref.getweakrefcount(frame), vars(pd.DataFrame)["__getitem__"].__qualname__, type(manager))
"""


@pytest.mark.parametrize("work", [QUERIES, CHAINED, WARNED, OBJECTS], ids=["queries", "chained", "warned", "objects"])
def test_a_program_sees_the_same(program, work):
    recorded = program(FRAMES + work)
    plain = program("\n" * START.count("\n") + FRAMES + work, start=False)
    assert (recorded.code, recorded.output, recorded.error) == (plain.code, plain.output, plain.error)
    assert plain.code == 0 and not recorded.of("failed")


def test_the_frame_of_these_tests_is_followed(program):
    recorded = program(FOLLOWED + "print(followed)")
    assert recorded.output == "True\n", recorded.error


def test_no_hook_on_what_counts_references_or_looks_at_frames(program):
    recorded = program(
        """
        import inspect, pandas as pd
        seen = 0
        for owner in (pd, *pd.DataFrame.__mro__, pd.Series):
            for name, hooked in list(vars(owner).items()):
                if "(hooked)" in getattr(getattr(hooked, "__code__", None), "co_filename", ""):
                    seen += 1
                    hook = next(each for each in hooked.__code__.co_consts if callable(each))
                    code = inspect.unwrap(hook).__code__
                    assert not {"getrefcount", "_getframe", "_check_inplace_deprecation"} & set(code.co_names), name
                    assert name not in ("eval", "query"), name
        print(seen > 30)
        """
    )
    assert recorded.output == "True\n", recorded.error
