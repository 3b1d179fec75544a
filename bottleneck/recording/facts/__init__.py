"""Every fact that a recording holds besides its tables, each kind typed once as a class, by topic.

The agent writes a fact as a line (kind, fields) in its side file; reading it back gives one of these classes. Fields
that a class does not name are ignored, so that an older program can read what a newer one has written.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from ...listing import modules
from .base import Fact, Site
from .device import DeviceInUse, DeviceMemory, DeviceProperties, DevicesHeld, DeviceTrace, DeviceWindow, ModelMoved
from .distributed import Collective, DataParallel, Ddp, Exchange
from .etl import Kept, Moved, Probe, Read, RowWise, Used
from .loading import Batch, BatchPart, BatchParts, Carried, DataLoader, InputStage, InputStages, Objects, Pages
from .memory import Collections, Container
from .run import (
    Attached,
    Bye,
    CallSite,
    Failed,
    Frame,
    Gil,
    Hello,
    Pyinstrument,
    Ready,
    Sampler,
    Stack,
    String,
    Thread,
    Wait,
    Worker,
)
from .serving import Executor, ModelCall, ModelCopy, ModelProbe, ModelVariant, Serving
from .source import (
    ConfigLine,
    DeviceLines,
    FlowLines,
    GrowthLine,
    KnownLine,
    LifeLine,
    Line,
    ObjectsLine,
    OneLengthLine,
    OutputLines,
    PaddingLine,
    SwitchLine,
    ThreadsLine,
    UserLoop,
)
from .training import Compile, Forward, Optimizer, Switches, Threads

__all__ = [
    "KINDS", "Attached", "Batch", "BatchPart", "BatchParts", "Bye", "CallSite", "Carried", "Collections",
    "Collective", "Compile", "ConfigLine",
    "Container", "DataLoader", "DataParallel", "Ddp", "DeviceInUse", "DeviceLines", "DeviceMemory", "DeviceProperties",
    "DeviceTrace", "DeviceWindow", "DevicesHeld",
    "Exchange", "Executor", "Fact", "Failed", "FlowLines", "Forward", "Frame", "Gil", "GrowthLine", "Hello",
    "InputStage", "InputStages",
    "Kept", "KnownLine", "LifeLine", "Line",
    "ModelCall", "ModelCopy", "ModelMoved", "ModelProbe", "ModelVariant",
    "Moved", "Objects", "ObjectsLine", "OneLengthLine", "Optimizer", "OutputLines", "PaddingLine",
    "Pages", "Probe", "Pyinstrument",
    "Read", "Ready", "RowWise", "Sampler", "Serving", "Site", "Stack", "String", "SwitchLine", "Switches", "Thread",
    "Threads", "ThreadsLine", "Used", "UserLoop", "Wait", "Worker", "fact_of", "fields_of",
]  # fmt: skip


def _kinds(base: type[Fact]) -> dict[str, type[Fact]]:
    found = {base.kind: base} if base.kind else {}
    for kind in base.__subclasses__():
        found |= _kinds(kind)
    return found


modules(__name__)  # importing a file registers its classes, whether or not they are named above
#: Kind -> class of every fact that this version knows.
KINDS = _kinds(Fact)


def fact_of(kind: str, fields: Mapping[str, Any]) -> Fact | None:
    """The fact in a line; None if this version does not know its kind. Raises ValueError with the reason."""
    known = KINDS.get(kind)
    return None if known is None else msgspec.convert(fields, known)  # its ValidationError is a ValueError


def fields_of(fact: Fact) -> dict[str, Any]:
    """The fields of a fact as they are written."""
    return msgspec.to_builtins(fact)  # type: ignore[no-any-return]
