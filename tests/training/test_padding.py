"""Padding: what is seen of a batch, what a position costs, what sorting leaves, and who stays silent."""

from __future__ import annotations

import json
from collections import UserDict, namedtuple

import numpy as np
import pytest
import torch
from bottleneck_profiler import signals
from bottleneck_profiler.artifacts import Artifacts
from bottleneck_profiler.artifacts.run.machine import Settings
from bottleneck_profiler.artifacts.serving.inputs import InferredInputs
from bottleneck_profiler.artifacts.training.padding import Padding, saved_share, slope_of
from bottleneck_profiler.collectors.support.batches import Batches
from bottleneck_profiler.detectors import run_all
from bottleneck_profiler.detectors.training.padding_waste import PaddingWaste
from bottleneck_profiler.diagnosis.findings import Finding, Fine, NotApplicable, NotMeasured
from bottleneck_profiler.recording.facts import Site
from bottleneck_profiler.recording.read import load
from helpers import bottleneck
from hypothesis import given
from hypothesis import strategies as st
from typed import add

from training import programs

LENGTHS = [3, 9, 20, 5]


class Notes:
    def __init__(self):
        self.notes, self.failures, self.clock = [], [], None

    def note(self, kind, **fields):
        self.notes.append(fields)

    def fail(self, *what):
        self.failures.append(what)


def padded(lengths=LENGTHS, width=20, pad=0):
    tokens = torch.arange(1, 1 + len(lengths) * width).reshape(len(lengths), width)
    tokens[torch.arange(width) >= torch.tensor(lengths)[:, None]] = pad
    return tokens


def look(*batches):
    seen = Notes()
    looker = Batches(seen, torch)
    for batch in batches:
        looker.look(batch, 1, 5)
    assert not seen.failures
    return [note["lengths"] for note in seen.notes]


Pair = namedtuple("Pair", "words label")
MASK = (padded() != 0).long()


@pytest.mark.parametrize(
    "batch",
    [
        padded(),
        (padded(), torch.tensor([1, 0, 1, 0])),
        [torch.tensor([3, 9]), padded(pad=-100)],
        Pair(padded(), 1),
        {"input_ids": padded(), "labels": padded(pad=-100)},
        UserDict(input_ids=torch.ones(4, 20, dtype=torch.long), attention_mask=MASK),
        (["a", "b", "c", "d"], UserDict(input_ids=torch.ones(4, 20, dtype=torch.long), attention_mask=MASK)),
        {"input_ids": torch.ones(4, 20, dtype=torch.long), "attention_mask": MASK.flip(1).bool()},
        ({"words": padded().int()}, 3),
    ],
    ids=["tensor", "tuple", "lengths first", "named", "dict", "mask", "beside names", "padded on the left", "nested"],
)
def test_lengths_are_seen(batch):
    assert look(batch) == [LENGTHS]


class Own(torch.Tensor):
    pass


@pytest.mark.parametrize(
    "batch",
    [
        torch.nn.functional.pad(torch.rand(4, 30), (0, 40)),  # numbers, not tokens
        (torch.zeros(4, 3, 8, 8), padded()),  # an image, whatever comes with it
        torch.zeros(4, 8, 8, dtype=torch.uint8),
        padded().as_subclass(Own),
        padded().to_sparse(),
        (x for x in [padded()]),
        "text",
        None,
    ],
    ids=["floats", "image", "bytes", "subclass", "sparse", "generator", "text", "nothing"],
)
def test_what_is_no_tokens_is_not_looked_at(batch):
    assert look(batch) == []


def test_full_rows_have_no_padding_even_when_they_end_alike():
    ends = padded([20, 20, 20])
    ends[:, -1] = 102  # the separator that closes each sentence
    assert look(ends) == [[20, 20, 20]]
    mixed = padded([20, 4])
    mixed[0, -1] = 102
    assert look(mixed) == [[20, 4]]


def test_a_loader_without_tokens_is_left_alone_and_a_long_run_is_looked_at_less():
    image = torch.zeros(4, 3, 8, 8)
    assert look(image, image, image, padded()) == []
    looker = Batches(Notes(), torch)
    masks = []
    for _ in range(600):
        looker.look(padded(), 1, 5)
        masks.append(looker.mask)
    assert masks[0] == 7 and masks[40] == 15 and masks[300] == 31 and masks[-1] == 63


def test_where_the_program_watches_torch_nothing_is_done():
    from torch.utils._python_dispatch import TorchDispatchMode

    class Count(TorchDispatchMode):
        calls = 0

        def __torch_dispatch__(self, function, types, args=(), kwargs=None):
            Count.calls += 1
            return function(*args, **(kwargs or {}))

    batch = padded()
    with Count():
        assert look(batch) == []
    assert Count.calls == 0
    with torch.profiler.profile():
        assert look(batch) == []


