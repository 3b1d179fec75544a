# healthy
# known: loading=True
import numpy as np
import torch
from PIL import Image
from torch.utils.data import DataLoader, Dataset

class Photos(Dataset):
    def __init__(self, paths, labels, transform):
        self.paths, self.labels, self.transform = paths, labels, transform

    def __len__(self):
        return len(self.paths)

    def __getitem__(self, index):
        image = Image.open(self.paths[index])
        image.draft("RGB", (256, 256))
        return self.transform(image.convert("RGB")), self.labels[index]

class Windows(Dataset):
    def __init__(self, path, width):
        self.series, self.width = np.load(path, mmap_mode="r"), width

    def __len__(self):
        return len(self.series) - self.width

    def __getitems__(self, indices):
        rows = np.stack([self.series[i : i + self.width] for i in indices])
        return torch.from_numpy(rows)

def collate(samples):
    lengths = torch.tensor([len(sample) for sample in samples])
    return torch.nn.utils.rnn.pad_sequence(samples, batch_first=True), lengths
