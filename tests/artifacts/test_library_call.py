"""The name of what runs when no line of the user's is on the stack."""

from __future__ import annotations

import pytest
from bottleneck_profiler.artifacts.run.frames import library_call
from bottleneck_profiler.recording.model import Frame

SITE = "/venv/lib/python3.11/site-packages/"


def stack(*calls: tuple[str, str]) -> list[Frame]:
    return [Frame(function, file, 1, False) for function, file in calls]


KEDRO = (
    ("AbstractDataset.load", SITE + "kedro/io/core.py"),
    ("main", SITE + "kedro/framework/cli/cli.py"),
    ("<module>", "/venv/bin/kedro"),
)


@pytest.mark.parametrize(
    ("frames", "named"),
    [
        (
            stack(
                ("decode", "/usr/lib/python3.11/codecs.py"),
                ("PythonParser.read", SITE + "pandas/io/parsers/python_parser.py"),
                ("read_csv", SITE + "pandas/io/parsers/readers.py"),
                ("BaseCollector.wrap.<locals>.hooked", SITE + "pandas/(hooked)"),
                ("CSVDataset.load", SITE + "kedro_datasets/pandas/csv_dataset.py"),
                *KEDRO,
            ),
            "pandas.read_csv",
        ),
        (stack(("wait", "/usr/lib/python3.11/threading.py"), *KEDRO), "kedro.main"),
        (stack(("<module>", SITE + "tool/__main__.py"), ("_run_code", "<frozen runpy>")), ""),
        (stack(("_shutdown", "/usr/lib/python3.11/threading.py")), ""),
        ([], ""),
    ],
)
def test_the_call_that_entered_the_innermost_library(frames: list[Frame], named: str):
    assert library_call(frames) == named
