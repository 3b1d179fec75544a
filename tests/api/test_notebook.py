"""In a real Jupyter kernel: the report below the cell, ``%%bottleneck``, and places that name the cell."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent
from typing import Any, NamedTuple

import pytest

pytest.importorskip("ipykernel")
manager = pytest.importorskip("jupyter_client.manager")


class Cell(NamedTuple):
    """One cell that was run: its number, how it ended, and what the kernel sent for it, in order."""

    number: int
    status: str
    messages: list[tuple[str, dict[str, Any]]]

    def sent(self, kind: str) -> list[dict[str, Any]]:
        return [content for sent, content in self.messages if sent == kind]

    @property
    def report(self) -> dict[str, str]:
        """What the one report below the cell consists of."""
        (report,) = (content["data"] for content in self.sent("display_data"))
        return report

    @property
    def result(self) -> str | None:
        return next((content["data"]["text/plain"] for content in self.sent("execute_result")), None)


class Notebook:
    def __init__(self, client: Any, folder: Path) -> None:
        self.client, self.folder = client, folder

    def run(self, code: str) -> Cell:
        messages: list[tuple[str, dict[str, Any]]] = []
        reply = self.client.execute_interactive(
            dedent(code).strip("\n"),
            timeout=200,
            stop_on_error=False,  # it would drop what is sent right after
            output_hook=lambda message: messages.append((message["msg_type"], message["content"])),
        )["content"]
        return Cell(reply["execution_count"], reply["status"], messages)

    @property
    def last_run(self) -> Path:
        return max((self.folder / ".bottleneck" / "runs").iterdir(), key=lambda path: path.stat().st_mtime_ns)


@pytest.fixture(scope="module")
def notebook(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Notebook]:
    folder = tmp_path_factory.mktemp("notebook")
    with pytest.MonkeyPatch.context() as patch:
        for name in ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR"):
            patch.setenv(name, str(tmp_path_factory.mktemp(name.lower())))
        kernel, client = manager.start_new_kernel(kernel_name="python3", cwd=str(folder), env=dict(os.environ))
        try:
            made = Notebook(client, folder)
            begin = made.run("import copy, time\nimport bottleneck_profiler as bp\n%load_ext bottleneck_profiler")
            assert begin.status == "ok", begin.messages
            yield made
        finally:
            client.stop_channels()
            kernel.shutdown_kernel(now=True)


def test_a_profiled_cell_shows_its_report_once_and_names_its_own_line(notebook: Notebook) -> None:
    cell = notebook.run("""
        %%bottleneck
        template = {"numbers": list(range(40)), "token": "hunter2"}
        end = time.thread_time() + 5
        while time.thread_time() < end:
            copies = copy.deepcopy(template)
    """)
    assert cell.status == "ok", cell.messages
    text, html = cell.report["text/plain"], cell.report["text/html"]
    place = f"cell [{cell.number}], line 5"
    assert place in text and place in html
    assert "ipykernel" not in text + html and "hunter2" not in text + html
    assert html.startswith("<iframe sandbox")
    assert f"Report: {notebook.last_run}/report.html" in text
    assert cell.sent("stream") == []

    diagnosis = json.loads((notebook.last_run / "diagnosis.json").read_text())
    first = diagnosis["findings"][0]
    assert first["detector"] == "deepcopy-in-loop"  # its import stands in another cell
    assert (first["location"]["file"], first["location"]["line"]) == (f"cell [{cell.number}]", 5)
    roots = {(node["function"], node["file"]) for node in diagnosis["view"]["calls"]}
    assert roots == {("<module>", f"cell [{cell.number}]")}  # nothing of the kernel's is above it
    assert diagnosis["run"]["command"] == "notebook"


def test_the_recording_holds_neither_source_nor_files_of_the_kernel(notebook: Notebook) -> None:
    notebook.run("""
        %%bottleneck
        password = "hunter2"
        end = time.thread_time() + 0.5
        while time.thread_time() < end:
            sum(range(1000))
    """)
    facts = (notebook.last_run / "tables" / "facts.jsonl").read_text()
    assert "cell [" in facts and "ipykernel_" not in facts
    assert not [path for path in notebook.last_run.rglob("*") if path.is_file() and b"hunter2" in path.read_bytes()]


def test_a_profiled_cell_gives_the_result_and_the_names_of_a_plain_one(notebook: Notebook) -> None:
    cell = notebook.run("""
        %%bottleneck sums
        import asyncio
        value = 20
        print("working")
        await asyncio.sleep(0)
        value + 1
    """)
    assert (cell.status, cell.result) == ("ok", "21")
    assert "notebook" in cell.report["text/plain"] and notebook.last_run.name.endswith("-sums")
    assert "".join(content["text"] for content in cell.sent("stream")) == "working\n"
    assert notebook.run("value, _").result == "(20, 21)"
    assert notebook.run("%%bottleneck\n7;").result is None


def test_an_exception_is_that_of_a_plain_cell_and_the_report_follows(notebook: Notebook) -> None:
    code = """
        {}
        def fail():
            raise KeyError("mine")
        fail()
    """
    plain, cell = notebook.run(code.format("first = 1")), notebook.run(code.format("%%bottleneck"))
    assert cell.status == plain.status == "error"
    (error,), (expected,) = cell.sent("error"), plain.sent("error")
    assert (error["ename"], error["evalue"]) == (expected["ename"], expected["evalue"]) == ("KeyError", "'mine'")
    assert len(error["traceback"]) == len(expected["traceback"])
    kinds = [kind for kind, _ in cell.messages]
    assert kinds.index("error") < kinds.index("display_data")
    assert cell.report["text/html"]
    assert notebook.run("fail.__name__").result == "'fail'"


def test_a_cell_that_does_not_compile_is_not_profiled(notebook: Notebook) -> None:
    cell = notebook.run("%%bottleneck\nfor")
    assert cell.status == "error" and cell.sent("display_data") == []
    assert notebook.run("1").sent("display_data") == []


def test_blocks_inside_each_other_show_one_report_and_quiet_ones_none(notebook: Notebook) -> None:
    cell = notebook.run("""
        with bp.profile(name="outer") as outer:
            with bp.profile() as inner:
                total = sum(range(10))
    """)
    assert cell.status == "ok" and cell.report["text/html"]
    assert "no records lost" in cell.report["text/plain"]
    assert notebook.run("inner.run_dir == outer.run_dir, inner.wait()").result == "(True, True)"
    quiet = notebook.run("with bp.profile(quiet=True) as result:\n    pass\nresult.wait()")
    assert (quiet.result, quiet.sent("display_data")) == ("True", [])


def test_a_cell_inside_a_cell_belongs_to_it(notebook: Notebook) -> None:
    cell = notebook.run("""
        %%bottleneck
        get_ipython().run_cell("inner = 1")
        with bp.profile() as joined:
            pass
        joined.report()
    """)
    assert cell.result is not None and "still recording" in cell.result
    assert cell.report["text/html"]


def test_the_magic_is_there_once_and_can_be_taken_away(notebook: Notebook) -> None:
    assert notebook.run("%reload_ext bottleneck_profiler").status == "ok"
    assert notebook.run("%%bottleneck\n1 + 1").report["text/html"]
    timed = notebook.run("%%time\n%%bottleneck\n2 + 2")
    assert (timed.result, bool(timed.report["text/html"])) == ("4", True)
    called = notebook.run("get_ipython().run_cell_magic('bottleneck', '', 'within = 5')")
    assert called.report["text/html"] and notebook.run("within").result == "5"
    assert notebook.run("%unload_ext bottleneck_profiler").status == "ok"
    gone = notebook.run("%%bottleneck\n1")
    assert gone.sent("display_data") == [] and "not found" in str(gone.messages)
    assert notebook.run("%load_ext bottleneck_profiler").status == "ok"


def test_what_cannot_be_recorded_is_said_below_the_cell(notebook: Notebook) -> None:
    (notebook.folder / "full").mkdir()
    (notebook.folder / "full" / "file").touch()
    cell = notebook.run("with bp.profile(run_dir='full'):\n    ran = True\nran")
    assert cell.result == "True" and cell.sent("display_data") == []
    assert "not empty" in "".join(content["text"] for content in cell.sent("stream"))
