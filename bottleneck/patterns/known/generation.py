"""Generating with a model, one item after the other."""

import ast

from ..loops import in_loop
from ..model import Hot, Pattern, Price
from ..places import less, step
from ..shapes import below
from ..syntax import arguments, is_self, last_name, same

_MAKES = frozenset("tensor as_tensor LongTensor asarray array stack".split())
_KEEPS = frozenset("to cuda unsqueeze long int".split())


def _input_grows(hot: Hot) -> bool:
    """The model is called with a sequence that the same loop makes longer, and does not cut to a window."""
    node, loops = hot.node, hot.source.loops(hot.node)
    if not isinstance(node, ast.Call) or not loops:
        return False
    given = (_sequence(each) for each in arguments(node))
    return any(each is not None and _grows(loops[0], each) for each in given)


def _sequence(value: ast.expr) -> ast.expr | None:
    """``ids`` of ``ids``, of ``torch.tensor([ids])`` and of ``self.ids[None]``, but of no slice."""
    while not isinstance(value, ast.Name) and not is_self(value):
        if isinstance(value, ast.Call) and last_name(value.func) in _MAKES and value.args:
            value = value.args[0]
        elif isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute) and value.func.attr in _KEEPS:
            value = value.func.value
        elif isinstance(value, ast.List) and len(value.elts) == 1:
            value = value.elts[0]
        elif isinstance(value, ast.Subscript) and isinstance(value.slice, ast.Constant) and value.slice.value is None:
            value = value.value
        else:
            return None
    return value


def _grows(loop: ast.AST, sequence: ast.expr) -> bool:
    set_anew = [
        each.value
        for each in ast.walk(loop)
        if isinstance(each, ast.Assign) and any(same(target, sequence) for target in each.targets)
    ]
    cut = any(
        isinstance(each, ast.Subscript) and same(each.value, sequence) for one in set_anew for each in ast.walk(one)
    )
    joined = any(
        isinstance(each, ast.Call)
        and last_name(each.func) in ("cat", "concat", "concatenate", "append")
        and any(same(part, sequence) for part in ast.walk(each))
        for each in set_anew
    )
    appended = any(
        isinstance(each, ast.Call)
        and isinstance(each.func, ast.Attribute)
        and each.func.attr == "append"
        and same(each.func.value, sequence)
        for each in ast.walk(loop)
    )
    return not cut and (joined or (appended and not _dropped(loop, sequence)))


def _dropped(loop: ast.AST, sequence: ast.expr) -> bool:
    """Items leave the list, too: ``window.pop(0)``, ``del window[0]``, ``window = []``."""
    return any(
        (isinstance(each, ast.Attribute) and each.attr in ("pop", "popleft", "clear") and same(each.value, sequence))
        or (isinstance(each, ast.Subscript) and isinstance(each.ctx, ast.Del) and same(each.value, sequence))
        or (isinstance(each, ast.Assign) and any(same(target, sequence) for target in each.targets))
        for each in ast.walk(loop)
    )


def _keeps_a_cache(hot: Hot) -> bool:
    words = {word for each in getattr(hot.node, "keywords", ()) for word in (each.arg or "").split("_")}
    return bool(words & {"past", "cache", "kv", "state"})


def _looks_both_ways(hot: Hot) -> bool:
    """A model that is an encoder by its name, or by that of its file: it has nothing to keep."""
    names = [*hot.source.imports.values(), *hot.source.functions, *(each.file for each in hot.seen.below)]
    return any(word in name.lower() for name in names for word in ("bert", "maskedlm", "bidirectional"))


PATTERNS = (
    Pattern(
        id="prefix-recomputed",
        title="Each generated token runs the model over the whole sequence again",
        replacement="Keep the keys and values of what was computed (use_cache=True, past_key_values) and feed the new "
        "token alone; a recurrent model carries its state",
        snippet="out = model(token, past_key_values=cache, use_cache=True)\ncache = out.past_key_values",
        when=(below("torch/nn/modules/module.py"), in_loop(), _input_grows),
        unless=(_keeps_a_cache, _looks_both_ways, step(), less(passes=8)),
        leave="The model looks both ways, so that a new token changes what all others give.",
        price=Price("amdahl", (1.25, 7)),
        source="karpathy/nanoGPT#76 (81.6 to 11.0 s on a CPU), jaymody/picoGPT#7 (25 %), huggingface/blog#2884 (38 %)",
        stages=("serving", "training"),
        effort=4,
        risk=0.2,
    ),
)
