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
# slow: rows drawn without a loader, from chunks that the file writes
# below: __getitem__ h5py/_hl/dataset.py
import h5py
import numpy as np

class Spectra:
    def __init__(self, path):
        self.x = h5py.File(path, "r")["spectra"]

    def __getitem__(self, index):
        return self.x[index]  # hot

def write(path, n, width):
    with h5py.File(path, "w") as file:
        file.create_dataset("spectra", (n, width), "f4", chunks=(2048, width), compression="gzip")

def bootstrap(spectra, rounds, rng):
    for _ in range(rounds):
        i, j = rng.integers(0, 1000, 2)
        yield np.dot(spectra[int(i)], spectra[int(j)])  # caller

print(list(bootstrap(Spectra("s.h5"), 900, np.random.default_rng(1))))
# exempt: in the order of the file
# below: __getitem__ h5py/_hl/dataset.py
import h5py
import numpy as np

class Spectra:
    def __init__(self, path):
        self.x = h5py.File(path, "r")["spectra"]

    def __getitem__(self, index):
        return self.x[index]  # hot

def write(path, n, width):
    with h5py.File(path, "w") as file:
        file.create_dataset("spectra", (n, width), "f4", chunks=(2048, width), compression="gzip")

def lengths(spectra, rounds):
    for i in range(rounds):
        yield np.linalg.norm(spectra[i])  # caller
