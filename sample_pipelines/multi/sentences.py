"""Classifies sentences of different lengths on top of frozen word vectors.

python sentences.py [--pad tokens|tensors] [--save-every N] [--evaluate-every N]
"""

import argparse
import os
import pathlib
import tempfile

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

WORDS = 40_000


def options():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pad", choices=["tokens", "tensors"], default="tokens")
    parser.add_argument("--save-every", type=int, default=8)
    parser.add_argument("--evaluate-every", type=int, default=10)
    return parser.parse_args()


class Sentences(Dataset):
    def __init__(self, count):
        random = np.random.default_rng(0)
        self.tokens = [torch.from_numpy(random.integers(1, WORDS, random.integers(60, 160))) for _ in range(count)]

    def __len__(self):
        return len(self.tokens)

    def __getitem__(self, index):
        return self.tokens[index], index % 2


def pad_tokens(samples):
    longest = max(len(tokens) for tokens, _ in samples)
    rows = []
    for tokens, _ in samples:
        row = [0] * longest
        for position in range(len(tokens)):
            row[position] = int(tokens[position])
        rows.append(row)
    return torch.tensor(rows), torch.tensor([label for _, label in samples])


def pad_tensors(samples):
    tokens = nn.utils.rnn.pad_sequence([tokens for tokens, _ in samples], batch_first=True)
    return tokens, torch.tensor([label for _, label in samples])


def save(model, path):
    with open(path, "wb") as file:
        torch.save(model.state_dict(), file)
        file.flush()
        os.fsync(file.fileno())


def validate(model, batches):
    model.eval()
    with torch.no_grad():
        right = sum(int((model(tokens).argmax(1) == labels).sum()) for tokens, labels in batches)
    model.train()
    return right


def main():
    chosen = options()
    torch.manual_seed(0)
    torch.set_num_threads(1)
    pad = pad_tokens if chosen.pad == "tokens" else pad_tensors
    loader = DataLoader(Sentences(6400), batch_size=16, shuffle=True, collate_fn=pad)
    held_out = list(DataLoader(Sentences(3600), batch_size=120, collate_fn=pad_tensors))
    vectors = nn.EmbeddingBag(WORDS, 128)
    vectors.requires_grad_(False)
    model = nn.Sequential(vectors, nn.Linear(128, 512), nn.ReLU(), nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 2))
    optimizer = torch.optim.SGD((p for p in model.parameters() if p.requires_grad), lr=0.05)
    right = 0
    with tempfile.TemporaryDirectory() as folder:
        for step, (tokens, labels) in enumerate(loader, 1):
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(tokens), labels).backward()
            optimizer.step()
            if step % chosen.save_every == 0:
                save(model, pathlib.Path(folder) / "last.pt")
            if step % chosen.evaluate_every == 0:
                right = validate(model, held_out)
    print(f"{step} steps, {right} right")


if __name__ == "__main__":
    main()
