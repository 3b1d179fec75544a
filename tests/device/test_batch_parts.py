"""What is looked at of one batch: its bytes, and whether bytes would hold what it says."""

from __future__ import annotations

import importlib

import numpy as np
import pytest
import torch
from bottleneck_profiler.capture.inside import _load_child

_load_child()
_batch_parts = importlib.import_module("_bottleneck_child.collectors.support.batch_parts")
IMAGES = torch.randint(0, 256, (4, 3, 32, 32), dtype=torch.uint8)


class Recorder:
    def note(self, kind, parts):
        self.kind, self.parts = kind, parts


def parts_of(batch):
    recorder = Recorder()
    _batch_parts.note_batch_parts(recorder, batch)
    assert recorder.kind == "batch_parts"
    return recorder.parts


@pytest.mark.parametrize(
    ("batch", "size", "item", "bytes_would_do"),
    [
        (IMAGES / 255, 4 * 3072 * 4, 4, True),
        ((IMAGES.double() / 255 - 0.485) / 0.229, 4 * 3072 * 8, 8, True),
        (IMAGES.float().numpy(), 4 * 3072 * 4, 4, True),
        (IMAGES, 4 * 3072, 1, False),
        (torch.randn(4, 3, 32, 32), 4 * 3072 * 4, 4, False),
        (torch.randn(4, 5000), 4 * 5000 * 4, 4, False),
        (torch.zeros(4, 8), 4 * 8 * 4, 4, False),  # too few values to tell
        (torch.randint(0, 9, (4, 5000)), 4 * 5000 * 8, 8, False),  # no floats
        (torch.zeros(0, 3, 32, 32), 0, 4, False),
        (torch.tensor(1.0), 4, 4, False),
    ],
)
def test_what_a_part_is(batch, size, item, bytes_would_do):
    (part,) = parts_of({"images": [batch], "names": ["a", "b"], "count": 3})
    assert (part["bytes"], part["item_bytes"]) == (size, item)
    assert (0 < part["levels"] <= 256) == bytes_would_do


def test_random_numbers_and_the_batch_stay_as_they_are():
    before, images = torch.get_rng_state(), (IMAGES / 255).requires_grad_()
    parts_of((images, torch.arange(4)))
    assert torch.equal(torch.get_rng_state(), before) and images.grad is None
    assert parts_of([np.array(["a", "b"], dtype=object)])[0]["levels"] == 0
    assert len(parts_of([torch.ones(2)] * 100)) <= 16 and parts_of("text") == []
