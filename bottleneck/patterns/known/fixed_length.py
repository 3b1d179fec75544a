"""Inference: inputs that are padded to a fixed length."""

import ast

from ..model import Hot, Pattern, Price, Sighting
from ..places import less, step
from ..shapes import argument, deep
from ..source import Source
from ..syntax import last_name

_FILLED = ("zeros", "full", "ones", "full_like", "pad", "ljust", "pad_sequences")


def _is_fixed(source: Source, value: ast.expr | None) -> bool:
    """A constant, by its value or by how it is named: 128, ``MAX_LEN``, ``self.max_length``."""
    literal = source.literal(value)
    if isinstance(literal, ast.Constant):
        return isinstance(literal.value, int) and literal.value > 1
    name = last_name(value) if isinstance(value, ast.Name | ast.Attribute) else ""
    computed = isinstance(literal, ast.Call | ast.BinOp) and literal is not value
    return not computed and (name.isupper() or name.startswith("max"))


def _pads(source: Source, node: ast.AST) -> bool:
    """``padding="max_length"``, ``ids + [0] * (MAX - len(ids))``, ``np.zeros((len(texts), MAX))``."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        listed = [each for each in (node.left, node.right) if isinstance(each, ast.List) and len(each.elts) == 1]
        other = node.right if listed and node.left is listed[0] else node.left
        return bool(listed) and isinstance(other, ast.BinOp) and _is_missing(source, other)
    if not isinstance(node, ast.Call):
        return False
    if getattr(argument(node, "padding", source), "value", None) == "max_length":
        return True
    name = last_name(node.func)
    if name not in _FILLED:
        return False
    if name == "pad_sequences":
        return _is_fixed(source, argument(node, "maxlen"))
    parts = [
        each for value in node.args for each in (value.elts if isinstance(value, ast.Tuple | ast.List) else [value])
    ]
    if name == "pad":
        return any(isinstance(each, ast.BinOp) and _is_missing(source, each) for each in parts)
    counts = len(parts) > 1 and isinstance(parts[0], ast.Call | ast.Name | ast.Constant)
    whole = getattr(parts[0], "value", None) == 1 or (
        isinstance(parts[0], ast.Call) and last_name(parts[0].func) == "len"
    )
    return counts and whole and _is_fixed(source, parts[1])


def _is_missing(source: Source, value: ast.BinOp) -> bool:
    """``MAX - len(ids)``"""
    return (
        isinstance(value.op, ast.Sub)
        and _is_fixed(source, value.left)
        and isinstance(value.right, ast.Call)
        and last_name(value.right.func) == "len"
    )


def _lines(seen: Sighting) -> set[int]:
    return {
        each.lineno for each in ast.walk(seen.source.tree) if isinstance(each, ast.expr) and _pads(seen.source, each)
    }


def _where_padded(seen: Sighting) -> int | None:
    """The only line of the file that pads to a fixed length."""
    found = _lines(seen)
    return found.pop() if len(found) == 1 else None


def _asks_the_model(hot: Hot) -> bool:
    """The line calls a model, in a file that pads to a fixed length or imports a module that does."""
    if not isinstance(hot.node, ast.Call) or not deep("torch/nn/modules/module.py")(hot):
        return False
    return any(_lines(Sighting(source, 0)) for source in (hot.source, *hot.source.imported()))


def _needs_one_shape(hot: Hot) -> bool:
    """The model is compiled, traced or exported, which a new shape would repeat."""
    names = ("compile", "trace", "script", "InferenceSession", "CUDAGraph", "make_graphed_callables")
    return any(name in hot.source.calls and name != "compile" for name in names) or any(
        "torch.compile" in hot.source.paths(each.func) for each in hot.source.calls.get("compile", ())
    )


PATTERNS = (
    Pattern(
        id="padded-to-fixed-length",
        title="The inputs are padded to a fixed length, and the model computes on the filler",
        replacement="Pad each batch to its own longest text (padding=True, pad_sequence), and no further than to a multiple of 8",
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
