# slow
# below: __getitem__ datasets/arrow_dataset.py, _getitem datasets/arrow_dataset.py, format_table datasets/formatting/formatting.py
import datasets

def total(path):
    rows = datasets.load_dataset("csv", data_files=path, split="train")
    return sum(rows[i]["price"] for i in range(len(rows)))  # hot
# exempt: a batch
# below: __getitem__ datasets/arrow_dataset.py, _getitem datasets/arrow_dataset.py, format_table datasets/formatting/formatting.py
def walk(rows):
    for start in range(0, len(rows), 1000):
        use(rows[start : start + 1000])  # hot
# exempt: rows that somebody picked, perhaps as lists
# below: __getitem__ datasets/arrow_dataset.py, _getitem datasets/arrow_dataset.py, format_table datasets/formatting/formatting.py
def walk(rows, picked):
    for some in picked:
        use(rows[some])  # hot
# exempt: an image is decoded
# below: __getitem__ datasets/arrow_dataset.py, format_table datasets/formatting/formatting.py, decode_example datasets/features/image.py
def walk(rows):
    for i in range(len(rows)):
        use(rows[i]["image"])  # hot
