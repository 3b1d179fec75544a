# slow
# below: __iter__ torch/utils/data/dataloader.py, _get_iterator torch/utils/data/dataloader.py, __init__ torch/utils/data/dataloader.py, start multiprocessing/process.py
from torch.utils.data import DataLoader

def train(model, data, steps):
    loader = DataLoader(data, num_workers=2, shuffle=True)
    for _ in range(steps):
        batch = next(iter(loader))  # hot
        model.step(batch)
# slow
# below: __iter__ torch/utils/data/dataloader.py, __init__ torch/utils/data/dataloader.py, start multiprocessing/process.py
from torch.utils.data import DataLoader

def train(model, data, epochs):
    for _ in range(epochs):
        for batch in DataLoader(data, num_workers=2):  # hot
            model.step(batch)
# exempt: other data each time
# below: __iter__ torch/utils/data/dataloader.py, __init__ torch/utils/data/dataloader.py, start multiprocessing/process.py
from torch.utils.data import DataLoader

def train(model, parts):
    for part in parts:
        for batch in DataLoader(part, num_workers=2):  # hot
            model.step(batch)
# exempt: one iterator
# below: __next__ torch/utils/data/dataloader.py
from torch.utils.data import DataLoader

def train(model, data, steps):
    batches = iter(DataLoader(data, num_workers=2))
    for _ in range(steps):
        batch = next(batches)  # hot
        model.step(batch)
