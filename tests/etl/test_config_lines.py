"""Which configuration line names a file that a library read."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from bottleneck_profiler.enrich.source.config_lines import enrich, find_config_lines
from bottleneck_profiler.recording.facts import CallSite, ConfigLine, Read
from bottleneck_profiler.recording.model import Facts, Recording

CATALOGUE = """\
# data/orders.csv was the old place
customers:
  type: pandas.CSVDataset
  filepath: data/customers.csv

orders:
  type: pandas.CSVDataset
  filepath: data/orders.csv
  load_args:
    sep: ";"
"""


def write(folder: Path, name: str, text: str) -> Path:
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


def found(folder: Path, path: str) -> list[tuple[str, int, str]]:
    lines = find_config_lines(folder, [str(folder / path)])
    return [(str(Path(each.file).relative_to(folder)), each.line, each.function) for each in lines]


@pytest.mark.parametrize(
    ("name", "text", "line", "entry"),
    [
        ("conf/base/catalog.yml", CATALOGUE, 8, "orders"),
        ("conf.yaml", "paths:\n  - ${root}/orders.csv\n", 2, "paths"),
        ("conf.toml", '[input.orders]\npath = "data/orders.csv"\n', 2, "input.orders"),
        ("conf.json", '{\n  "input": {\n    "path": "./data/orders.csv"\n  }\n}\n', 3, "input"),
        ("conf.ini", "file = data/orders.csv\n", 1, ""),
    ],
)
def test_the_line_and_its_entry(tmp_path: Path, name: str, text: str, line: int, entry: str):
    write(tmp_path, name, text)
    assert found(tmp_path, "data/orders.csv") == [(name, line, entry)]


def test_the_whole_path_counts_more_than_the_files_name(tmp_path: Path):
    write(tmp_path, "a.yml", "old: archive/orders.csv\n")
    write(tmp_path, "b.yml", "new: data/orders.csv\n")
    assert found(tmp_path, "data/orders.csv") == [("b.yml", 1, "")]


@pytest.mark.parametrize("text", ["a: data/my_orders.csv\n", "a: data/orders.csv.gz\n", "a: big-orders.csv\n", ""])
def test_another_file_is_not_it(tmp_path: Path, text: str):
    write(tmp_path, "conf.yml", text)
    assert found(tmp_path, "data/orders.csv") == []


@pytest.mark.parametrize("name", [".hidden/a.yml", "env/lib/a.yml", "data/orders.csv", "a/b/c/d/e/f/a.yml"])
def test_files_that_are_no_configuration_of_the_project_are_left_alone(tmp_path: Path, name: str):
    write(tmp_path, "env/pyvenv.cfg", "home = data/orders.csv\n")
    write(tmp_path, name, "a: data/orders.csv\n")
    assert found(tmp_path, "data/orders.csv") == []


def test_only_reads_without_a_line_of_the_users_are_looked_up(tmp_path: Path):
    write(tmp_path, "catalog.yml", CATALOGUE)
    made = cast(Recording, SimpleNamespace(run={"cwd": str(tmp_path)}, facts=Facts()))
    made.facts.add(0, CallSite(7, "/home/ada/job.py", 3, "main"))
    for site, name in ((7, "customers"), (0, "orders")):
        path = str(tmp_path / "data" / f"{name}.csv")
        made.facts.add(0, Read(site, "pandas.read_csv", "csv", 1, 10, 10, 0, 10, site=site, path=path))
    for _ in range(2):
        enrich(tmp_path, made)
    assert [(fact.line, fact.function) for _, fact in made.facts.of(ConfigLine)] == [(8, "orders")]
