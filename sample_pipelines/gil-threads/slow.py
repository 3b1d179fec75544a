"""Trains on run-length encoded masks, which a pool of threads decodes ahead of the loop."""

import random
from collections import deque
from concurrent.futures import ThreadPoolExecutor

import torch
from torch import nn

SIDE = 96
AHEAD = 8


def encoded(count):
    chance = random.Random(0)
    return [" ".join(str(chance.randint(1, 12)) for _ in range(4000)) for _ in range(count)]


def decode(text):
    pixels, value = [], 0
    for run in text.split():  # planted
        for _ in range(int(run)):  # planted
            pixels.append(value)  # planted
        value = 255 - value  # planted
    return bytes(pixels[: SIDE * SIDE])  # planted


def load(texts):
    return b"".join([decode(text) for text in texts])


class Batches:
    """Batches in order, several of them in the making."""

    def __init__(self, texts, size, workers):
        self.texts = texts
        self.size = size
        self.pool = ThreadPoolExecutor(workers)

    def __iter__(self):
        ahead = deque()
        for first in range(0, len(self.texts), self.size):
            ahead.append(self.pool.submit(load, self.texts[first : first + self.size]))
            if len(ahead) > AHEAD:
                yield self.batch(ahead.popleft())
        while ahead:
            yield self.batch(ahead.popleft())

    def batch(self, future):
        masks = torch.frombuffer(bytearray(future.result()), dtype=torch.uint8).view(-1, SIDE * SIDE)
        return masks / 255.0, torch.arange(len(masks)) % 4


def main():
    torch.manual_seed(0)
    torch.set_num_threads(1)
    batches = Batches(encoded(300) * 10, size=32, workers=4)
    model = nn.Sequential(nn.Linear(SIDE * SIDE, 400), nn.ReLU(), nn.Linear(400, 4))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    for epoch in range(2):
        for masks, labels in batches:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(masks), labels)
            loss.backward()
            optimizer.step()
        print(f"epoch {epoch}: {loss.item():.3f}")


if __name__ == "__main__":
    main()
