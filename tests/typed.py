"""Facts for made-up recordings, from those fields that a test is about."""

from __future__ import annotations

from typing import Any

import msgspec
from bottleneck_profiler.recording.facts import KINDS, Fact


def fact(kind: str, /, **fields: Any) -> Any:
    """The fact of this kind; required fields that are not given are empty."""
    known = KINDS[kind]
    described = msgspec.inspect.type_info(known)
    assert isinstance(described, msgspec.inspect.StructType)
    blank = {field.name: _empty(field.type) for field in described.fields if field.required}
    return msgspec.convert({**blank, **fields}, known)


def add(facts: Any, kind: str, /, process: int = 0, **fields: Any) -> Fact:
    """Add such a fact to ``Facts``."""
    made = fact(kind, **fields)
    facts.add(process, made)
    return made


def _empty(described: Any) -> Any:
    kinds = msgspec.inspect
    if isinstance(described, kinds.Metadata):
        return _empty(described.type)
    if isinstance(described, kinds.IntType):
        return max(described.ge or 0, 0)
    if isinstance(described, kinds.TupleType):
        return tuple(map(_empty, described.item_types))
    if isinstance(described, kinds.ListType | kinds.VarTupleType):
        return ()
    return {kinds.BoolType: False, kinds.FloatType: 0.0, kinds.UnionType: None}.get(type(described), "")
