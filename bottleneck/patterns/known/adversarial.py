"""Training of two models against each other: gradients that nobody uses."""

import ast

from ..model import Hot, Pattern, Price, Sighting
from ..places import in_no_grad
from ..source import Source
from ..syntax import last_name, mentions

_JUDGES = ("disc", "critic", "netd", "d_net", "d_model", "model_d")


def _fake(source: Source, function: ast.AST | None) -> ast.Assign | None:
    """``fake = generator(noise)`` of a function that updates the critic alone, with gradients through the generator."""
    if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
        return None
    calls = [each for each in ast.walk(function) if isinstance(each, ast.Call)]
    judged = [call for call in calls if _is_judge(last_name(call.func)) and len(call.args) == 1]
    if not {"backward", "step"} <= {last_name(call.func) for call in calls}:
        return None
    for made in (each for each in ast.walk(function) if isinstance(each, ast.Assign)):
        target = made.targets[0]
        if not isinstance(target, ast.Name) or not isinstance(made.value, ast.Call) or in_no_grad(source, made):
            continue
        if not _is_generator(last_name(made.value.func)):
            continue
        given = [call.args[0] for call in judged if mentions(call.args[0], {target.id})]
        whole = [each for each in given if isinstance(each, ast.Name)]
        others = [call for call in judged if not mentions(call.args[0], {target.id})]
        if whole and len(whole) == len(given) and others:
            return made
    return None


def _is_judge(name: str) -> bool:
    return name == "D" or any(each in name.lower() for each in _JUDGES)


def _is_generator(name: str) -> bool:
    return name in ("G", "netG") or "gen" in name.lower()


def _updates_the_critic(hot: Hot) -> bool:
    return isinstance(hot.node, ast.Call) and _fake(hot.source, hot.source.function(hot.node)) is not None


def _where_it_is_made(seen: Sighting) -> int | None:
    found = [_fake(seen.source, seen.source.function(node)) for node in seen.nodes]
    return next((each.lineno for each in found if each is not None), None)


PATTERNS = (
    Pattern(
        id="critic-trains-generator",
        title="The critic's update also computes the gradients of the generator, which nobody uses",
        replacement="Make the fake samples under torch.no_grad(), or give the critic fake.detach()",
        snippet="with torch.no_grad():\n    fake = generator(noise)",
        when=(_updates_the_critic,),
        cause=_where_it_is_made,
        leave="One backward pass serves both updates.",
        price=Price("amdahl", (1.2, 4)),
        source="PyTorch tutorial DCGAN (netD(fake.detach())); pytorch/examples#116",
        stages=("training",),
        effort=1,
        risk=0.05,
    ),
)
