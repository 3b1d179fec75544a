"""Hugging Face Datasets: the fingerprint by which a map finds its result in the cache."""

from ..model import Pattern, Price
from ..shapes import below

PATTERNS = (
    Pattern(
        id="datasets-hashes-function",
        title="Datasets pickles and hashes the function of each map, with all that the function refers to",
        replacement="Pass new_fingerprint= with a name of your own, keep the large object out of the closure, of partial and of "
        "fn_kwargs (read it inside the function, once per process), or concatenate the parts and map once",
        snippet="dataset = dataset.map(score, batched=True, new_fingerprint=f'score-{version}-{name}')",
        when=(
            below("datasets/fingerprint.py", "update_fingerprint", "hash", "generate_fingerprint", through="datasets/"),
        ),
        leave="The hash finds a result in the cache that takes longer to compute.",
        price=Price("once"),
        source="huggingface/datasets#3847, #5536 (hashing a tokenizer or a model on each map), documentation, Cache",
        stages=("etl", "loading"),
        effort=1,
    ),
)
