"""Any Python file, any line, any frames: an answer, never an exception."""

import ast
import sysconfig
from pathlib import Path

import pytest
from bottleneck_profiler.patterns import Frame, Pattern, Position, Sighting, Source, recognise
from bottleneck_profiler.patterns.padding import padding_lines
from hypothesis import given
from hypothesis import strategies as st

FOLDER = Path(sysconfig.get_paths()["stdlib"])
FILES = sorted(path for path in FOLDER.glob("*.py") if path.stat().st_size < 40_000)[::3]
PLACES = [
    "pandas/core/frame.py",
    "torch/_tensor.py",
    "copy.py",
    "json/decoder.py",
    "/",
    "",
    "\\windows\\pandas\\io\\sql.py",
]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_line_of_the_standard_library_can_be_asked(path: Path) -> None:
    text = path.read_text(encoding="utf-8", errors="replace")
    source = Source(text)
    for line in range(text.count("\n") + 2):
        assert recognise(Sighting(source, line)) is None or line in source.by_line
    assert padding_lines(source) <= source.by_line.keys()


frames = st.builds(Frame, st.text(max_size=8), st.sampled_from(PLACES) | st.text(max_size=12))
positions = st.builds(Position, *[st.integers(-1, 40)] * 4)
flags = st.fixed_dictionaries(
    {name: st.booleans() for name in ("loading", "handler", "event_loop", "step", "evaluating")}
)
CODE = """
import pandas as pd, torch, json, copy
async def f(x, y=1, *z, k: int = 3, **w):
    async with x as (a, [b, *c]): a, b = b, a
    for i, (j, x) in enumerate(zip(x, y)): x[i] = x[j] = torch.cat([x, *z])[i:]; await x(json.loads(j))
    while (n := len(y)) > 3: del x, y; x += [copy.deepcopy(q) for q in x if q in y for r in q]
    return (lambda *x: x[0].iloc[y](x))(x), {**w}, f"{x!r:>{y}}"
class A(pd.DataFrame):
    x: int
    def __getitem__(self, i): self.x = self.x[i]; return self.x, self.frame.loc[i], torch.tensor(self.x)
    match = pd
try: f = f(f)
except* ValueError as f: pass
""".replace("except*", "except")
SOURCE = Source(CODE)


@given(st.integers(-2, 30), st.lists(frames, max_size=3), st.none() | positions, flags)
def test_any_sighting_gets_an_answer(
    line: int, below: list[Frame], position: Position | None, context: dict[str, bool]
) -> None:
    found = recognise(Sighting(SOURCE, line, "f", tuple(below), position=position, **context))
    assert found is None or isinstance(found, Pattern)


def test_a_call_is_told_from_others_on_its_line_by_the_position() -> None:
    text = (
        "import torch\ndef f(parts, whole):\n    for p in parts:\n        whole = torch.cat([whole, torch.relu(p)])\n"
    )
    source = Source(text)
    assert recognise(Sighting(source, 4)) is None  # either call could be it
    cat, relu = [node for node in source.by_line[4] if isinstance(node, ast.Call)]
    found = []
    for node in (cat, relu):
        assert node.end_lineno is not None and node.end_col_offset is not None
        where = Position(node.lineno, node.col_offset, node.end_lineno, node.end_col_offset)
        found.append(recognise(Sighting(source, 4, position=where)))
    assert found[0] is not None and found[0].id == "grow-own-argument" and found[1] is None


@pytest.mark.skipif(
    not hasattr(test_a_call_is_told_from_others_on_its_line_by_the_position.__code__, "co_positions"),
    reason="Python 3.10",
)
def test_positions_are_those_of_the_interpreter() -> None:
    text = "import torch\nwhole = 1\nfor p in ():\n    whole = torch.cat([whole, torch.relu(p)])\n"
    found = set()
    for line, end_line, column, end_column in compile(text, "x", "exec").co_positions():
        if line == 4 and None not in (end_line, column, end_column):
            seen = recognise(
                Sighting(Source(text), 4, position=Position(line, column or 0, end_line or 0, end_column or 0))
            )
            found.add(seen.id if seen else None)
    assert found == {None, "grow-own-argument"}
