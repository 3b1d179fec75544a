"""Whatever stands in a fact, the analysis never raises, and what cannot be read is counted."""

from __future__ import annotations

import dataclasses
import json
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import pytest
from bottleneck_profiler.diagnosis.analysis import diagnose
from bottleneck_profiler.exporters import json as report_json
from bottleneck_profiler.recording.facts import KINDS, fact_of, fields_of
from bottleneck_profiler.recording.model import Facts, Recording
from bottleneck_profiler.recording.notes import append_facts, append_notes, read_facts
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from .recorded import golden

BASES = (
    "cow-growth/fires", "exposed-comm/fires", "wide-dtype-transfer/fires", "memory-creep/fires", "no-batching/fires",
    "unused-columns/fires", "optimizer-step/fires", "padding-waste/fires", "recompile/fires", "sync-every-micro/fires",
)  # fmt: skip
WILD = st.sampled_from([None, -1, 10**30, -(10**30), 1e300, float("nan"), "", "\udcff\0é", [], [[None]], {}, True])
TEXT = st.sampled_from(["", "\udcff\0é", "x" * 3000, "/train.py", "cpu", "csv", "local"])


def values(described: Any) -> st.SearchStrategy[Any]:
    """Allowed values of a type, the extreme ones first of all."""
    kinds = msgspec.inspect
    if isinstance(described, kinds.Metadata):
        return values(described.type)
    if isinstance(described, kinds.IntType | kinds.FloatType):
        low, high = -(2**62) if described.ge is None else described.ge, 2**62 if described.le is None else described.le
        return st.sampled_from(sorted({low, high} | {n for n in (-1, 0, 1, 2, 40) if low <= n <= high}))
    if isinstance(described, kinds.UnionType):
        return st.one_of([values(kind) for kind in described.types])
    if isinstance(described, kinds.TupleType):
        return st.tuples(*map(values, described.item_types))
    if isinstance(described, kinds.ListType | kinds.VarTupleType):
        return st.lists(values(described.item_type), max_size=3)
    if isinstance(described, kinds.DictType):
        return st.dictionaries(values(described.key_type), values(described.value_type), max_size=3)
    if isinstance(described, kinds.StructType):
        fields = {field.encode_name: values(field.type) for field in described.fields}
        return st.tuples(*fields.values()) if described.array_like else st.fixed_dictionaries(fields)
    if isinstance(described, kinds.AnyType):
        return WILD
    return {kinds.BoolType: st.booleans(), kinds.NoneType: st.none(), kinds.StrType: TEXT}[type(described)]


@cache
def of_type(kind: str) -> st.SearchStrategy[dict[str, Any]]:
    return values(msgspec.inspect.type_info(KINDS[kind]))


def facts_with(base: Recording, lines: list[tuple[int, str, dict[str, Any]]]) -> Facts:
    """The facts of a recording and such lines, as a run folder gives them."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "tables").mkdir()
        append_facts(Path(folder), base.facts.notes)
        append_notes(Path(folder), lines)
        read = read_facts(Path(folder))
    kept = {name: {**getattr(base.facts, name), **getattr(read, name)} for name in ("strings", "sites", "stacks")}
    return dataclasses.replace(read, **kept)


def drawn(data: st.DataObject, kind: str, base: Recording) -> dict[str, Any]:
    """A fact of this kind: one of the recording's or one of extremes, with up to two fields of any kind."""
    known = [fields_of(fact) for fact in map(lambda note: note[1], base.facts.notes) if fact.kind == kind]
    fields = dict(data.draw(of_type(kind)))
    if known:
        kept = data.draw(st.sets(st.sampled_from(sorted(fields))))
        fields.update({name: value for name, value in data.draw(st.sampled_from(known)).items() if name in kept})
    for name in data.draw(st.lists(st.sampled_from(sorted(fields)), max_size=1)):
        fields[name] = data.draw(WILD)
    return fields


@pytest.mark.parametrize("name", BASES)
@settings(max_examples=4, deadline=None, database=None, phases=(Phase.explicit, Phase.generate))
@given(data=st.data())
def test_the_analysis_never_raises(name: str, data: st.DataObject) -> None:
    base = golden(name)
    lines = []
    for kind in KINDS:
        process = data.draw(st.sampled_from(sorted({0, len(base.facts.processes) - 1})))
        lines += [(process, kind, drawn(data, kind, base)) for _ in range(data.draw(st.integers(0, 3)))]
    lines += [(0, "of-tomorrow", {"any": 1})]
    unreadable = 0
    for _, kind, fields in lines:
        try:
            fact_of(kind, json.loads(json.dumps(fields)))
        except ValueError:
            unreadable += 1
    facts = facts_with(base, lines)
    assert facts.unreadable == unreadable and facts.unknown == {"of-tomorrow": 1}
    diagnosis = diagnose(dataclasses.replace(base, facts=facts, steps={k: v.copy() for k, v in base.steps.items()}))
    report_json.dumps(diagnosis)
    assert [row.reason for row in diagnosis.checked if "itself failed" in row.reason] == []
