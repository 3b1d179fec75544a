"""Batches and tables of one item: what costs the same for many."""

from __future__ import annotations

import ast

from .model import Hot, Sighting
from .places import NO_GRAD, in_no_grad, named
from .shapes import matches
from .source import Source
from .syntax import last_name, mentions

#: What gives a picture, a volume or a recording of any size.
_READS = (
    "torchvision.io.read_image", "torchvision.io.decode_image", "torchvision.io.decode_jpeg", "PIL.Image.open",
    "cv2.imread", "imageio.imread", "imageio.v3.imread", "skimage.io.imread", "nibabel.load", "torchaudio.load",
    "librosa.load", "soundfile.read", "rasterio.open", "tifffile.imread",
)  # fmt: skip
_RESIZES = ("resize", "crop", "transform", "process", "pad", "letterbox", "scale", "thumbnail", "normal", "prepare")
#: What joins a frame with others.
_OF_SEVERAL = frozenset("merge join concat append merge_asof combine_first map isin apply".split())


def batch_of_one(source: Source, value: ast.expr) -> bool:
    """``x.unsqueeze(0)`` or ``x[None]``."""
    value = source.literal(value) or value
    if isinstance(value, ast.Subscript):
        keys = value.slice.elts if isinstance(value.slice, ast.Tuple) else [value.slice]
        return isinstance(keys[0], ast.Constant) and keys[0].value is None
    added = value.args if isinstance(value, ast.Call) and last_name(value.func) == "unsqueeze" else []
    return bool(added) and isinstance(added[-1], ast.Constant) and added[-1].value == 0


def without_gradient(hot: Hot) -> bool:
    """It stands in ``with torch.no_grad()``, or in a function with that decorator."""
    around = (each for each in hot.source.above(hot.node) if isinstance(each, ast.FunctionDef))
    marks = (mark.func if isinstance(mark, ast.Call) else mark for each in around for mark in each.decorator_list)
    return in_no_grad(hot.source, hot.node) or any(last_name(mark) in NO_GRAD for mark in marks)


def of_its_own_size(hot: Hot) -> bool:
    """The item is a picture or a recording that the pass reads, and nothing brings it to a size that others have."""
    function = hot.source.function(hot.node) or hot.source.tree
    called = [each for each in ast.walk(function) if isinstance(each, ast.Call)]
    reads = any(matches(path, *_READS) for each in called for path in hot.source.paths(each.func))
    names = {last_name(each.func).lower() for each in called} | {
        each.arg or "" for call in called for each in call.keywords
    }
    return reads and not any(word in name for word in _RESIZES for name in names)


def many_by_name(source: Source, value: ast.expr) -> bool:
    """``sentences``, ``document.lines``: a list by the look of it."""
    name = last_name(value)
    return len(name) > 3 and name.endswith("s") and not name.endswith(("ss", "us", "is"))


def is_typed_in(hot: Hot) -> bool:
    """Somebody types the item: ``input()`` stands in the loop."""
    loop = next(iter(hot.source.loops(hot.node)), None)
    called = [each for each in ast.walk(loop) if isinstance(each, ast.Call)] if loop is not None else []
    return any(path == "builtins.input" for each in called for path in hot.source.paths(each.func))


def one_row(source: Source, value: ast.expr) -> bool:
    """``[row]``: a list with one item."""
    if isinstance(value, ast.Name):
        bound = source.bindings(value)
        value = bound[0].value if len(bound) == 1 else value
    return isinstance(value, ast.List) and len(value.elts) == 1 and not isinstance(value.elts[0], ast.Starred)


def _frames_of_one_row(hot: Hot) -> list[ast.Call]:
    """The calls in the function around the node that make a frame of one row."""
    function = hot.source.function(hot.node)
    made = [call for call in named(hot.source, ("pandas.DataFrame",)) if hot.source.function(call) is function]
    ours = (call for call in made if "pandas.DataFrame" in hot.source.paths(call.func))
    return [call for call in ours if call.args and one_row(hot.source, call.args[0])]


def of_the_one_row(hot: Hot) -> bool:
    """The call works on a frame of one row that the function has made, and on nothing larger."""
    node, source, made = hot.node, hot.source, _frames_of_one_row(hot)
    if not made or not isinstance(node, ast.Call) or last_name(node.func) in _OF_SEVERAL:
        return False
    names: set[str] = set()
    for _ in range(3):
        for each in ast.walk(source.function(node) or source.tree):
            if isinstance(each, ast.Assign) and (
                any(inner in made for inner in ast.walk(each.value))
                or (mentions(each.value, names) and not _joins(each.value))
            ):
                names |= {target.id for target in each.targets if isinstance(target, ast.Name)}
    root = _root(node.func)
    return root in names or (root in source.imports and any(_root(each) in names for each in node.args[:1]))


def _root(value: ast.expr) -> str:
    """``row`` of ``row["a"].astype(int)``."""
    while isinstance(value, ast.Attribute | ast.Subscript | ast.Call):
        value = value.func if isinstance(value, ast.Call) else value.value
    return value.id if isinstance(value, ast.Name) else ""


def _joins(value: ast.AST) -> bool:
    """A larger table comes in."""
    return any(isinstance(each, ast.Call) and last_name(each.func) in _OF_SEVERAL for each in ast.walk(value))


def where_the_row_is_made(seen: Sighting) -> int | None:
    made = {call.lineno for node in seen.nodes[:1] for call in _frames_of_one_row(Hot(seen, node))}
    return made.pop() if len(made) == 1 else None
