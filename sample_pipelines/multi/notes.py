"""Sorts short notes for several short epochs; each worker reads the vocabulary when it starts.

python notes.py [--keep-workers] [--log-every N] [--evaluate-every N]
"""

import argparse
import logging
import pathlib
import tempfile

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset, get_worker_info

WORDS = 200_000

log = logging.getLogger("notes")


def options():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keep-workers", action="store_true")
    parser.add_argument("--log-every", type=int, default=1)
    parser.add_argument("--evaluate-every", type=int, default=4)
    return parser.parse_args()


def make_notes(folder, count):
    words = [f"word{(i * 7919) % WORDS}" for i in range(WORDS)]
    (folder / "vocabulary.tsv").write_text("".join(f"{word}\t{i}\t{i % 97}\n" for i, word in enumerate(words)))
    for i in range(count):
        (folder / f"{i}.txt").write_text(" ".join(words[(i * 31 + j * 17) % WORDS] for j in range(100)))


class Notes(Dataset):
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


def validate(model, notes):
    with torch.no_grad():
        return sum(int(model(words).argmax(1).sum()) for words in notes)


def main():
    chosen = options()
    torch.manual_seed(0)
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        logging.basicConfig(filename=folder / "notes.log", level=logging.DEBUG)
        make_notes(folder, 640)
        loader = DataLoader(
            Notes(folder),
            batch_size=16,
            num_workers=1,
            worker_init_fn=read_vocabulary,
            persistent_workers=chosen.keep_workers,
        )
        held_out = torch.randint(0, WORDS, (8, 200, 100))
        layers = [layer for _ in range(2) for layer in (nn.Linear(512, 512), nn.ReLU())]
        model = nn.Sequential(nn.EmbeddingBag(WORDS, 32, sparse=True), nn.Linear(32, 512), *layers, nn.Linear(512, 4))
        optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
        step = 0
        for epoch in range(8):
            for words, labels in loader:
                optimizer.zero_grad()
                loss = nn.functional.cross_entropy(model(words), labels)
                loss.backward()
                optimizer.step()
                step += 1
                if step % chosen.log_every == 0:
                    log.debug(
                        "step %d loss %.4f weights %s",
                        step,
                        loss.item(),
                        [p.data for p in list(model.parameters())[1:]],
                    )
                if step % chosen.evaluate_every == 0:
                    validate(model, held_out)
            print(f"epoch {epoch}: loss {loss.item():.3f}")


if __name__ == "__main__":
    main()
