"""One call written anew, with its own layout, comments and line ends kept by libcst."""

from __future__ import annotations

import libcst as cst

from .source import NoPatch, short


def rewritten(code: str, function: str, order: list[str], values: dict[str, str]) -> str:
    """The call with these values: replaced where it gives them already, else behind its last argument.

    ``order``: the parameters of the function as far as they may be given by position. Raises NoPatch.
    """
    # A call's own line ends, which libcst would otherwise write as \n.
    module = cst.Module([], default_newline="\r\n" if "\r\n" in code else "\n")
    # In parentheses, since its name may stand on several lines.
    call = cst.parse_expression(f"({code})", cst.PartialParserConfig(default_newline=module.default_newline))
    if not isinstance(call, cst.Call) or module.code_for_node(call) != f"({code})":
        raise NoPatch(f"the call of {function} is written in a way that cannot be kept")
    arguments, new = list(call.args), []
    for keyword, value in values.items():
        at = _index(arguments, order, keyword)
        if at is not None:
            arguments[at] = arguments[at].with_changes(value=cst.parse_expression(value))
        elif any(argument.star == "**" for argument in arguments):
            stars = next(argument for argument in arguments if argument.star == "**")
            raise NoPatch(f"{keyword} may be in **{short(module.code_for_node(stars.value))}: set it there")
        else:
            new.append(
                cst.Arg(cst.parse_expression(value), cst.Name(keyword), equal=cst.AssignEqual(_NOTHING, _NOTHING))
            )
    changed = call.with_changes(args=_appended(arguments, new, call.whitespace_before_args))
    return module.code_for_node(changed)[1:-1]


def _index(arguments: list[cst.Arg], order: list[str], keyword: str) -> int | None:
    for index, argument in enumerate(arguments):
        if argument.keyword is not None and argument.keyword.value == keyword:
            return index
    position = order.index(keyword) if keyword in order else None
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
