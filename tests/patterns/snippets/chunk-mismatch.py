# slow
# below: __getitem__ h5py/_hl/dataset.py
# known: loading=True
import h5py
import torch
from torch.utils.data import DataLoader

class Days:
    def __init__(self, path):
        self.path, self.days = path, None

    def __getitem__(self, index):
        if self.days is None:
            self.days = h5py.File(self.path, "r")["days"]
        return torch.from_numpy(self.days[index]).T.contiguous()  # hot

def loader(path):
    return DataLoader(Days(path), batch_size=8, shuffle=True)
# slow: the bytes are counted
# below: __getitem__ h5py/_hl/dataset.py
# known: loading=True used=0.01
class Days:
    def __getitem__(self, index):
        return self.days[index, :, 3]  # hot
# exempt: in the order of the file
# below: __getitem__ h5py/_hl/dataset.py
# known: loading=True
import h5py
from torch.utils.data import DataLoader

class Days:
    def __getitem__(self, index):
        return self.days[index]  # hot

def loader(path):
    return DataLoader(Days(path), batch_size=8)
# exempt: a chunk is a sample
# below: __getitem__ h5py/_hl/dataset.py
# known: loading=True
import h5py
from torch.utils.data import DataLoader

def write(store, x):
    store.create_dataset("days", data=x, chunks=(1, 360, 8))

class Days:
    def __getitem__(self, index):
        return self.days[index]  # hot

def loader(path):
    return DataLoader(Days(path), batch_size=8, shuffle=True)
# exempt: it waits for the disk
# below: __getitem__ h5py/_hl/dataset.py
# known: loading=True off_cpu=True
from torch.utils.data import DataLoader

class Days:
    def __getitem__(self, index):
        return self.days[index]  # hot

def loader(path):
    return DataLoader(Days(path), shuffle=True)
