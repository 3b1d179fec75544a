"""docs/telemetry.md and names.py say the same, and the spans carry no other names."""

import re
from pathlib import Path

from bottleneck_profiler import signals
from bottleneck_profiler.diagnosis.analysis import diagnose
from bottleneck_profiler.exporters.tracing import names
from bottleneck_profiler.exporters.tracing.spans import build

DOCS = Path(__file__).resolve().parents[2] / "docs" / "telemetry.md"


def table():
    rows = re.findall(r"^\| `([^`]+)` \| ([^|]+) \| ([^|]+) \|$", DOCS.read_text(encoding="utf-8"), re.M)
    return {name: (where.strip(), meaning.strip()) for name, where, meaning in rows}


def test_the_documented_table_is_the_one_in_the_code():
    assert table() == names.MEANING


def test_every_attribute_is_in_the_table(make, usual):
    recording = make(
        usual(3_000), 20, [(100 + i, 103 + i, "GET /p 200") for i in range(300)], [(101, 102, 4)],
        [(signals.CHECKPOINT, 20_000, 20_100, 7), (signals.STAGE, 1, 9, 1)], ranks=2,
    )  # fmt: skip
    built = build(recording, diagnose(recording), "x")
    used = {key for span in built.spans for key in span.attributes}
    used |= {key for resource in built.processes.values() for key in resource}
    open_ended = tuple(name[:-1] for name in names.MEANING if name.endswith("*"))
    assert {key for key in used if key not in names.MEANING and not key.startswith(open_ended)} == set()
    assert len(used) > 25
