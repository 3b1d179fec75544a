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
# slow
# below: __del__ torch/utils/data/dataloader.py, _shutdown_workers torch/utils/data/dataloader.py, join multiprocessing/process.py
from torch.utils.data import DataLoader

class Trainer:
    def __init__(self, domains):
        self.loaders = {name: DataLoader(data, num_workers=2) for name, data in domains.items()}

    def batch(self, name):
        return next(iter(self.loaders[name]))  # hot

    def step(self):
        return [self.model(batch) for batch in map(self.batch, self.loaders)]
# exempt: iterators that are kept in a dict
# below: __next__ torch/utils/data/dataloader.py
from torch.utils.data import DataLoader

class Trainer:
    def __init__(self, domains):
        self.batches = {name: iter(DataLoader(data, num_workers=2)) for name, data in domains.items()}

    def batch(self, name):
        return next(self.batches[name])  # hot

    def step(self):
        return [self.model(batch) for batch in map(self.batch, self.batches)]
