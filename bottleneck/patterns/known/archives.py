"""Archives and chunked arrays: what is found or unpacked again for each item."""

import ast

from ..loops import in_loop, varies
from ..model import Hot, Pattern, Price, Sighting
from ..places import less, loading
from ..rereads import opened_alike
from ..shapes import any_of, below, deep, leaf, subscript

_FINDS = ("extractfile", "extract", "getmember", "getmembers", "getnames")
_CREATES = (
    "create_dataset",
    "create_array",
    "create",
    "require_dataset",
    "zeros",
    "empty",
    "full",
    "open_array",
    "open",
)
_MANY = 16  # items in a chunk


def _opening(hot: Hot) -> ast.Call | None:
    """The call that opened the tar file of ``archive.extractfile(name)`` in the same pass, if it opens the same one."""
    node, source = hot.node, hot.source
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute) or node.func.attr not in _FINDS:
        return None
    archive, loops = node.func.value, source.loops(node)
    for each in source.bindings(archive) if isinstance(archive, ast.Name) else ():
        made = each.value
        if not isinstance(made, ast.Call) or not source.paths(made.func) & {"tarfile.open", "tarfile.TarFile"}:
            continue
        inside = source.function(each.where) is source.function(node)
        if inside and (not loops or loops[0] in source.above(each.where)):
            here = Hot(_at(hot.seen, made), made)
            return made if in_loop()(here) and opened_alike(here) else None
    return None


def _at(seen: Sighting, node: ast.Call) -> Sighting:
    """The same run, with another line of the same function as the hot one."""
    values = {name: getattr(seen, name) for name in ("function", "looped", "given", "callers", "loading", "passes")}
    return Sighting(seen.source, node.lineno, **values)


def _line_of_opening(seen: Sighting) -> int | None:
    found = (_opening(Hot(seen, node)) for node in seen.nodes)
    return next((call.lineno for call in found if call is not None), None)


def _unpacks_more_than_it_takes(hot: Hot) -> bool:
    """``array[i]`` or ``array[:, i]`` with the number of the pass, of an array that the file stores in chunks of many
    such items."""
    node = hot.node
    if not isinstance(node, ast.Subscript) or not varies()(hot):
        return False
    index = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
    axes = [axis for axis, part in enumerate(index) if isinstance(part, ast.Name | ast.BinOp | ast.Call)]
    whole = all(
        isinstance(part, ast.Slice) and part.lower is None and part.upper is None
        for axis, part in enumerate(index)
        if axis not in axes
    )
    return whole and len(axes) == 1 and _many_along(hot, axes[0])


def _many_along(hot: Hot, axis: int) -> bool:
    """The file itself creates its arrays with chunks of many items along the axis."""
    source = hot.source
    told = [
        each.value
        for name in _CREATES
        for call in source.calls.get(name, ())
        for each in call.keywords
        if each.arg == "chunks"
    ]
    sizes = [each.elts[axis] for each in told if isinstance(each, ast.Tuple) and len(each.elts) > axis]
    found = [getattr(source.literal(size), "value", None) for size in sizes]
    return bool(sizes) and len(sizes) == len(told) and all(size is None or size >= _MANY for size in found)


PATTERNS = (
    Pattern(
        id="archive-searched-per-member",
        title="The tar archive is opened again for each member, and read from its beginning to find it",
        replacement="Open it once and keep its index ({member.name: member for member in archive}), take the members in "
        "the order of the archive, or store them as a zip file, which has an index",
        snippet="with tarfile.open(path) as archive:\n    for member in archive:\n        use(archive.extractfile(member).read())",
        when=(
            below("tarfile.py", *_FINDS),
            deep("tarfile.py", "next"),
            lambda hot: _opening(hot) is not None,
        ),
        unless=(less(passes=5),),
        beats=("opened-per-item", "compressed-file-sought"),
        leave="One member is needed.",
        price=Price("once"),
        source="docs.python.org, tarfile: an archive has no index, so getmember() reads all headers; webdataset/webdataset#34",
        stages=("etl", "loading"),
        cause=_line_of_opening,
        effort=1,
    ),
    Pattern(
        id="chunks-unpacked-per-item",
        title="Items are read one by one from a chunked array, and each read unpacks chunks that hold many of them",
        replacement="Read whole chunks (array[a:b], with b - a a multiple of array.chunks[0]) and take the items from that "
        "block, array[:] if it fits into memory, or store it with chunks of one item",
        snippet="for start in range(0, len(array), array.chunks[0]):\n    for item in array[start : start + array.chunks[0]]:\n        use(item)",
        when=(
            any_of(subscript(of="h5py"), subscript(of="zarr")),
            in_loop(),
            _unpacks_more_than_it_takes,
        ),
        unless=(loading(), less(seconds_each=0.0005), less(passes=20)),
        beats=("hdf5-fancy-index",),
        leave="The items are few, or far apart.",
        price=Price("amdahl", (3, 50)),
        source="docs.h5py.org, Chunked storage; zarr.readthedocs.io, Optimizing performance: a chunk is read as a whole; "
        "AllenInstitute/ophys_etl_pipelines#459 (9.2 to 0.21 s)",
        stages=("etl",),
        effort=1,
    ),
    Pattern(
        id="packed-shards",
        title="The shards of a data set are gzipped, and unpacked again in each pass over it",
        replacement="Store plain .tar shards (images and audio are compressed already), or keep only the arrays in them "
        "compressed with zstd or lz4",
        snippet="with wds.TarWriter('shard-000.tar') as shard:  # not .tar.gz\n    shard.write(sample)",
        when=(
            below("webdataset/"),
            any_of(deep("gzip.py"), leaf("tarfile.py", "_read")),
            in_loop(),
            lambda hot: isinstance(hot.node, ast.expr),
        ),
        leave="The link to the storage is slower than unpacking.",
        price=Price("amdahl", (5, 50)),
        source="webdataset/webdataset FAQ: compress the files, not the archive",
        stages=("etl", "loading"),
        effort=2,
    ),
)
