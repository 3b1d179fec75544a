"""The child's look at growing containers: what it notes, and that it changes nothing."""

from __future__ import annotations

import gc
import sys
import weakref
from collections import defaultdict, deque

import pytest
from bottleneck_profiler.agent.files import Files
from bottleneck_profiler.collectors.support import growth as growing
from bottleneck_profiler.collectors.support.growth import Growth


class Notes:
    """Stands in for the recorder: keeps notes."""

    prefixes = ("/nowhere/",)
    files = Files("")

    def __init__(self):
        self.found = []

    def note(self, kind, **fields):  # as recorder.Recorder.note
        self.found.append((kind, fields))

    def site_of(self, code, line):
        return 1

    def user_frame(self, frame):
        return frame if frame is not None and frame.f_code.co_filename == __file__ else None


class Clock:
    """It advances by a microsecond at each reading, and when told to."""

    ns = 0

    def __call__(self):
        self.ns += 1_000
        return self.ns


@pytest.fixture
def clock(monkeypatch):
    made = Clock()
    monkeypatch.setattr(growing, "now", made)
    return made


@pytest.fixture
def growth(clock):
    made = Growth(Notes())
    sizes = iter(range(100 << 20, 1 << 40, 8 << 20))

    def rss():  # memory that grows by 8 MiB between looks
        clock.ns += 1_000_000_000
        return next(sizes)

    made.rss = rss
    return made


def names(growth):
    return {fields["name"] for _, fields in growth.recorder.found}


KEPT = []


class History:
    def __init__(self):
        self.rows = {}
        self.fixed = [0] * 50


def grow(growth):
    """No assert in here: pytest's own rewriting of it calls locals(), and such functions are left alone."""
    losses, queue, constant, history = [], deque(), list(range(100)), History()
    for step in range(30):
        losses.append(1.0)
        queue.append(step)
        KEPT.append(step)
        history.rows[step] = b"x" * 1000
        if step % 5 == 0:
            growth.look(sys._getframe())
    return constant


def test_locals_globals_and_attributes_that_grow_are_noted_and_others_are_not(growth):
    grow(growth)
    assert {"losses", "queue", "KEPT", "history.rows"} <= names(growth)
    assert not {"constant", "history.fixed"} & names(growth)
    last = {fields["name"]: fields for _, fields in growth.recorder.found}
    assert (
        last["losses"]["length"] == 26 and last["losses"]["container"] == "list" and last["losses"]["item"] == "float"
    )
    assert last["history.rows"]["item_bytes"] > 1000
    assert last["history.rows"]["file"] == __file__


def test_nothing_is_looked_at_while_memory_stays(growth):
    growth.rss = lambda: 100 << 20
    losses = []
    for _ in range(40):
        losses.append(0)
        growth.look(sys._getframe())
    assert growth.recorder.found == []


class Odd(list):
    def __len__(self):
        raise AssertionError("called")

    def __bool__(self):
        raise AssertionError("called")


class Proxy:
    def __getattribute__(self, name):
        raise AssertionError("called")

    @property
    def __class__(self):
        raise AssertionError("called")


def grow_odd(growth):
    odd, proxy = Odd(), Proxy()
    for _ in range(20):
        list.append(odd, 1)
        growth.look(sys._getframe())
    return proxy


def test_a_users_own_len_getattr_and_class_are_never_called(growth):
    grow_odd(growth)
    assert "odd" in names(growth)


class Big:
    pass


def drop(growth):
    big = Big()
    watch = weakref.ref(big)
    growth.look(sys._getframe())
    growth.look(sys._getframe())
    del big
    gc.collect()
    return watch() is None, growth._lengths


def test_no_reference_to_what_the_user_dropped_is_kept(growth):
    assert drop(growth)[0]


def take_snapshot(growth):
    value = 1
    mine = locals()
    value = 2
    growth.look(sys._getframe())
    growth.look(sys._getframe())
    return mine["value"], value


def test_the_users_locals_snapshot_stays_as_it_was(growth):
    assert take_snapshot(growth) == (1, 2)


def test_a_look_is_bounded(growth):
    crowd = {f"name{number}": [] for number in range(20_000)}
    exec("for step in range(3):\n look(frame())", {**crowd, "look": growth.look, "frame": sys._getframe})
    assert len(growth._lengths) < 4 * 1500


def test_lengths_are_read_for_a_small_share_of_the_time(clock):
    growth = Growth(Notes())
    sizes = iter(range(100 << 20, 1 << 40, 8 << 20))
    spent = [0]

    def rss():
        clock.ns += 100_000
        return next(sizes)

    def frame(*_):
        clock.ns += 200_000
        spent[0] += 200_000

    growth.rss, growth._frame = rss, frame
    for _ in range(20_000):
        growth.look(sys._getframe())
    assert 0.001 < spent[0] / clock.ns < 0.003


def test_due_gets_rarer():
    growth = Growth(Notes())
    for _ in range(100_000):
        if growth.due():
            growth.look(None)
    assert 200 < growth.looks < 2000


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_rss_is_this_process():
    growth = Growth(Notes())
    before = growth.rss()
    ballast = bytearray(64 << 20)
    assert growth.rss() - before > 60 << 20
    assert ballast is not None


def test_a_tensor_that_holds_its_graph_is_told_apart():
    torch = pytest.importorskip("torch")
    from bottleneck_profiler.collectors.support.newest import newest

    weight = torch.ones(4, requires_grad=True)
    assert newest(list, [weight * 2])[0] == "tensor with graph"
    assert newest(list, [(weight * 2).detach()]) == ("tensor", 16)
    assert newest(dict, {"a": {"loss": weight.sum()}})[0] == "tensor with graph"


class Trainer:
    def __init__(self):
        self.history = {"loss": [], "fixed": [0] * 50}

    def step(self, growth, look):
        self.history["loss"].append(1.0)
        if look:
            growth.look(sys._getframe())


def grow_in_dicts(growth):
    history, nested = defaultdict(list), {"train": {"loss": deque()}, "best": 0}
    key, trainer, table = Unspeakable(), Trainer(), {number: [] for number in range(500)}
    odd = {key: []}
    for step in range(30):
        history["loss"].append(1.0)
        history[0].append(1.0)
        nested["train"]["loss"].append(1.0)
        table[7].append(step)
        odd[key].append(step)
        trainer.step(growth, step % 5 == 0)


class Unspeakable:
    def __repr__(self):
        raise AssertionError("called")


def test_containers_in_dicts_are_noted_under_their_key(growth):
    grow_in_dicts(growth)
    found = {fields["name"] + fields["key"] for _, fields in growth.recorder.found}
    mine = {name for name in found if not name.startswith("growth.")}
    assert mine == {"history['loss']", "history[0]", "nested['train']['loss']", "self.history['loss']"}


class OddDict(dict):
    def __len__(self):
        raise AssertionError("called")

    items = values = keys = __iter__ = __getitem__ = __repr__ = __len__


def grow_odd_dict(growth):
    odd, losses = OddDict(), []
    dict.__setitem__(odd, "loss", losses)
    for _ in range(20):
        losses.append(1)
        growth.look(sys._getframe())


def test_a_dict_of_the_users_own_class_is_never_asked(growth):
    grow_odd_dict(growth)
    assert "losses" in names(growth) or "odd" in names(growth)


def test_a_look_from_inside_a_look_does_nothing(growth):
    note = growth.recorder.note
    growth.recorder.note = lambda kind, **fields: (growth.look(sys._getframe()), note(kind, **fields))
    grow(growth)
    looks = growth.looks
    assert names(growth) and looks == 6
