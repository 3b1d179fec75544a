"""Sentences of very different lengths: some steps take several times as long as others, and nothing stalls."""

import torch
from torch import nn
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import DataLoader

WORDS = 5000


def collate(samples):
    return pad_sequence([words for words, _ in samples], batch_first=True), torch.stack([label for _, label in samples])


if __name__ == "__main__":
    torch.manual_seed(0)
    torch.set_num_threads(1)
    lengths = (torch.rand(400) ** 3 * 120).int() + 5
    # Batches of sentences of like length, as a bucketing sampler makes them.
    data = [(torch.randint(0, WORDS, (int(n),)), torch.randint(0, 2, ())) for n in lengths for _ in range(16)]
    loader = DataLoader(data, batch_size=16, collate_fn=collate)
    words, layer, head = nn.Embedding(WORDS, 32), nn.GRU(32, 32, batch_first=True), nn.Linear(32, 2)
    optimizer = torch.optim.SGD([p for part in (words, layer, head) for p in part.parameters()], lr=0.1)
    for x, y in loader:
        optimizer.zero_grad()
        nn.functional.cross_entropy(head(layer(words(x))[0][:, -1]), y).backward()
        optimizer.step()
    print("done")
