"""Trains a compiled text classifier on batches of different length."""

import torch
from torch import nn
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import DataLoader

WORDS = 2000


class Classifier(nn.Module):
    def __init__(self, width=32):
        super().__init__()
        self.words = nn.Embedding(WORDS, width)
        self.layers = nn.Sequential(nn.Linear(width, width), nn.GELU(), nn.Linear(width, width), nn.GELU())
        self.head = nn.Linear(width, 2)

    def forward(self, x):
        return self.head(self.layers(self.words(x)).mean(1))


def collate(samples):
    return pad_sequence([words for words, _ in samples], batch_first=True), torch.stack([label for _, label in samples])


def main():
    torch.manual_seed(0)
    torch.set_num_threads(1)
    torch._dynamo.config.recompile_limit = 64
    lengths = (torch.randn(2400) * 9 + 60).clamp(10, 110).int().tolist()
    data = [(torch.randint(0, WORDS, (length,)), torch.randint(0, 2, ())) for length in lengths]
    loader = DataLoader(data, batch_size=16, shuffle=True, collate_fn=collate)
    network = Classifier()
    model = torch.compile(network, backend="aot_eager", dynamic=True)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
    for epoch in range(2):
        for x, y in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(x), y)
            loss.backward()
            optimizer.step()
        print(f"epoch {epoch} loss {loss.item():.3f}")


if __name__ == "__main__":
    main()
