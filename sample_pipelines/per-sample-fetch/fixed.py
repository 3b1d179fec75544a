"""Trains a classifier on a table of tensors that lies in memory."""

import torch

ROWS, COLUMNS, BATCH = 300_000, 16, 1024


def table():
    rows = torch.randn(ROWS, COLUMNS)
    return rows, (rows[:, 0] * rows[:, 1] + rows[:, 2] > 0).float()


def main():
    torch.manual_seed(0)
    rows, wanted = table()
    model = torch.nn.Sequential(torch.nn.Linear(COLUMNS, 64), torch.nn.ReLU(), torch.nn.Linear(64, 1))
    optimizer = torch.optim.Adam(model.parameters())
    for _ in range(4):
        for picked in torch.randperm(ROWS).split(BATCH):
            x, y = rows[picked], wanted[picked]
            optimizer.zero_grad()
            loss = torch.nn.functional.binary_cross_entropy_with_logits(model(x).squeeze(1), y)
            loss.backward()
            optimizer.step()
    print(f"loss {loss.item():.3f}")


if __name__ == "__main__":
    main()
