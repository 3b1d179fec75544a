"""Real workers: what their batches weigh, and whether the same index gives the same again, as it was recorded."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from bottleneck_profiler import signals
from bottleneck_profiler.artifacts.loading.sample_reuse import _compared
from bottleneck_profiler.recording.read import load
from helpers import bottleneck

PROGRAM = """\
import sys, time, numpy, torch
from torch.utils.data import DataLoader, Dataset

class Rows(Dataset):
    def __init__(self, noise):
        self.noise = noise
    def __len__(self):
        return 96
    def __getitem__(self, index):
        time.sleep(0.001)
        return numpy.full(1000, index + self.noise * numpy.random.rand(), numpy.float32)

def main():
    total = 0.0
    for noise, size, collate in ((0, 4, numpy.stack), (1, 3, None)):
        more = dict(num_workers=1, persistent_workers=True, collate_fn=collate)
        loader = DataLoader(Rows(noise), batch_size=size, shuffle=True, **more)
        for epoch in range(3):
            for batch in loader:
                total += float(batch.sum())
    print(total)

torch.manual_seed(0)
main()
"""


def test_what_workers_send_and_make_again(tmp_path: Path):
    (tmp_path / "rows.py").write_text(PROGRAM)
    ran = bottleneck(tmp_path, "rows.py", options=("--quiet",))
    assert ran.code == 0, ran.err
    recording = load(ran.folder)
    assert recording.facts.failed == {}
    sent: dict[int, list[int]] = {1: [], 2: []}
    outputs = {}
    events = recording.events
    for loader in sent:
        facts = recording.facts.loaders[0, loader]
        assert facts.sampler == "RandomSampler" and facts.in_order in (True, None)
        processes = [p.index for p in recording.facts.processes if p.loader == loader]
        samples = recording.samples[np.isin(recording.samples["process"], processes)]
        sent[loader] = samples["arg"][samples["kind"] == signals.PICKLED].tolist()
        keys = samples[samples["kind"] == signals.SAMPLE_KEY]
        assert len(keys) and (keys["flags"] == 4).all() and ((keys["arg"] >> np.uint64(32)) < 96).all()
        starts = events["t0"][(events["kind"] == signals.LOADER_START) & (events["arg"] == loader)]
        outputs[loader] = _compared(keys, np.searchsorted(np.sort(starts), keys["t0"]))
    assert sent[1] and min(sent[1]) > 4 * 1000 * 4  # the array itself
    assert sent[2] and max(sent[2]) < 4000  # where its memory lies
    assert outputs[1][0] == outputs[1][1] > 0
    assert outputs[2][0] > 0 == outputs[2][1]
