"""Trains a small language model on the source of Python's own library, split into tokens at every start."""

import pathlib
import sysconfig
import tokenize

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

SOURCES = pathlib.Path(sysconfig.get_paths()["stdlib"])


def tokens_of(folder, most=4_000_000):
    """The number of each token, numbered as they come."""
    numbers, found = {}, []
    for path in sorted(folder.glob("*.py")) + sorted(folder.glob("[!s]*/**/*.py")):
        try:
            with tokenize.open(path) as file:
                for token in tokenize.generate_tokens(file.readline):  # planted
                    found.append(numbers.setdefault(token.string, len(numbers)) % 4_000)
        except (SyntaxError, UnicodeDecodeError, tokenize.TokenError):
            continue
        if len(found) > most:
            break
    return torch.tensor(found)


def main():
    torch.manual_seed(0)
    torch.set_num_threads(1)
    tokens = tokens_of(SOURCES)
    tokens = tokens[: len(tokens) // 9 * 9].view(-1, 9)[:16_000]
    loader = DataLoader(TensorDataset(tokens[:, :8], tokens[:, 8]), batch_size=64, shuffle=True)
    model = nn.Sequential(nn.Embedding(4_000, 32), nn.Flatten(), nn.Linear(256, 128), nn.ReLU(), nn.Linear(128, 4_000))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for context, following in loader:
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(context), following).backward()
        optimizer.step()
    print(f"{len(tokens)} samples")


if __name__ == "__main__":
    main()