def training(widths, lengths, *, base=2.0, per_position=0.01, rows=8, ahead=0):
    """Steps whose forward takes ``base`` and so much more for each position, in milliseconds.

    The batch that is trained on was fetched so many steps ``ahead``.
    """
    program = programs.Program()
    program.loader(1)
    began = program.now
    program.phase(signals.LOADER_START, 1, arg=1)
    program.phase(signals.DATA_WAIT, 1, flags=signals.FIRST, arg=1)
    for step, (width, some) in enumerate(zip(widths, lengths, strict=True), 1):
        note = {"loader": 1, "time_ns": program.now, "rows": rows, "width": int(width), "lengths": some}
        add(program.facts, "batch", **note)
        program.phase(signals.FORWARD, base + per_position * rows * widths[max(0, step - 1 - ahead)])
        program.phase(signals.BACKWARD, 1)
        program.phase(signals.DATA_WAIT, 1, flags=signals.END if step == len(widths) else 0, arg=1)
    program.rows.append((0, 1, signals.LOOP, 1, began, program.now, 1))
    return program.recording()


def mixed(shortest=5, longest=120, steps=60, rows=8):
    drawn = np.random.default_rng(1).integers(shortest, longest, (steps, rows))
    return drawn.max(1), drawn.tolist()


def judge(made):
    artifacts = Artifacts(made)
    artifacts.put(Settings())
    return run_all([PaddingWaste()], artifacts)["padding-waste"]


def test_the_gain_is_what_sorted_batches_leave():
    widths, lengths = mixed()
    found = judge(training(widths, lengths))
    assert isinstance(found, Finding), found
    ordered = np.sort(np.array(lengths).ravel()[24:]).reshape(-1, 8).max(1)  # without those of warm-up
    saved = 0.01 * 8 * (widths[3:].mean() - ordered.mean())
    step = 2.0 + 0.01 * 8 * widths[3:].mean() + 1 + 1
    assert found.gain.step_share == pytest.approx(saved / step, rel=0.1)
    assert found.gain.low < found.gain.share < found.gain.high < 1
    assert sum(found.removes.values()) == pytest.approx(found.gain.seconds)


@pytest.mark.parametrize(
    ("widths", "lengths", "more"),
    [
        (*mixed(90, 120), {}),  # alike
        (np.full(60, 120), mixed()[1], {}),  # one shape
    ],
    ids=["alike", "one shape"],
)
def test_what_sorting_would_not_help_is_fine(widths, lengths, more):
    assert isinstance(judge(training(widths, lengths, **more)), Fine)


def test_batches_padded_to_a_fixed_length_that_none_of_them_needs():
    """As a tokenizer does with padding="max_length": the width never changes, and the longest sequence is short."""
    found = judge(training(np.full(60, 512), mixed()[1]))
    assert isinstance(found, Finding) and "longest" in found.fix.summary
    assert found.gain.low < found.gain.share < found.gain.high < 1 and found.gain.confidence == 0.4


def test_the_longest_row_of_a_batch_is_expected_where_only_some_rows_were_looked_at():
    """A fixed length that the longest of 256 rows need is right, though the 32 that were read are shorter."""
    drawn = np.random.default_rng(1).exponential(17, (60, 32)).clip(5, 126).astype(int)
    width = np.full(60, 128)
    assert isinstance(judge(training(width, drawn.tolist(), rows=32)), Finding)
    assert isinstance(judge(training(width, drawn.tolist(), rows=256)), Fine)


def test_a_compiled_model_wants_one_shape():
    made = training(np.full(60, 512), mixed()[1])
    made.facts.attached.add("compile")
    add(made.facts, "compile", t0=1, t1=2, frame="f", again=0, backward=False, sizes=False)
    assert isinstance(judge(made), Fine)


def test_what_cannot_be_told_is_not_measured():
    assert isinstance(judge(training(*mixed(), per_position=0.0)), NotMeasured)  # no slope
    assert isinstance(judge(training(*(part[:7] for part in mixed()))), NotMeasured)  # few batches


def test_few_batches_tell_how_much_is_padding_and_the_price_is_a_wide_one():
    found = judge(training(*(part[:14] for part in mixed())))
    assert isinstance(found, Finding) and found.gain.confidence == 0.4
    assert "(assumed)" in found.evidence[4].label and found.gain.low < 0.6 * found.gain.share


def test_a_loop_that_fetches_one_batch_ahead_is_priced_by_the_step_that_trains_on_it():
    """As accelerate does: the batch that a step begins with is trained on in the next one."""
    widths, lengths = mixed()
    found, plain = judge(training(widths, lengths, ahead=1)), judge(training(widths, lengths))
    assert found.gain.confidence == 0.8
    assert found.gain.share == pytest.approx(plain.gain.share, abs=0.03)


