# slow
# below: wrapper datasets/arrow_dataset.py, filter datasets/arrow_dataset.py, get_indices_from_mask_function datasets/arrow_dataset.py
# known: body=0.1
def select(pages, keep):
    return pages.filter(keep, desc="quality")  # hot
# exempt: one column
# below: wrapper datasets/arrow_dataset.py, filter datasets/arrow_dataset.py, get_indices_from_mask_function datasets/arrow_dataset.py
def select(pages, keep):
    return pages.filter(keep, input_columns=["quality"])  # hot
