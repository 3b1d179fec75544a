# healthy an array that stays in its file
# known: loading=True
import numpy as np
import torch
class Rows:
    def __init__(self, path):
        self.x = np.load(path, mmap_mode="r")
    def __getitem__(self, i):
        return torch.from_numpy(self.x[i])  # hot
# healthy an array of a file, opened by numpy.lib.format
# known: loading=True
import numpy as np
import torch
class Rows:
    def __init__(self, path):
        self.x = np.lib.format.open_memmap(path)
    def __getitem__(self, i):
        return torch.from_numpy(self.x[i])  # hot
# healthy an array of a file, handed to the dataset
# known: loading=True
import numpy as np
from torch.utils.data import Dataset
class Rows(Dataset):
    def __init__(self, x, y):
        self.x, self.y = x, y
    def __getitem__(self, i):
        return self.x[i], self.y[i]  # hot
def main():
    data = Rows(np.load("x.npy", mmap_mode="r"), np.load("y.npy"))
# healthy tokens of a file
# known: loading=True
import numpy as np
class Tokens:
    def __init__(self, path, n):
        self.data = np.memmap(path, dtype=np.uint16, mode="r", shape=(n, 1024))
    def __getitem__(self, i):
        return self.data[i]  # hot
# healthy a tensor of a file
# known: loading=True
import torch
class Rows:
    def __init__(self, path):
        self.x = torch.load(path, mmap=True)
    def __getitem__(self, i):
        return self.x[i]  # hot
# healthy a tensor of a file by torch.from_file
# known: loading=True
import torch
class Rows:
    def __init__(self, path, n):
        self.x = torch.from_file(path, size=n).view(-1, 64)
    def __getitem__(self, i):
        return self.x[i]  # hot
# healthy rows of Hugging Face datasets
# known: loading=True
from datasets import load_dataset
class Rows:
    def __init__(self):
        self.data = load_dataset("x", split="train")
    def __getitem__(self, i):
        return self.data[i]  # hot
# healthy lines of a text
# known: loading=True
class Rows:
    def __init__(self, path):
        self.texts = open(path).read().split("\n")
    def __getitem__(self, i):
        return self.texts[i]  # hot
# healthy samples of a list
# known: loading=True
class Rows:
    def __init__(self, samples):
        self.samples = samples
    def __getitem__(self, i):
        return self.samples[i]  # hot
# healthy a table of Arrow
# known: loading=True
import pyarrow as pa
class Rows:
    def __init__(self, path):
        self.t = pa.ipc.open_file(pa.memory_map(path)).read_all()
    def __getitem__(self, i):
        return self.t[i]  # hot
# healthy samples of a dict
# known: loading=True
class Rows:
    def __init__(self):
        self.cache = {}
    def __getitem__(self, i):
        return self.cache[i]  # hot
# healthy a dataset around another
# known: loading=True
from torch.utils.data import Dataset
class Wrapped(Dataset):
    def __init__(self, dataset):
        self.dataset = dataset
    def __getitem__(self, i):
        return self.dataset[i]  # hot
# healthy pairs of two datasets
# known: loading=True
from torch.utils.data import Dataset
class Pair(Dataset):
    def __init__(self, a, b):
        self.a, self.b = a, b
    def __getitem__(self, i):
        return self.a[i], self.b[i]  # hot
def main():
    data = Pair(ImageFolder("a"), ImageFolder("b"))
# healthy an array of a file, in the loop
# below: __next__ torch/utils/data/dataloader.py, _next_data torch/utils/data/dataloader.py, fetch torch/utils/data/_utils/fetch.py, <listcomp> torch/utils/data/_utils/fetch.py, collate_tensor_fn torch/utils/data/_utils/collate.py
import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset
class Rows(Dataset):
    def __init__(self, x, y):
        self.x, self.y = x, y
    def __getitem__(self, i):
        return self.x[i], self.y[i]
def main():
    x = np.load("x.npy", mmap_mode="r")
    loader = DataLoader(Rows(x, np.load("y.npy")), batch_size=64, shuffle=True)
    for a, b in loader:  # hot
        step(a, b)
# healthy texts with labels
# known: loading=True
class Rows:
    def __init__(self, texts, labels):
        self.texts, self.labels = texts, labels
    def __getitem__(self, i):
        return self.texts[i], self.labels[i]  # hot
# healthy prompts and answers
# known: loading=True
class Rows:
    def __init__(self, prompts, answers):
        self.prompts, self.answers = prompts, answers
    def __getitem__(self, i):
        return {"prompt": self.prompts[i], "answer": self.answers[i]}  # hot
# healthy paths with labels
# known: loading=True
class Rows:
    def __init__(self, paths, labels):
        self.paths, self.labels = paths, labels
    def __getitem__(self, i):
        return self.paths[i], self.labels[i]  # hot
# healthy arrays of different lengths
# known: loading=True
import numpy as np
import torch
class Rows:
    def __init__(self, arrays, labels):
        self.arrays = [np.asarray(a) for a in arrays]
        self.labels = labels
    def __getitem__(self, i):
        return torch.from_numpy(self.arrays[i]), self.labels[i]  # hot