def test_without_tokens_there_is_nothing_to_judge():
    assert isinstance(judge(training([], [])), NotApplicable)


def test_the_advice_runs():
    found = judge(training(*mixed()))
    lengths = torch.tensor([len for row in mixed()[1] for len in row])
    scope = {"torch": torch, "batch_size": 7, "lengths": lengths}
    exec(found.fix.snippet.rpartition("DataLoader(")[0], scope)
    batches = list(scope["ByLength"]())
    assert sorted(index for batch in batches for index in batch) == list(range(len(lengths)))
    assert len(batches) == len(scope["ByLength"]()) and max(map(len, batches)) == 7


@given(st.floats(0, 3), st.floats(-5, 5), st.lists(st.integers(1, 10_000), min_size=8, max_size=40, unique=True))
def test_the_slope_is_that_of_a_line_and_few_disturbed_steps_do_not_move_it(slope, base, positions):
    at = np.array(positions, float)
    work = base + slope * at
    assert slope_of(at, work) == pytest.approx(slope, abs=1e-6)
    work[0] += 5
    assert slope_of(at, work) == pytest.approx(slope, abs=1e-6)


@given(st.lists(st.floats(1, 500), min_size=1, max_size=20), st.floats(0, 3), st.floats(0.01, 1))
def test_shorter_batches_save_by_the_power_of_their_length(widths, exponent, factor):
    width = np.array(widths)
    share = saved_share(width, width * factor, exponent)
    expected = 1 - factor**exponent if exponent > 1 else exponent * (1 - factor)
    assert share == pytest.approx(expected, abs=1e-9) and 0 <= share <= 1


PROGRAM = """
import torch
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import DataLoader
data = [torch.arange(1, 5 + index % 40) for index in range(256)]
model = torch.nn.EmbeddingBag(100, 4)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for x in DataLoader(data, batch_size=4, collate_fn=lambda some: pad_sequence(some, batch_first=True)):
    model(x).sum().backward()
    optimizer.step()
"""


def test_a_run_notes_its_batches_where_its_steps_begin(tmp_path):
    script = tmp_path / "train.py"
    script.write_text(PROGRAM)
    ran = bottleneck(tmp_path, script)
    assert ran.code == 0, ran.err
    facts = [json.loads(line) for line in (ran.folder / "tables" / "facts.jsonl").read_text().splitlines()]
    notes = [fields for _, kind, fields in facts if kind == "batch"]
    assert len(notes) == 8 and notes[0]["rows"] == 4  # of 64 batches
    assert [max(note["lengths"]) == note["width"] for note in notes] == [True] * 8
    row = next(row for row in ran.diagnosis["checked"] if row["detector"] == "padding-waste")
    assert row["outcome"] == "fine", row  # the artifact found the steps of these batches


def test_a_fixed_length_is_named_where_it_is_given(tmp_path):
    script = tmp_path / "train.py"
    script.write_text(FIXED)
    ran = bottleneck(tmp_path, script)
    loaded = Artifacts(load(ran.folder))
    assert loaded.get(Padding).waste_share > 0.8
    assert loaded.get(Padding).site == Site(str(script), 10, "encode")


FIXED = """
import time

import torch
from torch.utils.data import DataLoader

LONGEST = 64

def encode(ids):
    return torch.tensor(ids + [0] * (LONGEST - len(ids)))

data = [encode(list(range(1, 3 + i % 5))) for i in range(160)]
model = torch.nn.Sequential(torch.nn.Embedding(100, 4), torch.nn.Flatten(), torch.nn.Linear(256, 2))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
until = time.monotonic() + 0.5
for x in DataLoader(data, batch_size=4):
    model(x).sum().backward()
    optimizer.step()
while time.monotonic() < until:  # long enough for a sample of this file
    pass
"""


def test_what_a_model_infers_is_looked_at_too(tmp_path):
    (tmp_path / "classify.py").write_text(INFERS)
    ran = bottleneck(tmp_path, tmp_path / "classify.py")
    inputs = Artifacts(load(ran.folder)).get(InferredInputs)
    assert inputs.count == 7  # of 100 passes: 1, 2, 4, ..., 64
    assert inputs.fill == pytest.approx(10 / 64)


INFERS = """
import torch

model = torch.nn.Sequential(torch.nn.Embedding(100, 4), torch.nn.Flatten(), torch.nn.Linear(256, 2)).eval()
row = torch.tensor([[7, 8, 9, 10, 11, 12, 13, 14, 15, 16] + [0] * 54])
with torch.no_grad():
    for _ in range(100):
        model(row)
"""
