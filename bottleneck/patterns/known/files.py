"""Files that are opened or read again for each pass although they stay the same."""

import ast

from ..fixed import unchanged
from ..loops import in_loop, varies
from ..model import Hot, Pattern, Price
from ..places import cached, every_pass, iterates_over, less, loading, takes
from ..rereads import reads_the_same_file, starts_a_program
from ..shapes import all_of, any_of, argument, below, calls, deep, method
from ..syntax import Loop, arguments, is_field, last_name, stored

_LOADERS = (
    "numpy.load", "numpy.loadtxt", "numpy.genfromtxt", "joblib.load", "torch.load", "pickle.load", "json.load",
    "yaml.safe_load", "yaml.load", "scipy.io.loadmat", "PIL.Image.open", "pyarrow.parquet.read_table",
)  # fmt: skip


def _loads_the_same(hot: Hot) -> bool:
    loops, function = hot.source.loops(hot.node), hot.source.function(hot.node)
    around = loops[0] if loops else function
    calls = (each for each in (ast.walk(around) if around is not None else ()) if isinstance(each, ast.Call))
    if any(starts_a_program(hot.source, each) for each in calls):
        return False  # which may write it
    return isinstance(hot.node, ast.Call) and bool(hot.node.args) and not varies()(hot) and not _is_handle(hot)


def _is_handle(hot: Hot) -> bool:
    """The argument is a file object that the loop opens: another file in each pass."""
    argument = hot.node.args[0] if isinstance(hot.node, ast.Call) and hot.node.args else None
    return isinstance(argument, ast.Name) and any(path.endswith("open()") for path in hot.source.paths(argument))


def _of_an_archive(hot: Hot) -> bool:
    """``archive["x"]`` with a key that does not change, of an archive that stays open from pass to pass."""
    node = hot.node
    if not isinstance(node, ast.Subscript) or not isinstance(node.slice, ast.Constant):
        return False
    source, value = hot.source, node.value
    loops = source.loops(node)
    for each in source.bindings(value) if isinstance(value, ast.Name) else ():
        if source.function(each.where) is source.function(node) and (not loops or loops[0] in source.above(each.where)):
            return False  # opened in the same pass: another file each time
    return not isinstance(value, ast.Call)


def _for_a_part(hot: Hot) -> bool:
    """``archive["x"][i]``: all of the array is decompressed, and one part of it is used."""
    node, index = hot.node, hot.source.parents.get(hot.node)
    part = isinstance(index, ast.Subscript) and index.value is node and not isinstance(index.slice, ast.Slice)
    return part and is_field(node)


def _loop_around(hot: Hot) -> ast.For | None:
    above = (*hot.source.loops(hot.node), *hot.source.above(hot.node))
    return next((each for each in above if isinstance(each, ast.For)), None)


def _skips_bad_lines(hot: Hot) -> bool:
    """The loop goes on after a line that cannot be read, which a columnar reader does not."""
    loop = _loop_around(hot)
    return loop is not None and any(isinstance(each, ast.Try) for each in ast.walk(loop))


def _takes_lines_apart(hot: Hot) -> bool:
    """Each line is split into fields or read as JSON, which a columnar reader does as well."""
    made = [each for each in ast.walk(_loop_around(hot) or hot.source.tree) if isinstance(each, ast.Call)]
    return any(last_name(each.func) in ("split", "rsplit", "partition", "loads", "literal_eval") for each in made)


