"""Arguments of one call changed in place, with the call's own layout, comments and line ends kept by libcst."""

from __future__ import annotations

import ast

import libcst as cst

from ..diagnosis.findings import Arguments
from .source import Change, NoPatch, Source

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
    call = _call(source, edit)
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
                f"{source.name}:{edit.line} takes {keyword} from {_short(source.code(given))}: "
                f"make that {values[keyword]}"
            )
        found.append(Change(*source.span(constant), values.pop(keyword).encode()))
    if values:
        found.append(Change(*source.span(call), _rewritten(source.code(call), edit.function, values).encode()))
    return found


def _call(source: Source, edit: Arguments) -> ast.Call:
    """The one call of the edit's function in its line."""
    names = {edit.function, *_KNOWN[edit.function][0]}
    short = edit.function.rpartition(".")[2]
    found = [
        node
        for node in ast.walk(source.tree)
        # A call is recorded where its name stands, which may be lines after its first.
        if isinstance(node, ast.Call) and node.func.lineno <= edit.line <= (node.func.end_lineno or 0)
        if source.called(node) and source.called(node) <= names
    ]
    if not found:
        raise NoPatch(f"{source.name}:{edit.line} holds no plain call of {short}")
    if len(found) > 1:
        raise NoPatch(f"{source.name}:{edit.line} holds {len(found)} calls of {short}")
    return found[0]


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
            raise NoPatch(f"{keyword} may be in {_short(ast.unparse(argument))}: set it there")
    if position is None and len(call.args) > len(_KNOWN[function][1].split()):
        raise NoPatch(f"{keyword} may be among the call's positional arguments")
    return call.args[position] if position is not None and position < len(call.args) else None


def _is_literal(node: ast.expr) -> bool:
    try:
        ast.literal_eval(node)
    except ValueError:
        return False
    return True


def _short(code: str) -> str:
    line = " ".join(code.split())
    return line if len(line) <= 60 else f"{line[:57]}..."


def _rewritten(code: str, function: str, values: dict[str, str]) -> str:
    """The call with these values: replaced where it gives them already, else behind its last argument."""
    # A call's own line ends, which libcst would otherwise write as \n.
    module = cst.Module([], default_newline="\r\n" if "\r\n" in code else "\n")
    # In parentheses, since its name may stand on several lines.
    call = cst.parse_expression(f"({code})", cst.PartialParserConfig(default_newline=module.default_newline))
    if not isinstance(call, cst.Call) or module.code_for_node(call) != f"({code})":
        raise NoPatch(f"the call of {function} is written in a way that cannot be kept")
    arguments, new = list(call.args), []
    for keyword, value in values.items():
        at = _index(arguments, function, keyword)
        if at is not None:
            arguments[at] = arguments[at].with_changes(value=cst.parse_expression(value))
        elif any(argument.star == "**" for argument in arguments):
            stars = next(argument for argument in arguments if argument.star == "**")
            raise NoPatch(f"{keyword} may be in **{_short(module.code_for_node(stars.value))}: set it there")
        else:
            new.append(
                cst.Arg(cst.parse_expression(value), cst.Name(keyword), equal=cst.AssignEqual(_NOTHING, _NOTHING))
            )
    changed = call.with_changes(args=_appended(arguments, new, call.whitespace_before_args))
    return module.code_for_node(changed)[1:-1]


def _index(arguments: list[cst.Arg], function: str, keyword: str) -> int | None:
    for index, argument in enumerate(arguments):
        if argument.keyword is not None and argument.keyword.value == keyword:
            return index
    position = _position(function, keyword)
    if position is not None and position < len(arguments) and arguments[position].keyword is None:
        return position
    return None


_NOTHING = cst.SimpleWhitespace("")
_Space = cst.BaseParenthesizableWhitespace


def _appended(arguments: list[cst.Arg], new: list[cst.Arg], opening: _Space) -> list[cst.Arg]:
    """``new`` behind the arguments, each on its own line where the last of the old is."""
    if not new:
        return arguments
    *others, last = arguments
    before = others[-1].comma.whitespace_after if others and isinstance(others[-1].comma, cst.Comma) else opening
    comma = last.comma if isinstance(last.comma, cst.Comma) else None
    closing = last.whitespace_after_arg if comma is None else comma.whitespace_after
    between: _Space = cst.SimpleWhitespace(" ")
    behind_last = between
    if isinstance(before, cst.ParenthesizedWhitespace):
        between = behind_last = before.with_changes(first_line=_bare(before), empty_lines=[])
        if isinstance(closing, cst.ParenthesizedWhitespace):
            # What ends the last argument's line, a comment perhaps, stays with it.
            behind_last = between.with_changes(first_line=closing.first_line)
            closing = closing.with_changes(first_line=_bare(closing))
    if comma is None:
        last = last.with_changes(comma=cst.Comma(whitespace_after=behind_last), whitespace_after_arg=_NOTHING)
    else:
        last = last.with_changes(comma=comma.with_changes(whitespace_after=behind_last))
    *first, end = (argument.with_changes(comma=cst.Comma(whitespace_after=between)) for argument in new)
    if comma is None:
        end = end.with_changes(comma=cst.MaybeSentinel.DEFAULT, whitespace_after_arg=closing)
    else:
        end = end.with_changes(comma=cst.Comma(whitespace_after=closing))
    return [*others, last, *first, end]


def _bare(space: cst.ParenthesizedWhitespace) -> cst.TrailingWhitespace:
    """The end of a line without what stands before it."""
    return cst.TrailingWhitespace(newline=space.first_line.newline)
