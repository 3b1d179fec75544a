"""Embeddings of many rows, of which a batch uses few, as the file makes them."""

from __future__ import annotations

import ast

from .model import Hot, Sighting
from .origins import origins
from .places import named, uses
from .shapes import argument, matches
from .source import Source
from .syntax import last_name

_LARGE_TABLE = 100_000  # rows of an embedding of which a batch touches few
_NAMES = ("torch.nn.Embedding", "torch.nn.EmbeddingBag")


def large_dense_table(hot: Hot) -> bool:
    """The file makes an embedding of many rows whose gradient is dense."""
    return bool(_tables(hot.source))


def line_of_table(seen: Sighting) -> int | None:
    """Where such an embedding is made, if that is one line."""
    lines = {call.lineno for call in _tables(seen.source)}
    return lines.pop() if len(lines) == 1 else None


def _tables(source: Source) -> list[ast.Call]:
    tables = [call for call in named(source, _NAMES) if any(matches(path, *_NAMES) for path in source.paths(call.func))]
    return [call for call in tables if not _may_be_sparse(source, call) and _rows(source, call) >= _LARGE_TABLE]


def makes_it_sparse(hot: Hot) -> bool:
    """An embedding of the file may have a sparse gradient, or a library makes the model."""
    return uses("transformers")(hot) or any(
        each.arg == "sparse" for calls in hot.source.calls.values() for call in calls for each in call.keywords
    )


def _may_be_sparse(source: Source, call: ast.Call) -> bool:
    """``sparse=`` is given, or ``**options`` may give it."""
    options = [source.literal(each.value) for each in call.keywords if each.arg is None]
    plain = all(
        isinstance(each, ast.Dict) or (isinstance(each, ast.Call) and last_name(each.func) == "dict")
        for each in options
    )
    return not plain or argument(call, "sparse", source) is not None


def _rows(source: Source, call: ast.Call) -> int:
    """As many as are written, also by a name or by what the file gives a parameter; 0 where that cannot be told."""
    given = call.args[0] if call.args else argument(call, "num_embeddings", source)
    values = [] if given is None else [getattr(each, "value", None) for each in origins(source, given)]
    return min((each for each in values if isinstance(each, int)), default=0)
