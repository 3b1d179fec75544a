"""Lazy plans, data sets, pools and files: what is done per item and can be done once or in batches."""

import ast

from ..causes import called
from ..fixed import unchanged
from ..loops import in_loop, names_of_pass, varies
from ..model import Hot, Pattern, Price
from ..places import cached, handed_to, known, less, loading, more, named, uses, version
from ..rereads import opened_alike
from ..shapes import (
    all_of,
    any_of,
    below,
    calls,
    deep,
    given_own_function,
    keyword,
    listed,
    matches,
    method,
    not_if,
    own_function,
)
from ..syntax import is_self, last_name, mentions

_SUBMIT = "concurrent.futures.ProcessPoolExecutor().submit"


def _each_is_submitted(hot: Hot) -> bool:
    """The function around the node submits a task for each item, and no batch of them."""
    submits = [call for call in named(hot.source, (_SUBMIT,)) if hot.source.loops(call)]
    mine = [call for call in submits if hot.source.function(call) is hot.source.function(hot.node)]
    given = [each for call in mine for each in call.args[1:]]
    ours = all(any(matches(path, _SUBMIT) for path in hot.source.paths(call.func)) for call in mine)
    return bool(mine) and ours and not any(listed(hot.source, each) for each in given)


def _collected_again(hot: Hot) -> bool:
    """``collect`` on a lazy frame that is made outside the loop and was not collected.

    What is joined to it may be the same in each pass: the frame that the chain begins with is what is read.
    """
    node = hot.node
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute) or node.func.attr != "collect":
        return False
    root: ast.expr = node.func.value
    begins: list[ast.expr] = [root]
    while isinstance(root, ast.Attribute | ast.Call) and not is_self(root):
        begins = root.args if isinstance(root, ast.Call) else [root.value]  # of report(plan) it is the plan
        if isinstance(root, ast.Call) and not root.args and last_name(root.func) in hot.source.functions:
            begins = [root]  # what plan() gives
        root = root.value if isinstance(root, ast.Attribute) else root.func
    names = names_of_pass(hot, node)
    return any(
        matches(path, "polars.scan_*") and "collect()" not in path and not path.endswith("]")
        for each in (*begins, root)
        if (unchanged(hot, each, given=hot.seen.given) if is_self(each) else not mentions(each, names))
        if isinstance(each, ast.Name | ast.Call | ast.Attribute)
        for path in hot.source.paths(each)
    )


def _plain_gzip(hot: Hot) -> bool:
    given = [each for each in hot.source.calls.get("open", []) + hot.source.calls.get("GzipFile", [])]
    return not any(keyword("compresslevel")(Hot(hot.seen, each)) for each in given)


def _hands_over_a_function(hot: Hot) -> bool:
    """``frame.with_columns(pl.col("x").map_elements(f))``: the call that runs the plan holds the one with the function."""
    return isinstance(hot.node, ast.Call) and any(
        isinstance(each, ast.Call)
        and last_name(each.func) in ("map_elements", "map_rows")
        and bool(each.args)
        and own_function(hot.source, each.args[0])
        for given in hot.node.args
        for each in ast.walk(given)
    )


