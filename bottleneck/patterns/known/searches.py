"""Lists that are searched from their beginning."""

import ast

from ..fixed import is_changed
from ..loops import in_loop, loop_names
from ..model import Hot, Pattern, Price
from ..shapes import matches
from ..syntax import is_self, last_name


def _searched(hot: Hot) -> ast.expr | None:
    """``names`` of ``x in names`` and of ``names.index(x)``."""
    node = hot.node
    if isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.In | ast.NotIn):
        return node.comparators[0]
    called = node.func if isinstance(node, ast.Call) and len(node.args) == 1 else None
    return called.value if isinstance(called, ast.Attribute) and called.attr == "index" else None


def _searches_a_list(hot: Hot) -> bool:
    """``x in names``, or ``names.index(x)``, where names is a list that was made before the loop and is no short
    literal."""
    node, right = hot.node, _searched(hot)
    if right is None or hot.seen.below or not hot.seen.rivals <= {node}:
        return False
    if isinstance(right, ast.Name) and right.id not in loop_names(hot.source, node):
        bound = hot.source.bindings(right)
    elif is_self(right):
        bound = hot.source.bindings_of_self(right)
    else:
        return False
    loops = hot.source.loops(node)[:1]
    inside = [each for each in bound if any(loop in hot.source.above(each.where) for loop in loops)]
    short = any(isinstance(each.value, ast.List) and each.value.elts for each in bound)
    short |= any(_is_written_out(each.value) for each in bound)
    if any(is_changed(hot.source, loop, right, rebound=False) for loop in loops):
        return False  # what is taken out counts
    paths = hot.source.paths(right)
    listed = bool(paths) and all(matches(path, *_LISTED) for path in paths)
    return bool(bound) and not inside and not short and (listed or all(_makes_a_list(each.value) for each in bound))


def _is_written_out(value: ast.expr | None) -> bool:
    """``"A C G T".split()`` and ``list("ACGT")``: as short as it is written."""
    owner = value.func.value if isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute) else None
    given = value.args[0] if isinstance(value, ast.Call) and value.args else None
    return isinstance(owner, ast.Constant) or (owner is None and isinstance(given, ast.Constant))


def _makes_a_list(value: ast.expr | None) -> bool:
    if isinstance(value, ast.Call):
        return last_name(value.func) in ("list", "sorted", "tolist", "readlines", "split", "splitlines")
    return isinstance(value, ast.ListComp)


_LISTED = (
    "builtins.list()", "builtins.sorted()", "*.tolist()", "*.readlines()", "*.split()", "*.splitlines()",
    "nltk.corpus.*.words()",
)  # fmt: skip

PATTERNS = (
    Pattern(
        id="list-membership",
        title="Each look-up searches a list from its beginning",
        replacement="Make a set of it once before the loop; for .index() a dict from each item to its first position",
        snippet="known = set(names)\nposition = {name: i for i, name in enumerate(names)}",
        when=(_searches_a_list, in_loop()),
        leave="Under ten items, or items that cannot be hashed.",
        price=Price("amdahl", (2, 10)),
        source="ultralytics/yolov5#806 (4-5 to 0.4 s), aquasecurity/kube-hunter#231",
        stages=("etl", "loading"),
        effort=1,
    ),
)
