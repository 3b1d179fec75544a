# slow
# below: wrapper datasets/arrow_dataset.py, filter datasets/arrow_dataset.py, get_indices_from_mask_function datasets/arrow_dataset.py
# known: given=dataset looped=True
def examples(dataset, name, seed):
    subset = dataset.filter(lambda row: row["intent"] == name)  # hot
    return subset.shuffle(seed=seed).select(range(8))
# slow: in the loop
# below: wrapper datasets/arrow_dataset.py, filter datasets/arrow_dataset.py, get_indices_from_mask_function datasets/arrow_dataset.py
def parts(dataset, names):
    return {name: dataset.filter(lambda row, name=name: row["intent"] == name) for name in names}  # hot
# exempt: each part once
# below: wrapper datasets/arrow_dataset.py, filter datasets/arrow_dataset.py, get_indices_from_mask_function datasets/arrow_dataset.py
# known: body=0.9
def clean(parts):
    for part in parts:
        yield part.filter(lambda row: keep(row["text"]))  # hot
