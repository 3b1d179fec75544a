"""Console scripts: the script is nobody's line, and an installed project of the user's is the user's."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest
from bottleneck_profiler.capture.own_package import own_paths
from bottleneck_profiler.recording.read import load
from helpers import bottleneck

SCRIPT = f"#!{sys.executable}\nfrom tool.cli import main\nmain()\n"
SPINS = """
import time
def main():
    end = time.monotonic() + 1.5
    while time.monotonic() < end:
        sum(range(99))
"""


def install(folder: Path, url: str = "file:///home/ada/tool", by: str = "pip", **origin: object) -> Path:
    """A project as pip installs it into the environment ``folder``; its console script."""
    site = folder / "lib" / "python3.11" / "site-packages"
    about = site / "tool-1.0.dist-info"
    (site / "tool").mkdir(parents=True)
    about.mkdir()
    (folder / "bin").mkdir()
    (site / "tool" / "cli.py").write_text(SPINS)
    (about / "INSTALLER").write_text(by)
    (about / "RECORD").write_text("../../../bin/tool,sha256=x,1\ntool-1.0.dist-info/RECORD,,\ntool/cli.py,sha256=x,1\n")
    (about / "direct_url.json").write_text(json.dumps({"url": url, **(origin or {"dir_info": {}})}))
    script = folder / "bin" / "tool"
    script.write_text(SCRIPT)
    script.chmod(0o755)
    (folder / "bin" / "python").symlink_to(sys.executable)
    return script


def test_a_project_installed_from_a_folder_is_the_users(tmp_path: Path):
    script = install(tmp_path)
    own = [str(tmp_path / "lib" / "python3.11" / "site-packages" / "tool") + os.sep]
    assert own_paths([str(script), "--fast"]) == own
    assert own_paths([str(tmp_path / "bin" / "python"), "-m", "tool.cli"]) == own


@pytest.mark.parametrize("command", [["python", "train.py"], ["python", "-m", "pip"], ["bin/other"], ["no-such-tool"]])
def test_other_commands_start_no_installed_project(tmp_path: Path, command: list[str]):
    install(tmp_path)
    (tmp_path / "bin" / "other").write_text(SCRIPT)
    assert own_paths([str(tmp_path / command[0]) if "/" in command[0] else command[0], *command[1:]]) == []


def test_packages_from_an_index_or_a_builder_are_libraries(tmp_path: Path):
    assert own_paths([str(install(tmp_path / "archive", url="https://example.org/t.whl", archive_info={}))]) == []
    assert own_paths([str(install(tmp_path / "built", by="conda\n"))]) == []


@pytest.mark.parametrize("local", [True, False])
def test_the_place_is_in_the_project_and_never_in_its_console_script(tmp_path: Path, local: bool):
    script = install(tmp_path, **({} if local else {"archive_info": {}}))
    path = os.pathsep.join([str(tmp_path / "lib" / "python3.11" / "site-packages"), os.environ.get("PYTHONPATH", "")])
    stacks = load(bottleneck(tmp_path, script, env={"PYTHONPATH": path}).folder).facts.stacks.values()
    assert any(frame.function == "main" for frames in stacks for frame in frames)
    users = {frame.file for frames in stacks for frame in frames if frame.user}
    assert users == ({str(tmp_path / "lib/python3.11/site-packages/tool/cli.py")} if local else set())
