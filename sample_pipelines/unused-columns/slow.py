"""Fits a churn model on three columns of a wide customer table.

python slow.py [folder]
"""

import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet
import torch

CUSTOMERS, SURVEY_QUESTIONS, WEEKS = 150_000, 40, 4


def write_snapshots(folder):
    """A weekly snapshot of everything that is known about a customer."""
    for week in range(WEEKS):
        random = np.random.default_rng(week)
        tenure = random.gamma(2.0, 12.0, CUSTOMERS)
        tickets = random.poisson(1.5, CUSTOMERS)
        columns = {
            "customer": pa.array(np.arange(CUSTOMERS)),
            "tenure_months": pa.array(tenure),
            "tickets": pa.array(tickets),
            "churned": pa.array(random.random(CUSTOMERS) < 1 / (1 + np.exp(0.1 * tenure - tickets))),
        }
        for question in range(SURVEY_QUESTIONS):
            columns[f"answer_{question:02d}"] = pa.array(random.normal(0, 1, CUSTOMERS))
        for name in ("street", "notes"):
            words = random.integers(0, 40_000, CUSTOMERS)
            columns[name] = pa.array([f"{name} {word} of the customer" for word in words.tolist()])
        pyarrow.parquet.write_table(pa.table(columns), folder / f"customers-{week}.parquet")


def load_week(folder, week):
    customers = pd.read_parquet(folder / f"customers-{week}.parquet")
    customers = customers[customers["tenure_months"] > 1]
    features = np.log1p(customers[["tenure_months", "tickets"]].to_numpy("float32"))
    return torch.from_numpy(features), torch.from_numpy(customers["churned"].to_numpy("float32"))


def main():
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(tempfile.gettempdir()) / "customers-wide"
    folder.mkdir(exist_ok=True)
    write_snapshots(folder)
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(2, 16), torch.nn.ReLU(), torch.nn.Linear(16, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    for epoch in range(5):
        for week in range(WEEKS):
            features, churned = load_week(folder, week)
            optimizer.zero_grad()
            loss = torch.nn.functional.binary_cross_entropy_with_logits(model(features)[:, 0], churned)
            loss.backward()
            optimizer.step()
        print(f"epoch {epoch}: loss {loss.item():.4f}", flush=True)


if __name__ == "__main__":
    main()
