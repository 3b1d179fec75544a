"""Sparse matrices, graphs and arrays: cells, rows and nodes handled one at a time in Python."""

import ast

from ..loops import counted, in_loop, varies
from ..model import Hot, Pattern, Price
from ..places import less, more
from ..shapes import any_of, below, deep
from ..syntax import last_name


def _row_of_sparse(hot: Hot) -> bool:
    """``m.getrow(i)``, or ``m[i]`` with the counter of a loop or where scipy was seen to take one row."""
    node = hot.node
    if isinstance(node, ast.Call):
        return last_name(node.func) in ("getrow", "getcol") and varies()(hot)
    if not isinstance(node, ast.Subscript) or not isinstance(node.ctx, ast.Load):
        return False
    return counted(hot, node.slice) or (isinstance(node.slice, ast.Name) and _TAKES_ONE(hot) and varies()(hot))


_TAKES_ONE = any_of(
    deep("scipy/sparse/_csr.py", "_get_intXslice"), deep("scipy/sparse/_csc.py", "_get_sliceXint", "_get_intXslice")
)


def _cell_of_sparse(hot: Hot) -> bool:
    """``m[i, j]`` with both of the pass."""
    node = hot.node
    if not isinstance(node, ast.Subscript) or not isinstance(node.slice, ast.Tuple) or len(node.slice.elts) != 2:
        return False
    if not isinstance(node.ctx, ast.Load):
        return False
    return varies()(hot) and not any(isinstance(each, ast.Slice) for each in node.slice.elts)


#: What scipy, rustworkx or igraph have as well.
_ELSEWHERE_FASTER = (
    "shortest_paths/", "components/", "centrality/", "traversal/", "link_analysis/", "community/", "core.py", "cluster.py",
    "mst.py", "tree/", "dag.py", "simple_paths.py", "clique.py", "distance_measures.py",
)  # fmt: skip


def _in_networkx(hot: Hot) -> bool:
    last = hot.seen.below[-1] if hot.seen.below else None
    return last is not None and (
        last.is_in("networkx/") or last.path.endswith(("/heapq.py", "/collections/__init__.py"))
    )


_WITHOUT_AXIS = ("bincount", "unique", "histogram", "interp", "convolve", "correlate", "searchsorted", "digitize")


def _has_no_axis(hot: Hot) -> bool:
    """The function is one of numpy's without an axis, or runs code of other places than numpy."""
    given = hot.node.args[0] if isinstance(hot.node, ast.Call) and hot.node.args else None
    if given is None or last_name(given) in _WITHOUT_AXIS:
        return given is not None
    functions = hot.source.functions.get(last_name(given), []) if not isinstance(given, ast.Lambda) else [given]
    paths = {
        path
        for function in functions
        for each in ast.walk(function)
        if isinstance(each, ast.Call)
        for path in hot.source.paths(each.func)
    }
    return any(path.partition(".")[0] not in ("numpy", "builtins", "math") for path in paths) or any(
        path in {f"numpy.{name}" for name in _WITHOUT_AXIS} for path in paths
    )


PATTERNS = (
    Pattern(
        id="sparse-cell-write",
        title="A sparse matrix is written cell by cell, and its arrays are rebuilt for each",
        replacement="Collect rows, columns and values in lists and make it once: scipy.sparse.coo_array((values, (rows, columns))).tocsr()",
        snippet="matrix = scipy.sparse.coo_array((values, (rows, columns)), shape=shape).tocsr()",
        when=(
            in_loop(),
            lambda hot: isinstance(hot.node, ast.Subscript) and isinstance(hot.node.ctx, ast.Store),
            any_of(
                below(
                    "scipy/sparse/_compressed.py",
                    "_set_intXint",
                    "_set_arrayXarray",
                    "_set_many",
                    "_insert_many",
                    "_zero_many",
                ),
                below("scipy/sparse/compressed.py", "_set_many", "_insert_many", "_zero_many"),
            ),
        ),
        unless=(less(passes=100),),
        leave="A few cells of a large matrix.",
        price=Price("amdahl", (10, 1000)),
        source="scipy/scipy#3516, #10071 (the same in scipy's own example), Theano/Theano#3669 (SparseEfficiencyWarning)",
        stages=("etl",),
        effort=1,
        risk=0.05,
    ),
    Pattern(
        id="sparse-row-per-item",
        title="Rows or cells of a sparse matrix are taken one at a time, each as a matrix of its own",
        replacement="Read the arrays behind it (m.indices[m.indptr[i]:m.indptr[i + 1]] and m.data), take many rows with one index m[rows], "
        "or compute with the whole matrix (m @ v, m.sum(axis=1))",
        snippet="start, stop = m.indptr[i], m.indptr[i + 1]\ncolumns, values = m.indices[start:stop], m.data[start:stop]",
        when=(in_loop(), below("scipy/sparse/"), any_of(_row_of_sparse, _cell_of_sparse)),
        unless=(
            less(passes=1000),
            below("scipy/sparse/_compressed.py", "_set_many"),
            below("scipy/sparse/_lil.py"),
            below("scipy/sparse/_dok.py"),
        ),
        leave="A few rows, or heavy work on each.",
        price=Price("amdahl", (5, 50)),
        source="scikit-learn/scikit-learn#12864 (rows of a csr matrix one at a time)",
        stages=("etl", "training"),
    ),
    Pattern(
        id="graph-in-python",
        title="networkx runs the graph's algorithm in pure Python",
        replacement="Use scipy.sparse.csgraph (dijkstra(matrix, indices=sources) for many sources at once), rustworkx or igraph",
        snippet="matrix = nx.to_scipy_sparse_array(graph)\nfar = scipy.sparse.csgraph.dijkstra(matrix, indices=sources)",
        when=(any_of(*(deep(f"networkx/algorithms/{part}") for part in _ELSEWHERE_FASTER)), _in_networkx),
        leave="A small graph, or an algorithm that only networkx has.",
        price=Price("amdahl", (5, 80), probe="one call with rustworkx or igraph"),
        source="gboeing/osmnx#153 (14 h against 10 min), #710, uibcdf/molsysmt#7",
        stages=("etl",),
        effort=4,
        risk=0.2,
    ),
    Pattern(
        id="apply-along-axis",
        title="np.apply_along_axis calls a Python function for each row of an array",
        replacement="Compute with an axis: x.mean(axis=1), np.sort(x, axis=1), np.take_along_axis; broadcasting for the rest, numba where "
        "no such form exists",
        snippet="scaled = (x - x.mean(axis=1, keepdims=True)) / x.std(axis=1, keepdims=True)",
        when=(below("numpy/lib/", "apply_along_axis"),),
        # Where nearly all time is below the function, its rows are few and long.
        unless=(more(body=0.97), _has_no_axis),
        leave="Few, long rows with heavy work on each.",
        price=Price("amdahl", (5, 50), probe="1,000 rows both ways"),
        source="bmvdgeijn/WASP#126 (10-100x), javiljoen/lttb.py#1 (20x), pandas-dev/pandas#3185",
        stages=("etl", "training"),
    ),
)
