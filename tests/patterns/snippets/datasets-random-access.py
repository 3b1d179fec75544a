# slow
# below: __getitem__ datasets/arrow_dataset.py
def texts(ds, order):
    for i in order:
        yield ds["text"][i]  # hot
# exempt: a row
# below: __getitem__ datasets/arrow_dataset.py
def texts(ds, order):
    for i in order:
        yield ds[i]["text"]  # hot
