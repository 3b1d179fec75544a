"""Two threads put batches into a queue, from which the loop takes them."""

import queue
import sys
import threading
import time

import torch
from torch import nn

DELAY, STEPS = float(sys.argv[1]), 30


def produce(batches, count):
    for _ in range(count):
        if DELAY:
            time.sleep(8 * DELAY)
        batches.put((torch.randn(64, 512), torch.randint(0, 10, (64,))))


def main():
    torch.manual_seed(0)
    torch.set_num_threads(1)
    batches = queue.Queue(maxsize=8)
    for _ in range(2):
        threading.Thread(target=produce, args=(batches, STEPS // 2), daemon=True).start()
    model = nn.Sequential(*[layer for _ in range(4) for layer in (nn.Linear(512, 512), nn.ReLU())], nn.Linear(512, 10))
    optimizer = torch.optim.Adam(model.parameters())
    for _ in range(STEPS):
        x, y = batches.get()  # the cause
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(x), y).backward()
        optimizer.step()


main()
