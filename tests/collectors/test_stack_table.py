"""The line of a frame that stands at an instruction without one."""

from __future__ import annotations

import dis

from bottleneck_profiler.agent.frames import line_before


def loop(items):
    kept = []
    for item in items:
        kept.append(item if item else 0)
    return kept


def test_a_jump_back_belongs_to_the_line_in_front_of_it():
    first = loop.__code__.co_firstlineno
    lines = {at.offset: line_before(loop.__code__, at.offset) for at in dis.get_instructions(loop)}
    jumps = [at.offset for at in dis.get_instructions(loop) if "JUMP" in at.opname and at.argval < at.offset]
    assert jumps and all(first + 2 <= lines[at] <= first + 3 for at in jumps)
    assert list(lines.values())[-1] == first + 4
    assert all(first <= line <= first + 4 for line in lines.values())
