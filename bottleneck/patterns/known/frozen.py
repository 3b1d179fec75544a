"""Training a head on a frozen part of the model: its features of a sample never change."""

import ast
import re

from ..loops import takes_steps
from ..model import Hot, Pattern, Price
from ..places import in_no_grad, named, step
from ..shapes import matches
from ..source import Source, once
from ..syntax import Loop, arguments, is_self, last_name, mentions, parameters, stored

#: A transform that gives another image each time, by the names that people and libraries use for it.
_VARIES = re.compile(r"random(?!_split|_state|_seed)[a-z]*(crop|flip|rot|aug|erasing|affine|resized|jitter|choice|apply)"
                     r"|augment|jitter|mixup|cutmix|(crop|flip|rotate|shift)s?$|noise", re.I)  # fmt: skip


@once
def _is_frozen(source: Source, name: str) -> bool:
    """The file switches off the gradients of all parameters of the module, and never on again."""
    off = False
    for each in ast.walk(source.tree):
        if isinstance(each, ast.Call) and last_name(each.func) == "requires_grad_":
            if not (each.args and getattr(each.args[0], "value", None) is False):
                return False
            off |= isinstance(each.func, ast.Attribute) and last_name(each.func.value) == name
            off |= name in _owners_of_loops(source, each)
        elif isinstance(each, ast.Assign) and any(last_name(target) == "requires_grad" for target in each.targets):
            if getattr(each.value, "value", None) is not False:
                return False
            off |= name in _owners_of_loops(source, each)
    return off


def _is_only_evaluated(hot: Hot) -> bool:
    """``with torch.no_grad(): features = backbone(x)``, and the optimizers of the file are given other modules."""
    source, node = hot.source, hot.node
    if not isinstance(node, ast.Call) or not in_no_grad(source, node):
        return False
    chain = {each.id for each in ast.walk(node.func) if isinstance(each, ast.Name)}
    made = [each for each in named(source, ("torch.optim.*",)) if _makes_an_optimizer(source, each)]
    given = [value for each in made for value in each.args[:1]]
    own = {each.id for value in given for each in ast.walk(value) if isinstance(each, ast.Name)}
    return bool(own) and len(given) == len(made) and "self" not in chain | own and chain.isdisjoint(own)


def _makes_an_optimizer(source: Source, call: ast.Call) -> bool:
    paths = source.paths(call.func)
    return any(matches(each, "torch.optim.*") and "()" not in each and ".lr_scheduler" not in each for each in paths)


def _owners_of_loops(source: Source, node: ast.AST) -> set[str]:
    """``backbone`` of the loop ``for p in self.backbone.parameters():`` around a node."""
    loops = (each for each in source.loops(node) if isinstance(each, ast.For))
    iters = (each.iter for each in loops)
    return {
        last_name(each.func.value)
        for each in iters
        if isinstance(each, ast.Call) and isinstance(each.func, ast.Attribute) and each.func.attr == "parameters"
    }


@once
def _follows_another(source: Source, name: str) -> bool:
    """A target network, a teacher of averages: its weights are copied from a model that learns."""
    copied = (each for call in ("load_state_dict", "zip") for each in source.calls.get(call, []))
    return any(
        any(last_name(part) == name for part in ast.walk(each) if isinstance(part, ast.Attribute | ast.Name))
        and (last_name(each.func) == "zip" or any(last_name(a) == "state_dict" for b in each.args for a in ast.walk(b)))
        for each in copied
    )


@once
def _over_epochs(source: Source) -> bool:
    """Some loop of the file goes over epochs."""
    loops = (each for each in ast.walk(source.tree) if isinstance(each, ast.For))
    return any("epoch" in ast.unparse(each.target).lower() + ast.unparse(each.iter).lower() for each in loops)


