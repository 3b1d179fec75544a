"""What is looked at of one batch: its bytes, and whether bytes would hold what it says."""

from __future__ import annotations

import importlib
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from bottleneck_profiler.capture.inside import _load_child

_load_child()
_batch_parts = importlib.import_module("_bottleneck_child.collectors.support.batch_parts")
_carried = importlib.import_module("_bottleneck_child.collectors.support.carried")
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


class Pinned:
    """Stands for the plain tensor of a machine with a device: whether it is pinned is asked of the driver there."""

    device = torch.device("cpu")

    def __init__(self, count, pinned):
        self.numel, self.is_pinned = lambda: count, lambda: pinned
        self.element_size = lambda: 4


def carried(*values, may_ask=True, clock=True):
    noted = []
    device = SimpleNamespace(may_ask=lambda: may_ask) if clock else None
    recorder = SimpleNamespace(clock=device, note=lambda kind, **fields: noted.append((kind, fields)))
    _carried.note_carried(recorder, SimpleNamespace(Tensor=Pinned), values, 3, 70)
    return noted


def test_a_batch_is_weighed_once_a_device_is_in_use():
    def weighed(size, pinned):
        return [("carried", {"loader": 3, "time_ns": 70, "bytes": size, "pinned": pinned})]

    assert carried(Pinned(100, False), "label", Pinned(7, False)) == weighed(428, False)
    assert carried(Pinned(100, True), Pinned(0, False)) == weighed(400, True)
    assert carried(Pinned(100, True), Pinned(1, False)) == weighed(404, None)
    assert carried("label") == carried(*[Pinned(1, True)] * 17) == []
    assert carried(Pinned(100, True), clock=False) == carried(Pinned(100, True), may_ask=False) == []
