"""Tells which customers will leave, from weekly snapshots of everything that is known about them.

python customers.py [--columns all|used] [--normalise rows|columns] [--log-every N]
"""

import argparse
import logging
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import nn

CUSTOMERS, ANSWERS, WEEKS, EPOCHS, BATCH = 25_000, 350, 3, 4, 2_000
USED = ["tenure", "tickets", "left"]

log = logging.getLogger("customers")


def options():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--columns", choices=["all", "used"], default="all")
    parser.add_argument("--normalise", choices=["rows", "columns"], default="rows")
    parser.add_argument("--log-every", type=int, default=1)
    return parser.parse_args()


def write_snapshots(folder):
    for week in range(WEEKS):
        random = np.random.default_rng(week)
        customers = pd.DataFrame({f"answer_{i:03d}": random.normal(0, 1, CUSTOMERS) for i in range(ANSWERS)})
        customers["tenure"], customers["tickets"] = random.gamma(2.0, 12.0, CUSTOMERS), random.poisson(1.5, CUSTOMERS)
        customers["left"] = random.random(CUSTOMERS) < 0.1
        for name in ("street", "notes"):
            customers[name] = [f"{name} {word}" for word in random.integers(0, 30_000, CUSTOMERS).tolist()]
        customers.to_parquet(folder / f"customers-{week}.parquet")


def pressure(customer):
    tickets = customer["tickets"] / (customer["tenure"] + 1.0)
    return 2.0 * tickets if customer["tenure"] < 6 else tickets


def load_week(path, columns, normalise):
    customers = pd.read_parquet(path) if columns == "all" else pd.read_parquet(path, columns=USED)
    if normalise == "rows":
        customers["pressure"] = customers[["tenure", "tickets"]].apply(pressure, axis=1)
    else:
        tickets = customers["tickets"] / (customers["tenure"] + 1.0)
        customers["pressure"] = tickets * np.where(customers["tenure"] < 6, 2.0, 1.0)
    features = np.log1p(customers[["tenure", "tickets", "pressure"]].to_numpy("float32"))
    return torch.from_numpy(features), torch.from_numpy(customers["left"].to_numpy("float32"))


def main():
    chosen = options()
    torch.manual_seed(0)
    torch.set_num_threads(1)
    model = nn.Sequential(nn.Linear(3, 256), nn.ReLU(), nn.Linear(256, 256), nn.ReLU(), nn.Linear(256, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    with tempfile.TemporaryDirectory(prefix="customers-") as name:
        folder = Path(name)
        logging.basicConfig(filename=folder / "customers.log", level=logging.DEBUG)
        write_snapshots(folder)
        step = 0
        for epoch in range(EPOCHS):
            for week in range(WEEKS):
                features, left = load_week(folder / f"customers-{week}.parquet", chosen.columns, chosen.normalise)
                for start in range(0, CUSTOMERS, BATCH):
                    optimizer.zero_grad()
                    found = model(features[start : start + BATCH])[:, 0]
                    loss = nn.functional.binary_cross_entropy_with_logits(found, left[start : start + BATCH])
                    loss.backward()
                    optimizer.step()
                    step += 1
                    if step % chosen.log_every == 0:
                        log.debug(
                            "step %d loss %.4f gradients %s", step, loss.item(), [p.grad for p in model.parameters()]
                        )
            print(f"epoch {epoch}: loss {loss.item():.4f}", flush=True)


if __name__ == "__main__":
    main()
