"""Rows of a table of weights, picked by an index."""

import ast

from ..model import Hot, Pattern, Price
from ..shapes import matches

_PRODUCTS = ("torch.nn.Linear()", "torch.matmul", "torch.mm", "torch.nn.functional.linear", "*.matmul", "*.mm")
_SHAPES = frozenset("float double half to type type_as view reshape flatten cuda contiguous".split())


def _one_hot(hot: Hot) -> bool:
    """A product of a matrix with one-hot rows: it picks rows of the matrix."""
    node = hot.node
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult):
        return _is_one_hot(hot, node.left)
    if not isinstance(node, ast.Call) or not node.args or not _is_one_hot(hot, node.args[0]):
        return False
    linear = any(frame.is_in("torch/nn/modules/linear.py") for frame in hot.seen.below)
    return linear or any(matches(path, *_PRODUCTS) for path in hot.source.paths(node.func))


def _is_one_hot(hot: Hot, value: ast.expr, depth: int = 0) -> bool:
    """The rows are as ``one_hot`` gives them, in another type or shape: neither mixed nor made soft."""
    if isinstance(value, ast.Name):
        bound = hot.source.bindings(value)
        alone = len(bound) == 1 and not bound[0].suffix and depth < 4
        return alone and _is_one_hot(hot, bound[0].value, depth + 1)
    if not isinstance(value, ast.Call):
        return False
    if any(matches(path, "torch.nn.functional.one_hot") for path in hot.source.paths(value.func)):
        return True
    of = value.func.value if isinstance(value.func, ast.Attribute) and value.func.attr in _SHAPES else None
    return of is not None and _is_one_hot(hot, of, depth)


PATTERNS = (
    Pattern(
        id="one-hot-product",
        title="A matrix is multiplied with one-hot rows, which only picks rows of it",
        replacement="Index the weights instead: nn.Embedding(n, k)(indices), or weight[indices]",
        snippet="vectors = self.embedding(indices)  # nn.Embedding in place of one_hot and nn.Linear",
        when=(_one_hot,),
        leave="Soft or mixed labels, which are not one-hot.",
        price=Price("amdahl", (3, 50)),
        source="rixwew/pytorch-fm#32, yhs968/pyGRU4REC#4, flairNLP/flair#1235 (3-4x)",
        stages=("training", "serving"),
        effort=2,
    ),
)
