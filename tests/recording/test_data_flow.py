"""What the loss and the input of the model depend on, found in source."""

from __future__ import annotations

import ast

import pytest
from bottleneck_profiler.enrich.source.flow_lines import find_flow_lines, find_zeroing_lines

LOOP = """
def train(loader, model):
    total = 0
    for x, y in loader:
        x = augment(x)
        out = model(x)
        accuracy = metric(out, y)
        kl = divergence(out.mean)
        loss = reconstruction(
            out, y)
        loss += 0.1 * kl
        loss.backward()
        total += loss.item()
    return total
"""


def test_the_slice_holds_what_the_loss_is_made_of_and_nothing_else():
    assert find_flow_lines(ast.parse(LOOP)) == {5, 6, 8, 9, 10, 11, 12}


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        ("loss = f(a)\nscaler.scale(loss).backward()", {1, 2}),
        ("loss = f(a)\nother = g(a)\naccelerator.backward(loss)", {1, 3}),
        ("self.loss = f(a)\nself.loss.backward()", {1, 2}),
        ("a, loss = f(b)\n(loss / 4).backward()", {1, 2}),
        ("def training_step(self, batch):\n    loss = f(batch)\n    self.log('x', g(batch))\n    return loss", {2, 4}),
        ("def compute(self):\n    loss = f()\n    return loss", set()),
        ("def outer():\n    loss = f()\n    def inner():\n        loss = g()\n        loss.backward()", {4, 5}),
    ],
)
def test_ways_to_write_it(source: str, lines: set[int]):
    assert find_flow_lines(ast.parse(source)) == lines


def test_without_a_loss_the_input_of_the_forward_counts():
    source = "for path in files:\n    image = load(path)\n    label = model(image)\n    results.append(label)\n"
    assert find_flow_lines(ast.parse(source), {3}) == {2, 3}


def test_gradients_are_zeroed_on_these_lines():
    source = "def step(m):\n    m.optimizer.zero_grad(\n        set_to_none=True)\n    m.zero_grad; other()\n"
    assert find_zeroing_lines(ast.parse(source)) == {2, 3}
