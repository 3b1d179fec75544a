"""What handlers compute beside the model, by made-up samples of their call stacks."""

import numpy as np
import pytest
from bottleneck_profiler import signals
from bottleneck_profiler.artifacts import Artifacts, Missing
from bottleneck_profiler.detectors.serving.pre_post_bound import PrePostBound
from bottleneck_profiler.diagnosis.findings import Finding, Fine
from bottleneck_profiler.recording.model import RECORD_DTYPE, Facts, Frame, Process, Recording

MS = 1_000_000
FRAMEWORK = Frame("run_endpoint_function", "/lib/starlette/routing.py", 3, False)
STACKS = {
    "decode": (Frame("load", "/lib/PIL/ImageFile.py", 9, False), Frame("picture", "app.py", 12, True), FRAMEWORK),
    "model": (Frame("_call_impl", "/lib/torch/nn/modules/module.py", 1, False), Frame("run", "app.py", 20, True),
              FRAMEWORK),
    "own": (Frame("score", "app.py", 30, True), FRAMEWORK),
    "outside": (Frame("load", "/lib/PIL/ImageFile.py", 9, False), Frame("start", "app.py", 3, True)),
}  # fmt: skip


def judge(cores=1.0, **seconds):
    """Samples of 10 ms each, and requests meanwhile; ``cores`` that the process uses."""
    rows, now = [], 0
    for number, name in enumerate(STACKS, start=1):
        for _ in range(int(100 * seconds.get(name, 0))):
            rows.append((signals.STACK_CPU, now, now + 10, 0, number))
            now += round(10 / cores)
    table = np.zeros(len(rows), RECORD_DTYPE)
    for row, (kind, t0, t1, flags, arg) in zip(table, rows, strict=True):
        row["kind"], row["t0"], row["t1"], row["flags"], row["arg"] = kind, t0 * MS, t1 * MS, flags, arg
    served = np.zeros(1, RECORD_DTYPE)
    served["kind"], served["t1"], served["arg"] = signals.REQUEST, now * MS, 1
    facts = Facts(
        processes=[Process(0, 100)],
        strings={(0, 1): "GET / 200"},
        stacks={(0, number): frames for number, frames in enumerate(STACKS.values(), start=1)},
    )
    nothing = np.zeros(0, RECORD_DTYPE)
    made = Recording({}, facts, {}, nothing, nothing, table, served, {}, {}, 0, now * MS)
    return Artifacts(made).call(PrePostBound().detect)


def test_decoding_that_takes_most_of_the_time_is_found_at_the_users_line():
    found = judge(decode=3, model=1, own=1)
    assert isinstance(found, Finding) and found.title.endswith("decoding images")
    assert (found.location.file, found.location.line) == ("app.py", 12)
    assert found.gain.low == pytest.approx(0.6 * (1 - 1 / 1.5), abs=0.02)
    assert found.gain.high == pytest.approx(0.6 * (1 - 1 / 16), abs=0.02)


@pytest.mark.parametrize(
    "seconds", [{"decode": 1, "model": 4}, {"own": 5}, {"outside": 5, "model": 3}, {"decode": 3, "cores": 0.2}]
)
def test_model_own_code_start_up_and_a_lazy_server_are_fine(seconds):
    assert isinstance(judge(**seconds), Fine)


def test_too_few_samples_are_not_judged():
    with pytest.raises(Missing):  # which becomes "not measured"
        judge(decode=0.2)
