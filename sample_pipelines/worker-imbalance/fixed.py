"""Trains a classifier on clips of six cameras, one of which writes far larger files; eight clips of each by turns."""

import time

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

CLIPS = 8  # of one camera before those of the next


class Store:
    """Clips behind a service that sends 800 megabytes a second."""

    def get(self, clip):
        megabytes = 30 if clip // CLIPS % 6 == 0 else 0.4
        time.sleep(megabytes / 800)
        return torch.randn(32, 16, generator=torch.Generator().manual_seed(clip))


class Clips(Dataset):
    def __init__(self, store, count):
        self.store, self.count = store, count

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        return self.store.get(index), index % 4


class Backbone:
    """A frozen network on another machine: it answers in twelve milliseconds."""

    def __call__(self, clips):
        time.sleep(0.012)
        return clips.tanh()


class Watcher(nn.Module):
    """Looks at a clip frame by frame."""

    def __init__(self):
        super().__init__()
        self.backbone = Backbone()
        self.frames = nn.GRU(16, 96, batch_first=True)
        self.head = nn.Linear(96, 4)

    def forward(self, clips):
        states, _ = self.frames(self.backbone(clips))
        return self.head(states[:, -1])


def main():
    torch.manual_seed(0)
    torch.set_num_threads(1)
    loader = DataLoader(
        Clips(Store(), 1920),
        batch_size=CLIPS,
        shuffle=True,
        num_workers=6,
    )
    model = Watcher()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    for clips, labels in loader:
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(clips), labels).backward()
        optimizer.step()
    print("done")


if __name__ == "__main__":
    main()
