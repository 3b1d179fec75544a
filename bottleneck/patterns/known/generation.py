"""Generating with a model, one item after the other."""

import ast

from ..loops import in_loop
from ..model import Hot, Pattern, Price
from ..places import less, step
from ..shapes import below
from ..syntax import last_name, mentions, stored


def _input_grows(hot: Hot) -> bool:
    """The model is called with a sequence that the same loop makes longer, and does not cut to a window."""
    node, loops = hot.node, hot.source.loops(hot.node)
    if not isinstance(node, ast.Call) or not node.args or not isinstance(node.args[0], ast.Name) or not loops:
        return False
    name = {node.args[0].id}
    set_anew = [each for each in ast.walk(loops[0]) if isinstance(each, ast.Assign) and stored(each) & name]
    cut = any(
        isinstance(each, ast.Subscript) and mentions(each.value, name)
        for one in set_anew
        for each in ast.walk(one.value)
    )
    return not cut and any(
        isinstance(each.value, ast.Call)
        and last_name(each.value.func) in ("cat", "concat", "concatenate", "append")
        and mentions(each.value, name)
        for each in set_anew
    )


def _keeps_a_cache(hot: Hot) -> bool:
    words = {each.arg for each in getattr(hot.node, "keywords", ())}
    return bool(words & {"past_key_values", "cache", "kv_cache", "past", "cache_position"})


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
