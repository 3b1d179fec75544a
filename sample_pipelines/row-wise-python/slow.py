"""Scores credit-card payments for fraud; the features are made row by row.

python slow.py
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


def risk(payment):
    share = payment["amount"] / (payment["balance"] + 1.0)
    if payment["hour"] < 6:
        share *= 1.5
    return share * 2.0 if payment["abroad"] else share


def add_features(payments):
    nights, weighted, risks = [], [], []
    for _, payment in payments.iterrows():
        nights.append(1.0 if payment["hour"] < 6 else 0.0)
        weighted.append(payment["amount"] * (3.0 if payment["abroad"] else 1.0))
        risks.append(risk(payment))
    payments["night"] = nights
    payments["weighted"] = weighted
    payments["risk"] = risks
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
