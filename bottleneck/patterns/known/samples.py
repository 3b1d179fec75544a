"""Loading: what a sample costs that a batch, or the run, has to pay only once."""

import ast

from ..array_lists import elements_of, of_arrays
from ..loops import in_loop, varies
from ..model import Condition, Hot, Pattern, Price
from ..origins import origins
from ..places import draws_at_random, in_function, known, less, loading, more
from ..shapes import all_of, any_of, below, calls, deep, first, leaf, matches, not_if, running
from ..source import Source
from ..syntax import Function, is_field, is_self, last_name, mentions, parameters

_WRAPS = (
    "torch.from_numpy",
    "torch.as_tensor",
    "torch.tensor",
    "numpy.asarray",
    "numpy.array",
    "builtins.float",
    "builtins.int",
)
_NOT_IN_MEMORY = (
    "h5py.*", "zarr.*", "lmdb.*", "numpy.memmap*", "numpy.lib.format.open_memmap*", "netCDF4.*", "xarray.*", "tables.*",
    "torch.from_file*", "torch.utils.data.*", "torchvision.*", "datasets.*", "pyarrow.*", "builtins.open*", "pathlib.*",
)  # fmt: skip
#: How lists are named whose items are texts, files or samples of any kind.
_LISTS = frozenset(
    "text texts prompt prompts answer answers question questions sentence sentences path paths file files filename "
    "filenames name names document documents doc docs title titles caption captions url urls sample samples record "
    "records example examples graph graphs dataset datasets subset words tokens lines strings".split()
)
_TO_TENSOR = (
    "torch.tensor", "torch.as_tensor", "torch.FloatTensor", "torch.LongTensor", "numpy.array", "numpy.asarray",
)  # fmt: skip
_OF_LISTS = (
    "torch.tensor", "torch.as_tensor", "torch.FloatTensor", "torch.LongTensor", "torch.Tensor", "torch.DoubleTensor",
    "tensorflow.convert_to_tensor",
)  # fmt: skip
_ARRAYS = ("numpy.*", "torch.*", "jax.*", "cupy.*")


# --- samples that are rows of arrays in memory ------------------------------------------------------------------------
def _table_in_memory(hot: Hot) -> bool:
    """The loader reads rows of arrays in memory, sample by sample."""
    loaders = [
        call
        for call in hot.source.calls.get("DataLoader", [])
        if "torch.utils.data.DataLoader" in hot.source.paths(call.func)
    ]
    given = [_dataset(call) for call in loaders]
    tables = [each for each in given if each is not None and _is_table(hot.source, each)]
    batched = any(
        each.arg in ("batch_sampler", "sampler", "collate_fn") or _is_none(each)
        for call in loaders
        for each in call.keywords
    )
    return bool(tables) and len(tables) == len(given) and not batched


def _is_table(source: Source, dataset: ast.expr) -> bool:
    """A TensorDataset, or a class of this file that only indexes its arrays."""
    if "torch.utils.data.TensorDataset()" in source.paths(dataset):
        return True
    if isinstance(dataset, ast.Name) and len(bound := source.bindings(dataset)) == 1:
        dataset = bound[0].value
    made = last_name(dataset.func) if isinstance(dataset, ast.Call) else ""
    return any(
        getattr(source.parents.get(each), "name", "") == made and _indexes_only(source, each)
        for each in source.functions.get("__getitem__", [])
    )


def _dataset(call: ast.Call) -> ast.expr | None:
    return call.args[0] if call.args else next((each.value for each in call.keywords if each.arg == "dataset"), None)


def _is_none(given: ast.keyword) -> bool:
    return given.arg == "batch_size" and isinstance(given.value, ast.Constant) and given.value.value is None


def _only_indexes(hot: Hot) -> bool:
    """``__getitem__`` does nothing but index arrays of ``self``: ``return self.x[i], self.y[i]``."""
    function = hot.source.function(hot.node)
    return getattr(function, "name", "") == "__getitem__" and _indexes_only(hot.source, function)


