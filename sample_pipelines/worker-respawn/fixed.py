"""Trains a small text classifier for several short epochs; each worker reads the vocabulary when it starts."""

import pathlib
import tempfile

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset, get_worker_info

WORDS = 250_000


def make_texts(folder, count):
    words = [f"word{(i * 7919) % WORDS}" for i in range(WORDS)]
    (folder / "vocabulary.tsv").write_text("".join(f"{word}\t{i}\t{i % 97}\n" for i, word in enumerate(words)))
    for i in range(count):
        (folder / f"{i}.txt").write_text(" ".join(words[(i * 31 + j * 17) % WORDS] for j in range(300)))


class Texts(Dataset):
    def __init__(self, folder):
        self.folder = folder
        self.files = sorted(folder.glob("*.txt"))
        self.numbers = {}

    def read_vocabulary(self):
        with open(self.folder / "vocabulary.tsv") as file:
            rows = (line.rstrip("\n").split("\t") for line in file)
            self.numbers = {word: int(number) for word, number, _ in rows}

    def __len__(self):
        return len(self.files)

    def __getitem__(self, index):
        words = self.files[index].read_text().split()
        return torch.tensor([self.numbers[word] for word in words]), index % 4


def read_vocabulary(worker):
    get_worker_info().dataset.read_vocabulary()


def main():
    torch.manual_seed(0)
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        make_texts(folder, 320)
        loader = DataLoader(
            Texts(folder),
            batch_size=16,
            shuffle=True,
            num_workers=1,
            worker_init_fn=read_vocabulary,
            persistent_workers=True,
        )
        layers = [layer for _ in range(3) for layer in (nn.Linear(800, 800), nn.ReLU())]
        model = nn.Sequential(nn.EmbeddingBag(WORDS, 32, sparse=True), nn.Linear(32, 800), *layers, nn.Linear(800, 4))
        optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
        for epoch in range(10):
            for words, labels in loader:
                optimizer.zero_grad()
                loss = nn.functional.cross_entropy(model(words), labels)
                loss.backward()
                optimizer.step()
            print(f"epoch {epoch} done")


if __name__ == "__main__":
    main()