def _updates_the_whole(hot: Hot) -> bool:
    """``state = json.load(file); state[key] = value; json.dump(state, file)``, always of the same file."""
    node, source = hot.node, hot.source
    loop = next((each for each in source.loops(node) if isinstance(each, Loop)), None)
    region = loop or (source.function(node) if in_loop()(hot) else None)
    calls = [each for each in ast.walk(region) if isinstance(each, ast.Call)] if region is not None else []
    loads = {each: stored(source.statement(each)) for each in calls if source.paths(each.func) & _READ}
    dumps = [each for each in calls if each.args and source.paths(each.func) & _WRITTEN]
    names = {each.args[0].id for each in dumps if isinstance(each.args[0], ast.Name)}
    mine = loads.get(node, set()) if node in loads else {getattr(node.args[0], "id", "")} if node in dumps else set()
    if not mine & names or not any(mine & given for given in loads.values()):
        return False
    if any(starts_a_program(source, each) for each in calls):
        return False  # which reads it
    opened = [each for each in calls if last_name(each.func) in ("open", "read_text", "write_text", "read_bytes")]
    modes = [str(getattr(given, "value", "")) for each in opened for given in arguments(each)[1:]]
    if any(mode.startswith("a") for mode in modes) or not (
        any(mode.startswith("w") for mode in modes) or any(last_name(each.func) == "write_text" for each in opened)
    ):
        return False
    places = [*(each.args[0] for each in opened if last_name(each.func) == "open" and each.args),
              *(each.func.value for each in opened if isinstance(each.func, ast.Attribute))]  # fmt: skip
    return bool(places) and unchanged(hot, *places, given=hot.seen.given)


_READ = {"json.load", "json.loads", "pickle.load", "yaml.safe_load"}
_WRITTEN = {"json.dump", "json.dumps", "pickle.dump", "yaml.dump", "yaml.safe_dump"}


def _writes_all_again(hot: Hot) -> bool:
    """``json.dump(results, file)`` in the loop that appends to ``results``: each pass writes all passes so far."""
    node = hot.node
    loop = next((each for each in hot.source.loops(node) if isinstance(each, Loop)), None)
    whole = node.args[0] if isinstance(node, ast.Call) and node.args else None
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr.startswith("to_"):
        whole = node.func.value
    if loop is None or whole is None:
        return False
    names = {each.id for each in ast.walk(whole) if isinstance(each, ast.Name)} - stored(getattr(loop, "target", loop))
    grown = {
        each.func.value.id
        for each in ast.walk(loop)
        if isinstance(each, ast.Call) and isinstance(each.func, ast.Attribute)
        and each.func.attr in ("append", "extend") and isinstance(each.func.value, ast.Name)
    }  # fmt: skip
    made = {each for each in names & grown if not any(each in stored(one) for one in loop.body)}
    return bool(made)


def _parses_a_table(hot: Hot) -> bool:
    """A large text of numbers, without converters of its own."""
    return argument(hot.node, "converters") is None and argument(hot.node, "dtype") is None


