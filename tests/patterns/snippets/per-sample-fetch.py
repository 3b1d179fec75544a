# slow
# below: __next__ torch/utils/data/dataloader.py, _next_data torch/utils/data/dataloader.py, fetch torch/utils/data/_utils/fetch.py, default_collate torch/utils/data/_utils/collate.py, collate_tensor_fn torch/utils/data/_utils/collate.py
# known: step=True
from torch.utils.data import DataLoader, TensorDataset

def make(rows, clicked, size):
    return DataLoader(TensorDataset(rows, clicked), batch_size=size, shuffle=True)

def train(model, rows, clicked):
    loader = make(rows, clicked, 4096)
    for x, y in loader:  # hot
        model.step(x, y)
# slow
# known: loading=True
class Rows:
    def __getitem__(self, index):
        return self.x[index], self.y[index]  # hot
# exempt: files
# below: __next__ torch/utils/data/dataloader.py, _next_data torch/utils/data/dataloader.py, fetch torch/utils/data/_utils/fetch.py, default_collate torch/utils/data/_utils/collate.py, collate_tensor_fn torch/utils/data/_utils/collate.py
from torch.utils.data import DataLoader

def train(model, pictures):
    loader = DataLoader(pictures, batch_size=64)
    for x, y in loader:  # hot
        model.step(x, y)
# exempt: whole batches
# below: __next__ torch/utils/data/dataloader.py, _next_data torch/utils/data/dataloader.py, fetch torch/utils/data/_utils/fetch.py, __getitem__ torch/utils/data/dataset.py
from torch.utils.data import BatchSampler, DataLoader, RandomSampler, TensorDataset

def train(model, rows):
    data = TensorDataset(rows)
    loader = DataLoader(data, sampler=BatchSampler(RandomSampler(data), 64, False), batch_size=None)
    for x, y in loader:  # hot
        model.step(x, y)
# exempt: it waits for the workers
# below: __next__ torch/utils/data/dataloader.py, _next_data torch/utils/data/dataloader.py, get multiprocessing/queues.py, select selectors.py
from torch.utils.data import DataLoader, TensorDataset

def train(model, rows):
    for x, y in DataLoader(TensorDataset(rows), num_workers=2):  # hot
        model.step(x, y)
# exempt: a file per sample
# known: loading=True
import h5py

class Rows:
    def __init__(self, path):
        self.x = h5py.File(path)["x"]

    def __getitem__(self, index):
        return self.x[index]  # hot
# slow: a class that only indexes
# below: __next__ torch/utils/data/dataloader.py, _next_data torch/utils/data/dataloader.py, fetch torch/utils/data/_utils/fetch.py, default_collate torch/utils/data/_utils/collate.py, collate_tensor_fn torch/utils/data/_utils/collate.py
from torch.utils.data import DataLoader, Dataset

class Rows(Dataset):
    def __getitem__(self, index):
        return self.x[index], self.y[index]

def train(model):
    rows = Rows()
    for x, y in DataLoader(rows, batch_size=1024):  # hot
        model.step(x, y)
# exempt: a class that reads
# below: __next__ torch/utils/data/dataloader.py, _next_data torch/utils/data/dataloader.py, fetch torch/utils/data/_utils/fetch.py, default_collate torch/utils/data/_utils/collate.py, collate_tensor_fn torch/utils/data/_utils/collate.py
from torch.utils.data import DataLoader, Dataset

class Rows(Dataset):
    def __getitem__(self, index):
        return augment(self.x[index]), self.y[index]

def train(model):
    for x, y in DataLoader(Rows(), batch_size=1024):  # hot
        model.step(x, y)
# slow: the columns are in a dictionary
# known: loading=True
import torch

class Rows:
    def __init__(self, x, y):
        self.data = {"x": torch.from_numpy(x), "y": torch.from_numpy(y)}

    def __getitem__(self, index):
        return {name: column[index] for name, column in self.data.items()}  # hot
# slow: the columns are in a tuple
# known: loading=True
class Rows:
    def __getitem__(self, index):
        return tuple(column[index] for column in self.columns)  # hot
# exempt: the columns are in a file
# known: loading=True
import h5py

class Rows:
    def __init__(self, path):
        file = h5py.File(path)
        self.data = {"x": file["x"], "y": file["y"]}

    def __getitem__(self, index):
        return {name: column[index] for name, column in self.data.items()}  # hot
