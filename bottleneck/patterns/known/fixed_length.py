"""Inference: inputs that are padded to a fixed length."""

import ast

from ..model import Hot, Pattern, Price, Sighting
from ..padding import bound_to_length, padding_lines
from ..places import less, step
from ..shapes import deep


def _where_padded(seen: Sighting) -> int | None:
    """The only line of the file that pads to a fixed length."""
    found = padding_lines(seen.source)
    return found.pop() if len(found) == 1 else None


def _asks_the_model(hot: Hot) -> bool:
    """The line calls a model, in a file that pads to a fixed length or imports a module that does."""
    if not isinstance(hot.node, ast.Call) or not deep("torch/nn/modules/module.py")(hot):
        return False
    return any(padding_lines(source) for source in (hot.source, *hot.source.imported()))


def _needs_one_shape(hot: Hot) -> bool:
    """The model is compiled, traced or exported, which a new shape would repeat, or a layer takes one length only."""
    if any(bound_to_length(source) for source in (hot.source, *hot.source.imported())):
        return True
    names = ("compile", "trace", "script", "InferenceSession", "CUDAGraph", "make_graphed_callables")
    return any(name in hot.source.calls and name != "compile" for name in names) or any(
        "torch.compile" in hot.source.paths(each.func) for each in hot.source.calls.get("compile", ())
    )


PATTERNS = (
    Pattern(
        id="padded-to-fixed-length",
        title="The inputs are padded to a fixed length, and the model computes on the filler",
        replacement="Pad each batch to its own longest text (padding=True, pad_sequence), at most rounded up to a multiple of 8",
        snippet="inputs = tokenizer(texts, padding=True, truncation=True, max_length=512, return_tensors='pt')",
        when=(less(inferred_fill=0.6), _asks_the_model),
        unless=(step(), _needs_one_shape),
        needs=("inferred_fill",),
        cause=_where_padded,
        leave="Compiled or exported models that need one shape.",
        price=Price("amdahl", (1.6, 8)),
        source="huggingface/transformers#3634; Hugging Face documentation, Padding and truncation",
        stages=("serving", "etl"),
        effort=1,
        risk=0.05,
    ),
)
