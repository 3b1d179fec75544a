"""What the detectors say as data is what their snippets say."""

from __future__ import annotations

from typing import Any

import pytest
from bottleneck_profiler.artifacts.loading.loader import Loader
from bottleneck_profiler.detectors._common import loader_snippet, rarer_edit, workers_edit
from bottleneck_profiler.diagnosis.findings import Arguments, Cadence
from bottleneck_profiler.recording.model import Site
from typed import fact

SITE = Site("/home/me/train.py", 12, "main")


def loader(site: Site | None = SITE, **facts: Any) -> Loader:
    return Loader(1, 0, fact("loader", **{"num_workers": 0, **facts}), site, None, None, None)


def test_workers_for_the_call_that_made_the_loader():
    edit = workers_edit(loader(), 3)
    values = {"num_workers": "3", "persistent_workers": "True"}
    assert edit == Arguments(SITE.file, 12, "torch.utils.data.DataLoader", values)
    assert workers_edit(loader(None), 3) is None
    assert loader_snippet(loader(), 3) == "DataLoader(..., num_workers=3, persistent_workers=True)"


@pytest.mark.parametrize("workers, shared", [(0, True), (1, True), (2, False)])
def test_a_stream_is_not_given_whole_to_several_workers(workers: int, shared: bool):
    stream = loader(iterable=True, num_workers=workers)
    assert (workers_edit(stream, 4) is None) == shared
    assert ("get_worker_info" in loader_snippet(stream, 4)) == shared
    compile(loader_snippet(stream, 4), "snippet", "exec")


class Steps:
    kind = "loader"
    all_count = 900


class Loading:
    epochs = 3


def test_a_cadence_stays_within_an_epoch():
    assert rarer_edit(SITE, Steps, Loading, 5) == Cadence(SITE.file, 12, 5, 300)
    assert rarer_edit(None, Steps, Loading, 5) is None
    assert rarer_edit(SITE, Steps, None, 5) is None