PATTERNS = (
    Pattern(
        id="lazy-recollect",
        title="The same lazy plan is collected again and again, each time from the file",
        replacement="Collect the shared part once (plan.collect().lazy()), or run all plans with pl.collect_all",
        snippet="shared = plan.collect().lazy()\ntables = pl.collect_all([report(shared) for report in reports])",
        when=(method("collect", of="polars"), in_loop(), _collected_again),
        unless=(less(passes=2),),
        leave="The plans read different files, or the shared part does not fit in memory.",
        price=Price("once"),
        source="pola-rs/polars#18292, #13065, #6193, Quantco/dataframely#320 (N scans against 1)",
        stages=("etl",),
        effort=1,
    ),
    Pattern(
        id="polars-python-udf",
        title="polars calls a Python function for each value",
        replacement="Write it as expressions: pl.when, replace_strict, the str, dt and list namespaces",
        snippet="frame.with_columns(pl.when(pl.col('x') > 0).then('high').otherwise('low'))",
        when=(
            any_of(
                all_of(method("map_elements", "map_rows", of="polars"), given_own_function),
                all_of(below("polars/"), _hands_over_a_function),
                # The engine calls the function on a thread of its own, with no frame of polars above it.
                all_of(uses("polars"), lambda hot: not hot.seen.below, handed_to("?.map_elements", "?.map_rows")),
            ),
        ),
        unless=(more(body=0.9),),
        leave="It calls a model or a service, or the frame is tiny.",
        price=Price("amdahl", (5, 50)),
        source="pola-rs/polars#9968, #14529, #15873, #25688",
        stages=("etl",),
    ),
    Pattern(
        id="unbatched-map",
        title="datasets.map calls the function once per example",
        replacement="Use map(..., batched=True) with a function that takes lists, so that a fast tokenizer uses its own threads",
        snippet="ds.map(lambda b: tokenizer(b['text'], truncation=True), batched=True)",
        when=(
            method("map", "filter", of="datasets"),
            below("datasets/arrow_dataset.py"),
            not_if(keyword("batched")),
            any_of(deep("transformers/tokenization_utils_base.py"), less(body=0.6)),
        ),
        leave="The work per example is heavy (audio, images).",
        price=Price("amdahl", (2, 50)),
        source="mozilla-extensions/regrets-reporter#131 (17 min to 20 s), huggingface/datasets#6237, huggingface/trl#1470",
        stages=("etl",),
    ),
    Pattern(
        id="datasets-every-column",
        title="datasets.filter decodes every column of every row for a function that is called once per row",
        replacement="Name the columns that the function needs with input_columns, so that it gets their values and the others "
        "are not decoded; or take whole batches with batched=True, of which only the columns that it reads are decoded",
        snippet="ds.filter(lambda quality: quality >= 0.5, input_columns=['quality'])",
        when=(
            method("filter", of="datasets"),
            deep("datasets/arrow_dataset.py", "get_indices_from_mask_function"),
            not_if(any_of(keyword("batched"), keyword("input_columns"))),
            less(body=0.6),
        ),
        beats=("unbatched-map",),
        leave="The dataset has few, small columns, or the function needs them all.",
        price=Price("amdahl", (2, 50)),
        source="huggingface/datasets documentation, Process (input_columns); own measurement, 16.6 to 7.2 s",
        stages=("etl",),
        effort=1,
    ),
    Pattern(
        id="datasets-random-access",
        title="A whole column of the dataset is decoded for each row that is read",
        replacement="Take the column once before the loop (column = ds['text']), or write ds[i]['text']; flatten_indices() after shuffle or select",
        snippet="column = ds['text']\nfor i in order:\n    use(column[i])",
        when=(
            below("datasets/"),
            in_loop(),
            any_of(
                deep("datasets/formatting/formatting.py", "_query_table_with_indices_mapping"),
                lambda hot: (
                    isinstance(hot.node, ast.Subscript)
                    and isinstance(hot.node.value, ast.Subscript)
                    and isinstance(getattr(hot.node.value.slice, "value", None), str)
                ),
            ),
        ),
        unless=(version("datasets", 4),),
        leave="One short pass.",
        price=Price("once"),
        source="huggingface/datasets#6846 (19 s a row), #5908, EleutherAI/bergson#167",
        stages=("etl", "loading"),
        effort=1,
    ),
    Pattern(
        id="dask-compute-in-loop",
        title="Each pass of a loop computes a Dask graph of its own and waits for it",
        replacement="Collect the lazy results and call dask.compute(*all) once; persist what they share",
        snippet="results = dask.compute(*[work(part) for part in parts])",
        when=(
            below("dask/base.py", "compute"),
            in_loop(),
            lambda hot: isinstance(hot.node, ast.Call) and last_name(hot.node.func) == "compute",
        ),
        unless=(less(passes=5),),
        leave="The next graph needs the last result, or the graphs are bounded to save memory.",
        price=Price("cores"),
        source="dask/dask#9693, dask/distributed#7066, dask/dask-searchcv#72",
        stages=("etl",),
    ),
    Pattern(
        id="deflate-default-level",
        title="Data are compressed by deflate at a high level",
        replacement="Use compresslevel=1 to 3, zstd or lz4, or plain np.save for data of your own",
        snippet="with gzip.open(path, 'wb', compresslevel=1) as file:\n    ...",
        when=(any_of(calls("numpy.savez_compressed"), deep("gzip.py", "write", "compress")),),
        unless=(keyword("compresslevel"), not_if(_plain_gzip)),
        leave="The archive is written once, for a slow link or paid storage.",
        price=Price("amdahl", (3, 8), probe="20 MB at level 1"),
        source="dask/fastparquet#344 (229 against 64 s), numpy/numpy#20995 (24.7 against 3.2 s)",
        stages=("etl",),
        effort=1,
    ),
    Pattern(
        id="opened-per-item",
        title="A file, archive, client or connection with the same arguments is opened again for each item",
        replacement="Open it once before the loop (h5py.File, zipfile.ZipFile, sqlite3.connect, boto3.client) and pass it on",
        snippet="with zipfile.ZipFile(path) as archive:\n    for name in names:\n        use(archive.read(name))",
        when=(
            calls(
                "builtins.open",
                "zipfile.ZipFile",
                "tarfile.open",
                "h5py.File",
                "lmdb.open",
                "sqlite3.connect",
                "psycopg.connect",
                "psycopg2.connect",
                "boto3.client",
                "boto3.resource",
                "torchaudio.transforms.Resample",
                "torchvision.transforms.*Compose",
                "*.from_pretrained",
            ),
            any_of(in_loop(), loading()),
            opened_alike,
        ),
        unless=(cached(), less(passes=5), known(handler=True)),
        leave="The path depends on the item, or the handle does not survive a fork (open it lazily, once per worker).",
        price=Price("once"),
        source="h5py/h5py#1198 (9 s, mostly open and close), facebookresearch/fairchem#154, boto/boto3#1592, pytorch/audio#2359",
        stages=("etl", "loading"),
    ),
    Pattern(
        id="pool-tiny-tasks",
        title="The queue costs more than the tasks of the pool",
        replacement="Give imap or executor.map a chunksize of 10 to 1,000, or pass batches",
        snippet="pool.imap_unordered(work, items, chunksize=200)",
        when=(
            less(workers_busy=0.5),
            any_of(
                all_of(
                    calls("multiprocessing.Pool().imap*", "concurrent.futures.ProcessPoolExecutor().map"),
                    not_if(keyword("chunksize")),
                ),
                all_of(known(off_cpu=False), below("concurrent/futures/"), _each_is_submitted),
            ),
        ),
        cause=called(_SUBMIT),
        needs=("workers_busy",),
        leave="Long or very uneven tasks.",
        price=Price("amdahl", (1.3, 100)),
        source="hackingmaterials/matminer#329 (about 100x lost), dfm/emcee#61 (30 %), joblib/loky#12",
        stages=("etl",),
        effort=1,
    ),
    Pattern(
        id="openpyxl-cell-walk",
        title="Cells of a read-only sheet are fetched one by one, each parsed from the top",
        replacement="Go through the sheet once with iter_rows(values_only=True)",
        snippet="for row in sheet.iter_rows(values_only=True):\n    use(row)",
        when=(below("openpyxl/worksheet/_read_only.py", "_get_cell", "cell", "_cells_by_row"), in_loop(), varies()),
        leave="Cells are written or styled.",
        price=Price("amdahl", (2, 100)),
        source="theorchard/openpyxl#66 (7.3 M parses for 1,000 cells), brightway-lca/brightway2-io#101 (5 h to minutes)",
        stages=("etl",),
    ),
)
