# slow
# below: map datasets/arrow_dataset.py, _map_single datasets/arrow_dataset.py, __call__ transformers/tokenization_utils_base.py
def prepare(ds, tokenizer):
    return ds.map(lambda example: tokenizer(example["text"]))  # hot
# exempt: batched
# below: map datasets/arrow_dataset.py, __call__ transformers/tokenization_utils_base.py
def prepare(ds, tokenizer):
    return ds.map(lambda batch: tokenizer(batch["text"]), batched=True)  # hot