PATTERNS = (
    Pattern(
        id="array-parsed-from-text",
        title="An array of numbers is parsed from text by one of numpy's slower readers",
        replacement="Use pandas.read_csv(path, header=None, sep=...).to_numpy() with the file's delimiter, or polars; better, store it once as .npy (np.save) "
        "or Parquet and load that",
        snippet="values = pd.read_csv(path, header=None).to_numpy()",
        when=(calls("numpy.genfromtxt", "numpy.loadtxt"), _parses_a_table, takes(0.2)),
        leave="Under a megabyte, or a format that pandas cannot read.",
        price=Price("amdahl", (2.5, 20)),
        source="numpy/numpy#19687 (loadtxt), StackOverflow 8956832; own measurement: genfromtxt 15 and loadtxt 3 times as long as pandas",
        stages=("etl", "loading"),
        effort=1,
    ),
    Pattern(
        id="synced-per-row",
        title="Each row is forced to disk with an fsync of its own",
        replacement="Call os.fsync once after the loop, or every few thousand rows; other programs can read all of a "
        "closed file without it",
        snippet="for row in rows:\n    file.write(row)\nfile.flush()\nos.fsync(file.fileno())",
        when=(calls("os.fsync", "os.fdatasync"), in_loop(), every_pass()),
        unless=(less(passes=20),),
        leave="Each row must survive a power failure on its own, as in a journal.",
        price=Price("amdahl", (10, 1000)),
        source="fsync(2): waits until the device reports that the transfer has completed",
        stages=("etl",),
        effort=1,
    ),
    Pattern(
        id="results-written-again",
        title="Each pass writes all results so far to the file again",
        replacement="Append one line per result (JSON Lines: json.dumps(result) and a newline in a file that stays open), or write "
        "the whole every k passes; a database (sqlite3, shelve) where single entries change",
        snippet="with open(path, 'a') as file:\n    for item in items:\n        file.write(json.dumps(evaluate(item)) + '\\n')",
        when=(
            any_of(
                all_of(
                    any_of(
                        calls(
                            "json.dump",
                            "json.dumps",
                            "pickle.dump",
                            "torch.save",
                            "joblib.dump",
                            "yaml.dump",
                            "numpy.save",
                        ),
                        method("to_csv", "to_json", "to_parquet", "to_pickle", "to_excel", of="pandas"),
                    ),
                    _writes_all_again,
                ),
                _updates_the_whole,
            ),
            every_pass(),
        ),
        across=True,
        unless=(less(passes=20),),
        beats=("json-encoded-in-python", "to-csv-text", "file-loaded-again"),
        leave="A few passes that take minutes each.",
        price=Price("amdahl", (5, 200)),
        source="jsonlines.org",
        stages=("etl", "training"),
        effort=1,
    ),
    Pattern(
        id="file-loaded-again",
        title="The same file is loaded again in each pass",
        replacement="Load it once, before the loop or in __init__, and keep the result (functools.cache on the function), "
        "as a dict if single values are looked up",
        snippet="table = load(path)  # once\nfor item in items:\n    use(table, item)",
        when=(any_of(all_of(calls(*_LOADERS), in_loop(), _loads_the_same), reads_the_same_file()),),
        unless=(cached(), less(passes=2)),
        beats=("json-line-loop", "csv-rows-in-python", "opened-per-item", "yaml-python-loader", "list-membership"),
        leave="The file changes between the passes.",
        price=Price("once"),
        source="numpy/numpy#23661, pandas-dev/pandas#3221",
        stages=("etl", "loading", "serving"),
        effort=1,
    ),
    Pattern(
        id="archive-member-read-again",
        title="An array of an .npz archive is read and decompressed again at each access",
        replacement="Take the array out of the archive once (X = archive['X']) and index that, or store it as .npy and "
        "open it with mmap_mode='r'",
        snippet="self.x = np.load(path)['X']  # in __init__, once\nbatch = self.x[rows]",
        when=(
            any_of(
                below("numpy/lib/_npyio_impl.py", "__getitem__", through="numpy/"),
                below("numpy/lib/npyio.py", "__getitem__", through="numpy/"),
            ),
            any_of(all_of(_of_an_archive, in_loop()), all_of(_for_a_part, loading())),
        ),
        unless=(cached(), less(passes=2)),
        beats=("file-loaded-again", "archive-unpacked"),
        leave="Each member is read once.",
        price=Price("once"),
        source="numpy/numpy#23661, numpy/numpy#32723",
        stages=("etl", "loading"),
        effort=1,
    ),
    Pattern(
        id="compressed-line-loop",
        title="A compressed file is unpacked and split line by line in Python",
        replacement="Let a columnar reader split it (polars.read_csv and pyarrow.csv take .gz, polars.read_ndjson the unpacked bytes), or "
        "unpack it with isal.igzip, store it as zstd, or read each file in a process of its own",
        snippet="frame = pl.read_ndjson(gzip.open(path).read())",
        when=(
            iterates_over("gzip.open()", "bz2.open()", "lzma.open()", "gzip.GzipFile()"),
            any_of(
                deep("gzip.py"),
                deep("bz2.py"),
                deep("lzma.py"),
                deep("_compression.py"),
                lambda hot: not hot.seen.below,
            ),
            _takes_lines_apart,
        ),
        unless=(less(passes=10_000), _skips_bad_lines),
        leave="The lines are worked on for far longer than they take to read.",
        price=Price("measure", probe="one file with the columnar reader"),
        source="huggingface/datasets#6867, dask/fastparquet#344",
        stages=("etl",),
    ),
)
