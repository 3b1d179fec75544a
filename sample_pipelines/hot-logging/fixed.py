"""Trains and keeps a debug log of what every layer's gradients look like."""

import logging
import pathlib
import tempfile

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
from tqdm import tqdm

LOG_EVERY = 250

log = logging.getLogger("training")


def report(model, step, loss):
    log.info("step %d loss %.4f", step, loss)
    for name, parameter in model.named_parameters():
        log.debug("step %d gradient of %s: %s", step, name, parameter.grad)  # planted


def main():
    torch.manual_seed(0)
    torch.set_num_threads(1)
    dataset = TensorDataset(torch.randn(4000, 128), torch.randint(0, 10, (4000,)))
    loader = DataLoader(dataset, batch_size=16, shuffle=True)
    model = nn.Sequential(nn.Linear(128, 512), nn.ReLU(), nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 10))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    with tempfile.TemporaryDirectory() as folder:
        logging.basicConfig(filename=pathlib.Path(folder) / "training.log", level=logging.DEBUG)
        step = 0
        for epoch in range(3):
            for x, y in tqdm(loader, desc=f"epoch {epoch}"):
                optimizer.zero_grad()
                loss = nn.functional.cross_entropy(model(x), y)
                loss.backward()
                optimizer.step()
                step += 1
                if step % LOG_EVERY == 0:
                    report(model, step, loss.item())


if __name__ == "__main__":
    main()
