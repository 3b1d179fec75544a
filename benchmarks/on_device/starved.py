"""The device waits while the training process decompresses each image; fixed: workers do it."""

import os
import zlib

import numpy as np
import torch
from common import DEVICE, HALF, STEPS, Clock, layers, run, sized

WIDTH, BATCH = sized(4096, 64), 8


class Images(torch.utils.data.Dataset):
    def __init__(self):
        pixels = np.random.default_rng(0).integers(0, 40, sized(1 << 20, 1 << 17), dtype=np.uint8)
        self.files = [zlib.compress(pixels.tobytes(), 6)] * 16

    def __len__(self):
        return STEPS * BATCH

    def __getitem__(self, index):
        pixels = np.frombuffer(zlib.decompress(self.files[index % 16]), np.uint8)
        return torch.from_numpy(pixels[: WIDTH * 16].reshape(16, WIDTH).astype(np.float32) / 255)


def main(fixed):
    workers = min(8, len(os.sched_getaffinity(0))) if fixed else 0
    loader = torch.utils.data.DataLoader(Images(), batch_size=BATCH, num_workers=workers)  # planted
    model = layers(8, WIDTH)
    optimizer = torch.optim.SGD(model.parameters(), 1e-4)
    clock = Clock()
    for batch in loader:
        batch = batch.to(DEVICE, HALF).reshape(-1, WIDTH)
        loss = model(batch).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        clock.step()
    return clock.seconds


if __name__ == "__main__":
    run(main)
