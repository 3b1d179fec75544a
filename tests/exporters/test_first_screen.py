"""The report of recorded runs at 80 columns: whole paths, each thing once, the order explained."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from artifacts.recorded import golden
from bottleneck_profiler.diagnosis.analysis import diagnose
from bottleneck_profiler.diagnosis.findings import Gain
from bottleneck_profiler.diagnosis.model import Checked, Diagnosis
from bottleneck_profiler.exporters.support import words

from . import samples
from .test_terminal import printed

SHOWN = (
    "workers-zero",
    "gil-threads",
    "no-batching",
    "unused-columns",
    "memory-creep",
    "cow-growth",
    "sync-point",
    "exposed-comm",
)


@pytest.mark.parametrize("name", SHOWN)
@pytest.mark.parametrize("verbose", [False, True])
def test_nothing_is_wider_than_80_columns_and_no_path_is_broken(name: str, verbose: bool) -> None:
    diagnosis = diagnose(golden(f"{name}/fires"))
    text = printed(diagnosis, 80, verbose)
    # The user's own call is copied as it is.
    assert [line for line in text.splitlines() if len(line) > 80 and "customers = " not in line] == []
    for ranked in diagnosis.findings:
        where = ranked.finding.location
        assert where is None or f"{where.file}:{where.line}" in text
    assert not [line for line in text.splitlines() if line.lstrip().startswith(("%", "ms", "· ", "MiB"))]


@pytest.mark.parametrize("name", SHOWN[:5])
def test_a_finding_is_one_block(name: str) -> None:
    diagnosis = diagnose(golden(f"{name}/fires"))
    headline = len(words.headline(diagnosis))
    text = " ".join(printed(diagnosis).split())
    _, _, rest = text.partition(words.headline(diagnosis)[-20:])
    assert headline > 20
    for ranked in diagnosis.findings:
        finding = ranked.finding
        for once in (finding.title, " ".join(finding.fix.summary.split()), words.worth(finding)):
            assert rest.count(once) <= 1, once


def test_paths_are_as_the_reader_would_type_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "flowers"
    folder.mkdir()
    finding = samples.workers_zero(location=samples.Location(str(folder / "train.py"), 41, "main"))
    diagnosis = samples.slow_training()
    first = replace(diagnosis.findings[0], finding=finding)
    headline = f"{finding.title} ({finding.location}); fixing it saves about 52 % of the run."
    run = replace(diagnosis.run, command=f"{folder}/train.py --epochs 3")
    diagnosis = replace(diagnosis, run=run, headline=headline, findings=(first,))
    monkeypatch.chdir(folder)
    assert "  where     train.py:41 in main" in printed(diagnosis)
    assert "itself (train.py:41);" in printed(diagnosis)
    assert "bottleneck  train.py --epochs 3 · 23.4 s" in printed(diagnosis)
    monkeypatch.chdir(tmp_path)
    assert "  where     flowers/train.py:41 in main" in printed(diagnosis)
    assert "…/train.py:41" in printed(diagnosis, 30)


def test_the_order_is_explained_where_a_later_fix_gains_more() -> None:
    diagnosis = samples.slow_training()
    assert "  order  " not in printed(diagnosis)
    small, large = (
        replace(r.finding, gain=_gain(share)) for r, share in zip(diagnosis.findings, (0.2, 0.3), strict=True)
    )
    first, second = (replace(r, finding=f) for r, f in zip(diagnosis.findings, (small, large), strict=True))
    text = printed(replace(diagnosis, findings=(first, second)))
    assert "  order     listed first, although 2 saves more: a one-argument change" in text
    later = replace(second, score=first.score + 1)
    assert "2 saves less once the fixes before it are applied" in " ".join(
        printed(replace(diagnosis, findings=(first, later))).split()
    )


def _gain(share: float) -> Gain:
    return Gain(share, share, share, 20 * share, "planted")


def test_what_has_no_verdict_is_grouped_by_its_reason() -> None:
    few = [Checked(name, "not-measured", reason="Fewer than 20 steps.") for name in ("b", "a", "c")]
    other = [Checked("d", "not-measured", reason="No file was read."), Checked("e", "not-applicable", reason="No GPU.")]
    text = printed(_with(tuple(few + other)), verbose=True)
    assert "Not measured: fewer than 20 steps (3): a, b, c\n" in text
    assert "Not measured: no file was read: d\n" in text
    assert "Not applicable: no GPU: e\n" in text
    assert "Also checked: 1 not applicable, 4 not measured" in printed(_with(tuple(few + other)))


def _with(checked: tuple[Checked, ...]) -> Diagnosis:
    return replace(samples.healthy(), checked=checked)
