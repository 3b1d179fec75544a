"""Arguments of one call changed in place, or the number that an argument is named for."""

from __future__ import annotations

import ast

from ..diagnosis.findings import Arguments
from .source import Change, NoPatch, Source, short

#: What may be changed -> its other names, and its parameters in order as far as they may be given by position.
_LOADER = "dataset batch_size shuffle sampler batch_sampler num_workers collate_fn pin_memory drop_last timeout"
_KNOWN: dict[str, tuple[tuple[str, ...], str]] = {
    "torch.utils.data.DataLoader": (("torch.utils.data.dataloader.DataLoader",), _LOADER),
    "pandas.read_csv": ((), "filepath_or_buffer"),
    "pandas.read_table": ((), "filepath_or_buffer"),
    "pandas.read_parquet": ((), "path engine columns"),
    "pandas.read_feather": ((), "path columns"),
    "pandas.read_orc": ((), "path columns"),
    "torch.autograd.set_detect_anomaly": (("torch.autograd.anomaly_mode.set_detect_anomaly",), "mode check_nan"),
}
_OPTIMIZERS = {
    "SGD": "params lr momentum dampening weight_decay nesterov",
    "Adam": "params lr betas eps weight_decay amsgrad",
    "AdamW": "params lr betas eps weight_decay amsgrad",
    "Adagrad": "params lr lr_decay weight_decay initial_accumulator_value eps foreach",
    "RMSprop": "params lr alpha eps weight_decay momentum centered capturable foreach maximize differentiable",
    "NAdam": "params lr betas eps weight_decay momentum_decay decoupled_weight_decay",
    "RAdam": "params lr betas eps weight_decay decoupled_weight_decay",
    "Adamax": "params lr betas eps weight_decay foreach",
    "Adadelta": "params lr rho eps weight_decay foreach",
}
for _name, _order in _OPTIMIZERS.items():
    _KNOWN[f"torch.optim.{_name}"] = (f"torch.optim.{_name.lower()}.{_name}",), _order

#: What a call gives that leaves no room for an argument.
_EXCLUDED = {"shuffle": ("sampler", "batch_sampler")}

#: What needs columns to be there, or to be as many: dropping them, giving all of them names, counting them off.
_ALL_COLUMNS = frozenset(("columns", "drop", "set_axis"))
_POSITIONS = frozenset(("iloc", "iat"))


def changes(source: Source, edit: Arguments) -> list[Change]:
    """What to change in the file. Raises NoPatch where that is not certain."""
    call = source.call({edit.function, *_KNOWN[edit.function][0]}, edit.line)
    if edit.gone:
        _refuse_other_uses(source, call, edit.gone)
    values = dict(edit.values)
    found: list[Change] = []
    for keyword in edit.values:
        for other in _EXCLUDED.get(keyword, ()):
            if _given(call, edit.function, other) is not None:
                raise NoPatch(f"{source.name}:{edit.line} gives a {other}, which decides what {keyword} would")
        given = _given(call, edit.function, keyword)
        if given is None or _is_literal(given):
            continue
        # The number has a name: that is where its author changes it.
        constant = source.constant(given.id) if isinstance(given, ast.Name) else None
        if constant is None:
            raise NoPatch(
                f"{source.name}:{edit.line} takes {keyword} from {short(source.code(given))}: "
                f"make that {values[keyword]}"
            )
        found.append(Change(*source.span(constant), values.pop(keyword).encode()))
    if values:
        from .calls import rewritten  # libcst takes a moment to load, and only a patch that can be made needs it

        order = _KNOWN[edit.function][1].split()
        found.append(Change(*source.span(call), rewritten(source.code(call), edit.function, order, values).encode()))
    return found


def _refuse_other_uses(source: Source, call: ast.Call, gone: frozenset[str]) -> None:
    """Where the rest of the file names a column that would be gone, or counts columns, the run did not show it all."""
    inside = set(ast.walk(call))
    for node in ast.walk(source.tree):
        what = "" if node in inside else _depends(node, gone)
        if what:
            raise NoPatch(f"{source.name}:{getattr(node, 'lineno', 0)} has {what}: it may need what would be left out")


def _depends(node: ast.AST, gone: frozenset[str]) -> str:
    """What in a node depends on columns that would be gone, or on how many there are; "" for nothing."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in gone:
        return repr(node.value)
    if isinstance(node, ast.Attribute) and (node.attr in gone or node.attr in _ALL_COLUMNS):
        return f".{node.attr}"
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Tuple) and isinstance(node.value, ast.Attribute):
        return f".{node.value.attr}" if node.value.attr in _POSITIONS else ""
    return ""


def _position(function: str, keyword: str) -> int | None:
    order = _KNOWN[function][1].split()
    return order.index(keyword) if keyword in order else None


def _given(call: ast.Call, function: str, keyword: str) -> ast.expr | None:
    """The value that a call gives already, by name or by position."""
    for named in call.keywords:
        if named.arg == keyword:
            return named.value
    position = _position(function, keyword)
    before = call.args[: None if position is None else position + 1]
    for argument in before:
        if isinstance(argument, ast.Starred):
            raise NoPatch(f"{keyword} may be in {short(ast.unparse(argument))}: set it there")
    if position is None and len(call.args) > len(_KNOWN[function][1].split()):
        raise NoPatch(f"{keyword} may be among the call's positional arguments")
    return call.args[position] if position is not None and position < len(call.args) else None


def _is_literal(node: ast.expr) -> bool:
    try:
        ast.literal_eval(node)
    except ValueError:
        return False
    return True
