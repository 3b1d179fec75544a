"""Scores credit-card payments for fraud; the features are made column by column.

python fixed.py
"""

import numpy as np
import pandas as pd
import torch

PAYMENTS = 160_000


def make_payments():
    random = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "amount": random.gamma(1.5, 40.0, PAYMENTS),
            "balance": random.gamma(2.0, 900.0, PAYMENTS),
            "hour": random.integers(0, 24, PAYMENTS),
            "abroad": random.random(PAYMENTS) < 0.08,
            "country": random.choice(["de", "fr", "us", "in"], PAYMENTS),
            "fraud": random.random(PAYMENTS) < 0.03,
        }
    )


def add_features(payments):
    night = payments["hour"] < 6
    payments["night"] = night.astype(float)
    payments["weighted"] = payments["amount"] * np.where(payments["abroad"], 3.0, 1.0)
    share = payments["amount"] / (payments["balance"] + 1.0)
    payments["risk"] = share * np.where(night, 1.5, 1.0) * np.where(payments["abroad"], 2.0, 1.0)
    return payments


def main():
    torch.manual_seed(0)
    payments = add_features(make_payments())
    features = torch.from_numpy(np.log1p(payments[["night", "weighted", "risk", "amount"]].to_numpy("float32")))
    fraud = torch.from_numpy(payments["fraud"].to_numpy("float32"))
    model = torch.nn.Sequential(torch.nn.Linear(4, 32), torch.nn.ReLU(), torch.nn.Linear(32, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for epoch in range(30):
        optimizer.zero_grad()
        loss = torch.nn.functional.binary_cross_entropy_with_logits(model(features)[:, 0], fraud)
        loss.backward()
        optimizer.step()
    print(f"loss {loss.item():.4f}  risk {payments['risk'].sum():.3f}", flush=True)


if __name__ == "__main__":
    main()
