"""The user's modules are imported for their definitions alone: nothing starts, loads or connects."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest
from bottleneck_profiler.enrich import _model_source as source

APP = """
from __future__ import annotations
import math
import other
from other import Base, made
WIDTH, SCALE = 4, math.sqrt(16.0)
NAMES: dict[str, int] = {"a": WIDTH * 2}
connection = connect("db")
app = Framework()

@app.get("/")
def index():
    return 1

class Net(Base):
    width = WIDTH
    def forward(self) -> NotThere:
        return self.width * SCALE

try:
    import nowhere
except ImportError:
    nowhere = None
    print("not printed")
if WIDTH > 2:
    DEEP = True
    open("written", "w")
if __name__ == "__main__":
    serve(app)
for _ in range(3):
    open("written", "w")
"""
OTHER = """
class Base:
    pass
made = open("written", "w")
print("not printed")
"""


def test_classes_functions_and_constants_are_there_and_nothing_has_run(tmp_path: Path):
    (tmp_path / "app.py").write_text(APP)
    (tmp_path / "other.py").write_text(OTHER)
    code = (
        f"import sys; sys.path.insert(0, {str(Path(source.__file__).parent)!r}); import _model_source as source\n"
        f"sys.path.insert(0, {str(tmp_path)!r})\n"
        "sys.meta_path.insert(0, source.Finder((sys.prefix, sys.base_prefix)))\n"
        f"main = source.main_module({str(tmp_path / 'app.py')!r})\n"
        "assert main.Net().forward() == 16.0 and main.Net.__module__ == '__main__' and main.DEEP\n"
        "assert main.NAMES == {'a': 8} and main.nowhere is None and not hasattr(main, 'app')\n"
        "import other; assert not hasattr(other, 'made')\n"
    )
    done = subprocess.run([sys.executable, "-I", "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "" and not (tmp_path / "written").exists()


@pytest.mark.parametrize(
    "text",
    ["x = load()", "x = [load() for _ in y]", "run()", "del x", "with a: pass", "x = math.sqrt(load())", "x += 1",
     "if __name__ == '__main__': import a", "if load(): import a", "while True: import a"],
)  # fmt: skip
def test_statements_that_do_something_are_left_out(text):
    assert [*source.kept(ast.parse(text).body)] == []


@pytest.mark.parametrize(
    "text", ["x = 1", "x: int = 1", "import a", "x = torch.device('cpu')", "x = y.z + 1", "def f(): run()"]
)
def test_definitions_are_kept(text):
    assert len([*source.kept(ast.parse(text).body)]) == 1