def _indexes_only(source: Source, function: Function | None) -> bool:
    if not isinstance(function, ast.FunctionDef):
        return False
    body = [each for each in function.body if not _is_docstring(each)]
    if len(body) != 1 or not isinstance(body[0], ast.Return) or body[0].value is None:
        return False
    value = body[0].value
    if isinstance(value, ast.Call) and last_name(value.func) in ("tuple", "dict") and len(value.args) == 1:
        value = value.args[0]
    parts = value.elts if isinstance(value, ast.Tuple) else value.values if isinstance(value, ast.Dict) else [value]
    if isinstance(value, ast.DictComp | ast.ListComp | ast.GeneratorExp):
        parts = [value.value if isinstance(value, ast.DictComp) else value.elt]
    index = parameters(function) - {"self"}
    if value is parts[0] and isinstance(value, ast.Subscript) and not _is_an_array(source, value.value):
        return False  # ``return self.samples[i]``: a list, or another dataset, has no rows to take at once
    return "__getitems__" not in source.functions and all(_indexes(source, each, index) for each in parts)


def _is_an_array(source: Source, value: ast.expr) -> bool:
    return any(matches(path, *_ARRAYS) for path in source.paths(value))


def _is_docstring(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _indexes(source: Source, node: ast.expr, index: set[str]) -> bool:
    """``self.x[i]``, perhaps wrapped in ``torch.from_numpy`` and the like."""
    while isinstance(node, ast.Call) and node.args and any(matches(path, *_WRAPS) for path in source.paths(node.func)):
        node = node.args[0]
    if not isinstance(node, ast.Subscript):
        return False
    whole = isinstance(node.value, ast.Attribute)
    holders = [node.value] if whole else _holders(source, node.value)
    others = ("builtins.sorted*", "pandas.*", *(["builtins.list*", "builtins.dict*"] if whole else []))
    stored = (path for holder in holders for path in source.paths(holder))
    plain = bool(holders) and not any(matches(path, *_NOT_IN_MEMORY, *others) for path in stored)
    plain = plain and not any(last_name(each) in _LISTS and not _is_an_array(source, each) for each in holders)
    plain = plain and not any(_is_elsewhere(source, made) for holder in holders for made in origins(source, holder))
    return plain and isinstance(node.slice, ast.Name) and node.slice.id in index


def _is_elsewhere(source: Source, made: ast.expr) -> bool:
    """``np.load(path, mmap_mode="r")`` stays in its file; ``ImageFolder(path)`` makes its samples when asked."""
    calls = [each for each in ast.walk(made) if isinstance(each, ast.Call)]
    mapped = any(
        each.arg in ("mmap_mode", "mmap") and getattr(each.value, "value", True) not in (None, False)
        for call in calls
        for each in call.keywords
    )
    makes_an_object = isinstance(made, ast.Call) and last_name(made.func)[:1].isupper()
    return mapped or (makes_an_object and not _is_an_array(source, made))


def _holders(source: Source, value: ast.expr) -> list[ast.expr]:
    """For ``x`` of ``for name, x in self.arrays.items()``: ``self.arrays``, and what is put into it if the file tells."""
    bound = source.bindings(value) if isinstance(value, ast.Name) else []
    if len(bound) != 1 or not bound[0].suffix:
        return []
    holder = bound[0].value
    if isinstance(holder, ast.Call) and isinstance(holder.func, ast.Attribute) and not holder.args:
        holder = holder.func.value
    if not is_self(holder):
        return []
    made = [each.value for each in source.bindings_of_self(holder)]
    return [
        holder,
        *(part for each in made for part in (each.values if isinstance(each, ast.Dict) else elements_of(source, each))),
    ]


def _without_format(source: Source) -> bool:
    """The file uses Hugging Face datasets and sets no format."""
    of_datasets = any(path == "datasets" or path.startswith("datasets.") for path in source.imports.values())
    return of_datasets and not {"with_format", "set_format"} & source.calls.keys()


def _moved_at_once(hot: Hot) -> bool:
    """``torch.tensor(arrays).to(device)``: of two calls in C on one line, the one that reads every number."""
    node = hot.node
    if not isinstance(node, ast.Call) or hot.seen.below:
        return False
    moves = {each for each in hot.seen.rivals if last_name(each.func) in ("to", "cuda", "pin_memory")}
    return hot.seen.rivals - moves == {node} and any(matches(path, *_OF_LISTS) for path in hot.source.paths(node.func))


def _row_of(field: ast.AST) -> ast.Name | None:
    """``row`` of ``row["x"]``."""
    return field.value if is_field(field) and isinstance(field.value, ast.Name) else None


def _of_unformatted_rows(hot: Hot) -> bool:
    """``torch.tensor([row["x"] for row in rows])``, or ``torch.tensor(batch["x"])`` of ``for batch in data.iter(64)``."""
    given = hot.node.args[0] if isinstance(hot.node, ast.Call) and hot.node.args else None
    if not _without_format(hot.source) or given is None:
        return False
    if isinstance(given, ast.ListComp):
        row, target = _row_of(given.elt), given.generators[0].target
        return row is not None and isinstance(target, ast.Name) and target.id == row.id
    row = _row_of(given)
    return row is not None and any(
        isinstance(loop, ast.For) and mentions(loop.target, {row.id}) and _is_batches(loop.iter)
        for loop in hot.source.loops(row)
    )


def _is_batches(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "iter"


def _gives_unformatted_rows(hot: Hot) -> bool:
    """``for batch in data.iter(64)`` whose body makes tensors of ``batch["x"]``."""
    loop = hot.source.parents.get(hot.node)
    if not (isinstance(loop, ast.For) and loop.iter is hot.node and isinstance(loop.target, ast.Name)):
        return False
    made = [each for each in ast.walk(loop) if isinstance(each, ast.Call) and each.args]
    return _is_batches(hot.node) and any(
        (row := _row_of(each.args[0])) is not None
        and row.id == loop.target.id
        and any(matches(path, *_TO_TENSOR) for path in hot.source.paths(each.func))
        for each in made
    )


# --- pictures ---------------------------------------------------------------------------------------------------------
def _named(path: str) -> Condition:
    """The function is named in the file, to be called or to be handed to something."""
    name = path.rpartition(".")[2]
    return lambda hot: any(
        last_name(each) == name and path in hot.source.paths(each) for each in ast.walk(hot.source.tree)
    )


def _ends_in_a_conversion(hot: Hot) -> bool:
    """The innermost frame is a function of the file that makes an array of the picture it is given."""
    name = hot.seen.below[-1].function.rpartition(".")[2] if hot.seen.below else ""
    return any(
        isinstance(each, ast.Call)
        and any(matches(path, "numpy.array", "numpy.asarray") for path in hot.source.paths(each.func))
        and each.args
        and mentions(each.args[0], parameters(function) - {"self"})
        for function in hot.source.functions.get(name, [])
        for each in ast.walk(function)
    )


# --- loaders ----------------------------------------------------------------------------------------------------------
def _first_batch_of_a_new_iterator(hot: Hot) -> bool:
    """``next(iter(loader))``."""
    node = hot.node
    given = (
        node.args[0] if isinstance(node, ast.Call) and last_name(node.func) in ("next", "iter") and node.args else None
    )
    if isinstance(given, ast.Call) and last_name(given.func) == "iter" and given.args:
        given = given.args[0]
    return given is not None and any(path == "torch.utils.data.DataLoader()" for path in hot.source.paths(given))


PATTERNS = (
    Pattern(
        id="per-sample-fetch",
        title="A table in memory is fetched row by row and collated again, although a whole batch is one index operation",
        replacement="Take each batch out of the tensors at once: x[indices] for a slice of torch.randperm, or __getitems__ "
        "(a BatchSampler as sampler with batch_size=None) and no collate",
        snippet="for picked in torch.randperm(len(x)).split(4096):\n    rows, target = x[picked], y[picked]",
        when=(
            any_of(
                all_of(
                    below("torch/utils/data/_utils/fetch.py", "fetch"),
                    any_of(
                        leaf("torch/utils/data/_utils/collate.py"),
                        leaf("torch/utils/data/_utils/fetch.py"),
                        leaf("torch/utils/data/dataset.py"),
                    ),
                    _table_in_memory,
                ),
                all_of(_only_indexes, lambda hot: not hot.seen.below, not_if(known(off_cpu=True))),
            ),
        ),
        leave="The samples are augmented or read from files, or the loader keeps ahead of the training.",
        price=Price("loader", (4, 15), probe="x[indices] for one batch"),
        source="pytorch/pytorch#106704, #10260 (1.39 to 0.09 s), #4959, shenweichen/DeepCTR-Torch#70 (4x)",
        stages=("loading",),
    ),
    Pattern(
        id="list-of-arrays-to-tensor",
        title="A tensor is made from a list of numpy arrays, and every number is read through Python",
        replacement="Stack first: torch.from_numpy(np.stack(arrays)); torch.stack for a list of tensors",
        snippet="batch = torch.from_numpy(np.stack(arrays))",
        when=(
            any_of(calls(*_OF_LISTS), _moved_at_once),
            first(of_arrays),
        ),
        beats=("host-made-constants",),
        leave="A handful of numbers, or ragged lists that cannot be stacked.",
        price=Price("amdahl", (3.6, 30)),
        source="pytorch/pytorch#13918 (6.1 to 0.9 s), #57467 (1.97 to 0.06 s), facebook/Ax#4798 (3.6x)",
        stages=("loading", "training"),
        effort=1,
    ),
    Pattern(
        id="dataset-without-format",
        title="Arrays of a Hugging Face dataset come as Python lists, and every number is read through Python",
        replacement="Give the dataset a format, dataset.with_format('torch') or 'numpy', and stack what its rows hold",
        snippet="dataset = dataset.with_format('torch')\nbatch = torch.stack([row['features'] for row in rows])",
        when=(
            any_of(
                all_of(calls(*_TO_TENSOR), _of_unformatted_rows),
                all_of(deep("datasets/formatting/formatting.py"), _gives_unformatted_rows),
            ),
        ),
        leave="Rows of a few numbers.",
        price=Price("amdahl", (3, 20)),
        source="own measurement: 25 to 11 s for arrays of some thousand numbers; the documentation of datasets, Use with PyTorch",
        stages=("loading", "training"),
        effort=1,
    ),
    Pattern(
        id="tokenise-in-loader",
        title="The tokenizer cuts one text per sample, again in every epoch",
        replacement="Tokenize once beforehand (dataset.map(..., batched=True)) and store the ids, or call the tokenizer "
        "once per batch in collate_fn",
        snippet="ids = tokenizer(texts, truncation=True)['input_ids']  # in __init__\nreturn ids[index]  # in __getitem__",
        when=(
            loading(),
            below("transformers/tokenization_utils_base.py", "__call__", "encode", "encode_plus"),
            varies(),
        ),
        unless=(draws_at_random(),),
        leave="The text is random (templates, subword dropout), or it is streamed once.",
        price=Price("loader", probe="one batch with one call"),
        source="marin-community/marin#900, AnswerDotAI/ModernBERT#236, lucidrains/reformer-pytorch#143",
        stages=("loading",),
    ),
    Pattern(
        id="array-pil-array",
        title="An array in memory becomes a PIL image and a tensor again for every sample",
        replacement="Keep one uint8 tensor for the whole set, and cast and normalise per batch; transforms.v2 work on it",
        snippet="x = self.images[index]  # uint8\n# per batch: x.float().div_(255).sub_(mean).div_(std)",
        when=(
            loading(),
            varies(),
            any_of(
                calls("PIL.Image.fromarray"),
                all_of(
                    running(),
                    in_function("__getitem__"),
                    _named("PIL.Image.fromarray"),
                    any_of(deep("PIL/Image.py", "fromarray", "__array_interface__"), _ends_in_a_conversion),
                ),
            ),
        ),
        unless=(more(seconds_each=0.01),),
        leave="Augmentation that only PIL has, or decoding takes most of the time.",
        price=Price("loader", (1.3, 8)),
        source="pytorch/vision#407 (25-50 % of an epoch), #7497 (1,230 to 402 us), fastai/fastai#1018 (8x)",
        stages=("loading",),
    ),
    Pattern(
        id="loader-rebuilt",
        title="The loader starts its workers again and again, for a new iterator each time",
        replacement="Make the DataLoader and its iterator once (persistent_workers=True, an endless generator), not in the loop",
        snippet="batches = iter(loader)  # before the loop\nbatch = next(batches)",
        when=(
            in_loop(),
            any_of(
                all_of(_first_batch_of_a_new_iterator, below("torch/utils/data/dataloader.py")),
                all_of(
                    below("torch/utils/data/dataloader.py", "__init__", "_shutdown_workers"),
                    calls("torch.utils.data.DataLoader"),
                    not_if(varies()),
                ),
            ),
        ),
        unless=(less(passes=3),),
        leave="The data really change (rollouts, a curriculum), or there are no workers and the set is light.",
        price=Price("once"),
        source="visionml/pytracking#374 (4:20 pause per 6:40 epoch), allenai/allennlp#1128 (55 %), argonne-lcf/dlio_benchmark#143",
        stages=("loading",),
        effort=1,
    ),
)
