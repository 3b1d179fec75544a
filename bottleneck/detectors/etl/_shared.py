"""What the ETL detectors share: locations, sizes, and the user's own call rewritten."""

from __future__ import annotations

import ast
import copy
import re
from collections.abc import Iterable

from ...artifacts.etl.reads import Read
from ...artifacts.etl.stages import Etl
from ...artifacts.run.host import Host
from ...diagnosis.findings import Evidence, Location
from ...recording.model import Site

MIN_GAIN_SHARE = 0.02  # of the run: less is not worth a line of code


def queued_seconds(host: Host | None, t0: int, t1: int) -> float:
    """Seconds that the program was ready to run but had no core: a busy machine's, no wait for a file or a service."""
    return 0.0 if host is None else (host.rise("run_delay_ns_total", t0, t1) or 0.0) / 1e9


def evidence(reads: list[Read], seconds: float, etl: Etl, wall_seconds: float) -> tuple[Evidence, ...]:
    """The numbers every reading finding shows."""
    first = reads[0]
    found = [
        Evidence("time in the reader", seconds, "s"),
        Evidence("share of the run", seconds / max(wall_seconds, 1e-9), "share"),
        Evidence("share of the ETL time", min(1.0, seconds / max(etl.seconds, 1e-9)), "share"),
        Evidence("reader", first.call),
        Evidence("reads from this line", sum(read.count for read in reads), "count"),
        Evidence("distinct files", max(1, len({read.path for read in reads} - {None})), "count"),
    ]
    if first.path:
        found.insert(0, Evidence("first file", first.path))
    if first.size_bytes is not None:
        found.append(Evidence("size of the first file", first.size_bytes, "B"))
    if first.rows is not None:
        found.append(Evidence("rows in the first file", first.rows, "count"))
    return tuple(found)


def other_lines(named: Site | None, groups: dict[Site | None, float]) -> tuple[Evidence, ...]:
    """The further lines with their seconds, most first: the finding prices the named one alone."""
    rest = sorted(((seconds, site) for site, seconds in groups.items() if site and site != named), key=lambda i: -i[0])
    if not rest:
        return ()
    places = [f"{Location(site.file.rpartition('/')[2], site.line)} ({seconds:.1f} s)" for seconds, site in rest[:4]]
    return (Evidence("other places, not included in the gain", ", ".join(places) + (" ..." if len(rest) > 4 else "")),)


def alike(lines: Iterable[Site]) -> tuple[Evidence, ...]:
    """Further lines that the same fix is for and that the gain includes."""
    found = [str(Location(site.file.rpartition("/")[2], site.line)) for site in lines]
    return (Evidence("other lines of this kind", ", ".join(found[:4])),) if found else ()


def also(others: tuple[Evidence, ...]) -> str:
    """What a fix says when other lines need it too."""
    return "; the other lines likewise, for more" if others else ""


def own_call(read: Read) -> ast.Call | None:
    """The recorded call in the user's line; None when the line does not hold exactly one whole call of its name."""
    tree = _parse(read.source)
    found = [] if tree is None else [node for node in ast.walk(tree) if _is_call(node, _name(read))]
    return found[0] if len(found) == 1 and isinstance(found[0], ast.Call) else None


def argument(call: ast.Call | None, read: Read) -> str:
    """The file as the user's code writes it where that is a path, else its path as a literal."""
    given = call.args[0] if call is not None and call.args else None
    makes_path = isinstance(given, ast.Call) and ast.unparse(given.func).endswith(("Path", "join", "joinpath", "str"))
    if isinstance(given, ast.Starred) or given is None or (isinstance(given, ast.Call) and not makes_path):
        return repr(read.path or "data.csv")
    return ast.unparse(given)


def written(call: str) -> str:
    """The name of a call as most programs write it."""
    return call.replace("pandas.", "pd.").replace("polars.", "pl.")


def without(call: ast.Call, *keywords: str) -> ast.Call:
    """A copy of the call without some keywords."""
    changed = copy.deepcopy(call)
    changed.keywords = [keyword for keyword in changed.keywords if keyword.arg not in keywords]
    return changed


def rewritten(read: Read, new: str) -> str:
    """The user's statement with the recorded call replaced by the expression ``new``."""
    tree, call = _parse(read.source), own_call(read)
    statement = tree.body[0] if tree is not None and tree.body else None
    if call is None or not isinstance(statement, ast.Assign | ast.AnnAssign | ast.Return):
        return f"frame = {new}"
    wanted = ast.dump(call)

    class Replace(ast.NodeTransformer):
        def visit_Call(self, node: ast.Call) -> ast.AST:
            return ast.parse(new, mode="eval").body if ast.dump(node) == wanted else self.generic_visit(node)

    changed = Replace().visit(statement)
    return (
        "frame = " + ast.unparse(changed.value or changed) if isinstance(changed, ast.Return) else ast.unparse(changed)
    )


def _parse(source: str) -> ast.Module | None:
    # Of a compound statement the source is its first line alone.
    for text in (source, source + "\n    pass"):
        try:
            return ast.parse(text)
        except (SyntaxError, ValueError):
            continue
    return None


def _name(read: Read) -> str:
    return read.call.rpartition(".")[2]


def _is_call(node: ast.AST, name: str) -> bool:
    if not isinstance(node, ast.Call):
        return False
    return (node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")) == name


def renamed(argument: str, suffix: str = ".parquet") -> str:
    """The same file name with another ending, as an expression."""
    literal = re.fullmatch(r"""(.*)(["'])(.*)\.\w+\2(.*)""", argument)
    if literal and "[" not in literal[1]:
        return f"{literal[1]}{literal[2]}{literal[3]}{suffix}{literal[2]}{literal[4]}"
    return f'Path({argument}).with_suffix("{suffix}")'


def column_list(columns: list[str], limit: int = 12) -> str:
    """A list literal; a long one is cut with a comment."""
    if len(columns) <= limit:
        return repr(columns)
    return "[" + ", ".join(map(repr, columns[:limit])) + f"]  # and {len(columns) - limit} more"
