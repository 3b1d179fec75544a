"""Cells of a notebook: what they are called, and that their text is left only until the source has been asked."""

from __future__ import annotations

import linecache
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from bottleneck_profiler.agent.files import Files
from bottleneck_profiler.diagnosis.findings import Location
from bottleneck_profiler.enrich import enrich_all
from bottleneck_profiler.enrich._cells import readable_cells, statements_before
from bottleneck_profiler.recording.facts import KnownLine
from run.made_up import Stood, library, recording, user

IMPORTS = "import copy\ntemplate = {'a': [1, 2]}"
LOOP = "get_ipython().run_line_magic('bottleneck', '')\nfor _ in range(9):\n    copy.deepcopy(template)"
BROKEN = "for"
THIRD = "/tmp/ipykernel_7/123.py"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run folder, in a program whose third cell is known to IPython and to linecache."""
    compiler = SimpleNamespace(format_code_name={THIRD: ("Cell", "In[3]")}.get)
    history = SimpleNamespace(input_hist_parsed=["", IMPORTS, BROKEN, LOOP])
    shell = SimpleNamespace(compile=compiler, history_manager=history)
    shells = SimpleNamespace(InteractiveShell=SimpleNamespace(_instance=shell))
    monkeypatch.setitem(sys.modules, "IPython.core.interactiveshell", shells)
    monkeypatch.setitem(linecache.cache, THIRD, (len(LOOP), None, LOOP.splitlines(True), THIRD))
    (tmp_path / "live").mkdir()
    (tmp_path / "tables").mkdir()
    return tmp_path


def test_a_cell_is_called_by_its_number_and_a_file_by_its_path(folder: Path) -> None:
    files = Files(str(folder / "live"))
    assert files.name(THIRD) == "cell [3]"
    assert files.name("/home/ada/job.py") == "/home/ada/job.py"
    assert files.name("job.py") == str(Path("job.py").absolute())
    assert files.name("<string>") == "<string>"
    assert str(Location("cell [3]", 2)) == "cell [3], line 2"
    assert str(Location("job.py", 2)) == "job.py:2"


NO_SHELL = SimpleNamespace(InteractiveShell=SimpleNamespace(_instance=None))


def test_a_program_that_imports_ipython_is_not_asked_for_its_shell(monkeypatch: pytest.MonkeyPatch) -> None:
    """What get_ipython() imports would come before its turn."""
    asked: list[int] = []
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: asked.append(1)))
    monkeypatch.delitem(sys.modules, "IPython.core.interactiveshell", raising=False)
    assert Files("").name(THIRD) == THIRD
    assert not asked


@pytest.mark.parametrize("shells", [None, SimpleNamespace(), NO_SHELL], ids=str)
def test_without_a_shell_a_file_is_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, shells: object) -> None:
    monkeypatch.setitem(sys.modules, "IPython.core.interactiveshell", shells)
    assert Files(str(tmp_path)).name(THIRD) == THIRD
    assert list(tmp_path.iterdir()) == []


def test_the_text_of_cells_is_there_while_the_source_is_asked_and_gone_afterwards(folder: Path) -> None:
    Files(str(folder / "live")).name(THIRD)
    (left,) = (folder / "live").iterdir()
    assert left.stat().st_mode & 0o777 == 0o600
    with readable_cells(folder):
        assert linecache.getline("cell [3]", 3).strip() == "copy.deepcopy(template)"
        before = statements_before("cell [3]")
        assert [statement.lineno for statement in before] == [-3, -2]  # the cell that cannot be parsed is left out
    assert "cell [3]" not in linecache.cache
    assert statements_before("cell [3]") == []
    assert list((folder / "live").iterdir()) == []


def test_what_is_left_of_a_cut_off_text_does_no_harm(folder: Path) -> None:
    Files(str(folder / "live")).name(THIRD)
    (left,) = (folder / "live").iterdir()
    left.write_bytes(left.read_bytes()[:-5])
    with readable_cells(folder):
        assert linecache.getline("cell [3]", 3).strip() == "copy.deepcopy(template)"


def test_a_pattern_is_recognised_by_what_another_cell_imports(folder: Path) -> None:
    Files(str(folder / "live")).name(THIRD)
    copies = library("deepcopy", "/usr/lib/python3.11/copy.py")
    recorded = recording(Stood((copies, user(3, "<module>", "cell [3]")), 0, 4_000))
    enrich_all(folder, recorded)
    (found,) = (fact for _, fact in recorded.facts.of(KnownLine))
    assert (found.file, found.line, found.pattern) == ("cell [3]", 3, "deepcopy-in-loop")
