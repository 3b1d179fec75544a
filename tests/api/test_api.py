"""The API joins a recorder and stays silent without one."""

import asyncio
import pickle
import subprocess
import sys

import pytest
from bottleneck_profiler import api

PROGRAM = """
import sys
from bottleneck_profiler.launch import child
recorder = child.start(sys.argv[1])
import bottleneck_profiler as bp
sys.modules.setdefault("_bottleneck_child.recorder", sys.modules["bottleneck_profiler.recorder"])
live = sys.modules["_bottleneck_child.recorder"].recorder()
ring = live.ring(); seen = []
put, close = type(ring).put, type(ring).close
type(ring).put = lambda s, k, f, a, b, g: (seen.append(k), put(s, k, f, a, b, g))[1]
with bp.profile() as result:
    bp.mark("m")
    for _ in bp.steps(range(3)): pass
assert result.run_dir == sys.argv[1]
print(sorted(k for k in seen if k in (74, 75, 76)))
"""


@api.stage("s")
def double(value):
    return 2 * value


def test_without_a_recorder_nothing_changes():
    assert list(api.steps(range(3))) == [0, 1, 2]
    assert pickle.loads(pickle.dumps(double))(4) == 8
    with pytest.raises(KeyError), api.stage("s"):
        raise KeyError("user's")

    @api.stage("s")
    async def later():
        return 5

    assert asyncio.run(later()) == 5
    with pytest.warns(RuntimeWarning, match="nothing records"), api.profile() as result:
        pass
    assert result.run_dir is None and result.findings == []


def test_records_join_the_recorder(tmp_path):
    (tmp_path / "live").mkdir()
    argv = [sys.executable, "-c", PROGRAM, str(tmp_path)]
    done = subprocess.run(argv, capture_output=True, text=True)
    assert done.stdout.strip() == "[74, 75, 75, 75, 76]", done.stderr
