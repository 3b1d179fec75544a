"""Large matrix products in single precision; fixed: the tensor cores may round their inputs (TF32)."""

import torch
from common import DEVICE, STEPS, Clock, layers, run, sized

WIDTH, ROWS = sized(4096, 64), sized(1024, 32)


def main(fixed):
    torch.set_float32_matmul_precision("high" if fixed else "highest")
    model = layers(4, WIDTH, torch.float32)
    optimizer = torch.optim.SGD(model.parameters(), 1e-4)
    inputs = torch.randn(ROWS, WIDTH, device=DEVICE)
    clock = Clock()
    for _ in range(STEPS):
        optimizer.zero_grad()
        loss = model(inputs).square().mean()  # planted
        loss.backward()
        optimizer.step()
        clock.step()
    return clock.seconds


if __name__ == "__main__":
    run(main)
