"""Names are followed from one of the user's modules into another."""

from __future__ import annotations

import ast
import os
from pathlib import Path

import pytest
from bottleneck_profiler.enrich.source._code import source_of
from bottleneck_profiler.patterns import Source

REPORT = """
import polars as pl
from settings import DATABASE
CACHE = pl.scan_csv("orders.csv")
def load(path):
    return pl.scan_csv(path).filter(pl.col("x") > 0)
class Store:
    def __init__(self, path):
        self.frame = pl.read_csv(path)
    def rows(self):
        return self.frame.rows()
"""


def paths(source: Source | None, written: str) -> set[str]:
    """Where the expression that is written so in the file comes from."""
    assert source is not None
    (node,) = [each for each in ast.walk(source.tree) if isinstance(each, ast.expr) and ast.unparse(each) == written]
    return set(source.paths(node))


@pytest.fixture
def main(tmp_path: Path) -> Path:
    (tmp_path / "report.py").write_text(REPORT)
    (tmp_path / "settings.py").write_text("import sqlite3\nDATABASE = sqlite3.connect('orders.db')\n")
    script = tmp_path / "main.py"
    script.write_text(
        "import report\nfrom report import Store, CACHE\nfrom settings import DATABASE\n"
        "plan = report.load('a.csv')\nstore = Store('b.csv')\n"
        "use(plan, CACHE.collect(), store.rows(), store.frame.sum(), DATABASE.execute('select 1'), report.missing())\n"
    )
    return script


@pytest.mark.parametrize(
    ("written", "path"),
    [
        ("report.load('a.csv')", "polars.scan_csv().filter()"),
        ("CACHE.collect()", "polars.scan_csv().collect()"),
        ("store.rows()", "polars.read_csv().rows()"),
        ("store.frame.sum()", "polars.read_csv().sum()"),
        ("DATABASE.execute('select 1')", "sqlite3.connect().execute()"),
    ],
)
def test_a_value_is_followed_into_the_module_that_makes_it(main: Path, written: str, path: str):
    assert path in paths(source_of(str(main)), written)


def test_what_no_module_of_the_users_has_keeps_the_path_of_its_import(main: Path):
    assert paths(source_of(str(main)), "report.missing()") == {"report.missing()"}
    alone = Source(main.read_text())
    assert paths(alone, "report.load('a.csv')") == {"report.load()"}


def test_modules_that_import_each_other_come_to_an_end(tmp_path: Path):
    (tmp_path / "a.py").write_text("import b\ndef make():\n    return b.make()\nx = b.make()\n")
    (tmp_path / "b.py").write_text("import a\ndef make():\n    return a.make()\n")
    source = source_of(str(tmp_path / "a.py"))
    assert source is not None
    last = source.tree.body[-1]
    assert isinstance(last, ast.Assign)
    assert "b.make()" in source.paths(last.value)


def test_a_module_that_was_changed_is_read_again(main: Path):
    assert "polars.scan_csv().filter()" in paths(source_of(str(main)), "report.load('a.csv')")
    module = main.with_name("report.py")
    module.write_text("import pandas\ndef load(path):\n    return pandas.read_csv(path)\n")
    os.utime(module, ns=(1, 1))
    main.write_text(main.read_text() + "# changed, too\n")
    assert "pandas.read_csv()" in paths(source_of(str(main)), "report.load('a.csv')")


def test_modules_of_a_package_are_found_from_inside_it(tmp_path: Path):
    package = tmp_path / "shop"
    (package / "jobs").mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "io.py").write_text("import pandas\ndef load():\n    return pandas.read_csv('x.csv')\n")
    job = package / "jobs" / "daily.py"
    job.write_text("from ..io import load\nfrom shop import io\nuse(load(), io.load())\n")
    source = source_of(str(job))
    assert "pandas.read_csv()" in paths(source, "load()")
    assert "pandas.read_csv()" in paths(source, "io.load()")
