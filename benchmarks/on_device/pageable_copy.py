"""Large batches are copied from memory that may be paged out; fixed: from pinned memory, without waiting."""

import torch
from common import DEVICE, HALF, STEPS, Clock, layers, run, sized

WIDTH, ROWS = sized(4096, 64), sized(8192, 32)  # 128 MiB as floats


def main(fixed):
    batches = [torch.randn(ROWS, WIDTH) for _ in range(4)]
    if fixed and DEVICE != "cpu":
        batches = [batch.pin_memory() for batch in batches]
    model = layers(2, WIDTH)
    optimizer = torch.optim.SGD(model.parameters(), 1e-4)
    clock = Clock()
    for step in range(STEPS):
        batch = batches[step % 4].to(DEVICE, non_blocking=fixed)  # planted
        optimizer.zero_grad()
        loss = model(batch.to(HALF)).square().mean()
        loss.backward()
        optimizer.step()
        clock.step()
    return clock.seconds


if __name__ == "__main__":
    run(main)