def _given_a_batch(hot: Hot) -> bool:
    """The module gets the batch itself, or what is computed from it alone: nothing that learns has changed its input.

    Through the methods that lead to it: ``self.encoder(ids, mask)`` in ``embed``, which ``forward`` calls, which the
    loop calls.
    """
    source, node = hot.source, hot.node
    given = _names_given(source, node)
    steps = [each for each in source.loops(node) if isinstance(each, ast.For) and takes_steps(source, each)]
    if not given or steps:
        return bool(given) and given <= _of_batch(steps[0])
    if not _of_its_parameters(source, node, given):
        return False
    for where, line in hot.seen.callers[:_HOPS]:
        calls = [each for each in where.by_line.get(line, []) if isinstance(each, ast.Call) and each.args]
        asked = [
            (_names_given(where, each), loop)
            for each in calls
            for loop in where.loops(each)
            if isinstance(loop, ast.For) and takes_steps(where, loop)
        ]
        if asked:
            return any(names and names <= _of_batch(loop) for names, loop in asked)
        if not any(_of_its_parameters(where, each, _names_given(where, each)) for each in calls):
            return False
    return False


_HOPS = 4  # functions between the loop and the frozen module


def _names_given(source: Source, call: ast.AST) -> set[str]:
    """The names that a call is given; none if it is given the result of another call."""
    parts = [each for value in arguments(call) for each in ast.walk(value)] if isinstance(call, ast.Call) else []
    if any(isinstance(each, ast.Call) for each in parts):
        return set()
    return {each.id for each in parts if isinstance(each, ast.Name)}


def _of_its_parameters(source: Source, node: ast.AST, names: set[str]) -> bool:
    """The names are parameters of the function around, or are computed from these alone, and not at random."""
    function = source.function(node)
    if not isinstance(function, ast.FunctionDef) or not names:
        return False
    known = parameters(function) - stored(function)
    for each in ast.walk(function):
        if isinstance(each, ast.Assign):
            parts = list(ast.walk(each.value))
            used = {part.id for part in parts if isinstance(part, ast.Name)} - set(source.imports)
            chance = any(isinstance(part, ast.Call) and "rand" in last_name(part.func) for part in parts)
            learned = any(is_self(part) for part in parts)
            if used and used <= known and not chance and not learned and not stored(each) & parameters(function):
                known |= stored(each)
    return names <= known


def _of_batch(loop: Loop) -> set[str]:
    """The names of what the loader gives, moved to the device or not."""
    names = stored(loop.target) if isinstance(loop, ast.For) else set()
    for each in ast.walk(loop):
        moved = isinstance(each, ast.Assign) and (
            isinstance(each.value, ast.Subscript | ast.DictComp)
            or (isinstance(each.value, ast.Call) and last_name(each.value.func) in ("to", "cuda"))
        )
        if moved and mentions(each, names):
            names |= stored(each)
    return names


@once
def _is_augmented(source: Source) -> bool:
    names = (
        each.attr if isinstance(each, ast.Attribute) else each.id
        for each in ast.walk(source.tree)
        if isinstance(each, ast.Attribute | ast.Name)
    )
    return any(_VARIES.search(name) for name in names)


def _computes_frozen_features(hot: Hot) -> bool:
    node, source = hot.node, hot.source
    if not isinstance(node, ast.Call):
        return False
    name = last_name(node.func)
    asker = [source, *(each for each, _ in hot.seen.callers)]
    return (
        (any(_is_frozen(each, name) for each in asker) or _is_only_evaluated(hot))
        and not any(_follows_another(each, name) or _is_augmented(each) for each in asker)
        and any(_over_epochs(each) for each in asker)
        and _given_a_batch(hot)
    )


PATTERNS = (
    Pattern(
        id="frozen-features-recomputed",
        title="The frozen part of the model computes the features of the same samples again in every epoch",
        replacement="Compute the features once, in eval mode and without gradients, and train the head on a TensorDataset of them",
        snippet="backbone.eval()\nwith torch.no_grad():\n    pairs = [(backbone(x), y) for x, y in loader]\nfeatures, labels = (torch.cat(part) for part in zip(*pairs))\n"
        "loader = DataLoader(TensorDataset(features, labels), batch_size=256, shuffle=True)",
        when=(step(), _computes_frozen_features),
        leave="The samples are augmented at random, there is a single epoch, the features do not fit on the disk, or the part is to be unfrozen later.",
        price=Price("amdahl", (2, 30)),
        source="PyTorch tutorial, Transfer learning (ConvNet as fixed feature extractor); Keras guide, Transfer learning and fine-tuning (an alternative, more lightweight workflow)",
        stages=("training",),
        effort=4,
    ),
)
