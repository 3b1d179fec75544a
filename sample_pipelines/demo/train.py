"""Learns to forecast the electricity demand of the next six hours from the two days before.

    bottleneck run sample_pipelines/demo/train.py

Hourly demand of three years is made up at the start: seasons, days, weekends, weather and noise.
"""

import argparse
import math
import time

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

HOURS, HISTORY, AHEAD = 3 * 365 * 24, 48, 6


def hourly_demand():
    hour = torch.arange(HOURS, dtype=torch.float32)
    season = torch.cos(2 * math.pi * hour / (365 * 24))
    day = torch.sin(2 * math.pi * (hour - 9) / 24)
    weekend = (hour // 24 % 7 >= 5).float()
    weather = torch.cumsum(torch.randn(HOURS), 0) / 10
    # The week's mean is taken off, so that the weather changes from day to day and does not drift away.
    mean = nn.functional.avg_pool1d(weather[None], 169, 1, 84, count_include_pad=False)[0]
    return season + day - 0.6 * weekend + weather - mean + 0.1 * torch.randn(HOURS)


class Forecaster(nn.Module):
    def __init__(self, width=32):
        super().__init__()
        self.encoder = nn.GRU(1, width, batch_first=True)
        self.head = nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, AHEAD))

    def forward(self, history):
        states, _ = self.encoder(history)
        return self.head(states[:, -1])


def train(loader, model, epochs):
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for epoch in range(epochs):
        started, total = time.perf_counter(), 0.0
        for history, future in loader:
            optimizer.zero_grad()
            loss = nn.functional.mse_loss(model(history), future)
            loss.backward()
            optimizer.step()
            total += loss.item()
        print(f"epoch {epoch + 1}  loss {total / len(loader):.3f}  {time.perf_counter() - started:.1f} s", flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--stride", type=int, default=16, help="hours between the beginnings of two examples")
    arguments = parser.parse_args()
    torch.manual_seed(0)
    torch.set_num_threads(1)  # the model is small: threads would wait for each other
    torch.autograd.set_detect_anomaly(True)
    windows = hourly_demand().unfold(0, HISTORY + AHEAD, arguments.stride)
    examples = TensorDataset(windows[:, :HISTORY, None], windows[:, HISTORY:])
    train(DataLoader(examples, batch_size=32, shuffle=True), Forecaster(), arguments.epochs)


if __name__ == "__main__":
    main()
