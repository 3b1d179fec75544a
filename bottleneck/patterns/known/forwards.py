"""Training steps that run the model a second time on the batch that it has just seen."""

import ast

from ..loops import takes_steps
from ..model import Hot, Pattern, Price
from ..places import NO_GRAD, every_pass, handler, step
from ..shapes import below
from ..syntax import last_name, same, stored

_MODES = ("train", "eval", "requires_grad_")


def _asks_again(hot: Hot) -> bool:
    """``loss = criterion(model(x), y); loss.backward(); ...; model(x).argmax(1)``: the second one, after the backward
    pass, and nothing between them changes the input or the model's mode."""
    source, node = hot.source, hot.node
    if not isinstance(node, ast.Call) or not node.args or not isinstance(node.func, ast.Name | ast.Attribute):
        return False
    loop = next((each for each in source.loops(node) if takes_steps(source, each)), None)
    backward = source.calls.get("backward", [])
    if loop is None or not all(isinstance(each, ast.Name | ast.Attribute) for each in node.args):
        return False
    if any(each in backward and (each.end_lineno or 0) >= node.lineno for each in ast.walk(loop)):
        return False  # a second loss
    given = {each.id for value in node.args for each in ast.walk(value) if isinstance(each, ast.Name)}
    for other in source.calls.get(last_name(node.func), []):
        if not (other.lineno < node.lineno and same(other, node) and source.loops(other)[:1] == [loop]):
            continue
        between = [
            each
            for each in ast.walk(loop)
            if isinstance(each, ast.stmt) and other.lineno < each.lineno and (each.end_lineno or 0) <= node.lineno
        ]
        changed = any(stored(each) & given for each in between)
        parts = [each for statement in between for each in ast.walk(statement) if isinstance(each, ast.Call)]
        if any(each in backward for each in parts) and not changed and not any(map(_changes_mode, parts)):
            return True
    return False


def _changes_mode(call: ast.Call) -> bool:
    return last_name(call.func) in _MODES


def _without_need_of_gradients(hot: Hot) -> bool:
    """A forward pass, in a file that never switches gradients off and never uses them."""
    asked = [hot.source, *(source for source, _ in hot.seen.callers)]
    names = {name for source in asked for name in source.calls}
    marks = {name for source in asked for name in source.imports} | {
        last_name(each) for source in asked for each in ast.walk(source.tree) if isinstance(each, ast.Attribute)
    }
    return not (names | marks) & {
        *NO_GRAD,
        "set_grad_enabled",
        "requires_grad_",
        "requires_grad",
        "backward",
        "grad",
        "generate",
    }


PATTERNS = (
    Pattern(
        id="gradients-in-inference",
        title="The model records its operations for a backward pass that never comes",
        replacement="Call it under torch.inference_mode()",
        snippet="@torch.inference_mode()\ndef predict(x):\n    return model(x)",
        when=(handler(), below("torch/nn/modules/module.py", through="torch/"), _without_need_of_gradients),
        fallback=True,
        leave="The request asks for gradients (explanations, adversarial examples).",
        price=Price("amdahl", (1.02, 1.5)),  # own measurement: 1.45 for small linear layers, 1.03 for convolutions
        source="pytorch.org, Autograd mechanics (inference mode)",
        stages=("serving",),
        effort=1,
        risk=0.02,
    ),
    Pattern(
        id="forward-repeated",
        title="The training step runs the model a second time on the same batch, only to look at its output",
        replacement="Keep the output of the first pass and compute the metric from it: logits = model(x); "
        "loss = criterion(logits, y); logits.detach().argmax(1)",
        snippet="logits = model(x)\nloss = criterion(logits, y)\n...\ncorrect += (logits.detach().argmax(1) == y).sum()",
        when=(step(), every_pass(), _asks_again),
        leave="The metric must reflect the updated weights, or the second pass runs in eval mode.",
        price=Price("amdahl", (20, 1000)),
        source="own measurement: 24 % of the run for a forward pass of a perceptron",
        stages=("training",),
        effort=1,
    ),
)
