"""Hugging Face Datasets: what each map or filter does besides calling the function."""

import ast

from ..fixed import unchanged
from ..loops import in_loop
from ..model import Hot, Pattern, Price
from ..places import less
from ..shapes import below, deep, method


def _goes_through_the_same(hot: Hot) -> bool:
    """``dataset.filter(lambda row: row["label"] == name)`` of a dataset that stays the same from pass to pass."""
    owner = hot.node.func.value if isinstance(hot.node, ast.Call) and isinstance(hot.node.func, ast.Attribute) else None
    return owner is not None and unchanged(hot, owner, given=hot.seen.given)


PATTERNS = (
    Pattern(
        id="dataset-filtered-per-key",
        title="The whole dataset is filtered again for each key, with a Python call for every row",
        replacement="Read the column once, collect the row numbers of each key, and use dataset.select(rows)",
        snippet="rows = defaultdict(list)\nfor number, name in enumerate(dataset['label']):\n    rows[name].append(number)\n"
        "parts = {name: dataset.select(numbers) for name, numbers in rows.items()}",
        when=(
            method("filter", of="datasets"),
            deep("datasets/arrow_dataset.py", "filter"),
            in_loop(),
            _goes_through_the_same,
        ),
        unless=(less(passes=4),),
        beats=("datasets-every-column", "unbatched-map", "datasets-hashes-function"),
        leave="There are only two or three keys.",
        price=Price("amdahl", (3, 100)),
        source="huggingface/datasets documentation, Process (select, filter); own measurement: 20 with 64 keys",
        stages=("etl", "loading"),
    ),
    Pattern(
        id="datasets-hashes-function",
        title="Datasets pickles and hashes the function of each map, with everything that it refers to",
        replacement="Pass new_fingerprint= with a name of your own, keep the large object out of the closure, of partial and of "
        "fn_kwargs (read it inside the function, once per process), or concatenate the parts and map once",
        snippet="dataset = dataset.map(score, batched=True, new_fingerprint=f'score-{version}-{name}')",
        when=(
            below("datasets/fingerprint.py", "update_fingerprint", "hash", "generate_fingerprint", through="datasets/"),
        ),
        leave="The hash finds a cached result that would take longer to compute.",
        price=Price("once"),
        source="huggingface/datasets#3847, #5536 (hashing a tokenizer or a model on each map), documentation, Cache",
        stages=("etl", "loading"),
        effort=1,
    ),
)
