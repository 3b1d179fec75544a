"""``groupby.apply`` with a Python function on twelve groups: twelve calls, each of which computes for long."""

import numpy as np
import pandas as pd


def measured(rows=1_800_000):
    random = np.random.default_rng(0)
    table = pd.DataFrame({f"x{i}": random.normal(0, 1, rows) for i in range(6)})
    table["region"] = random.integers(0, 12, rows)
    table["y"] = table["x0"] * (1 + table["region"]) + table["x1"] ** 2 + random.normal(0, 1, rows)
    return table


def fitted(group):
    """Coefficients of a polynomial regression within one group, and their spread over resamplings."""
    x = group[[f"x{i}" for i in range(6)]].to_numpy()
    design = np.column_stack([np.ones(len(x)), x, x**2, x[:, :-1] * x[:, 1:]])
    y = group["y"].to_numpy()
    random = np.random.default_rng(1)
    found = []
    for _ in range(8):
        weights = random.poisson(1, len(y)).astype(float)
        found.append(np.linalg.solve(design.T @ (design * weights[:, None]), design.T @ (weights * y)))
    found = np.array(found)
    return pd.Series({"slope": found[:, 1].mean(), "spread": found[:, 1].std()})


def main():
    print(measured().groupby("region").apply(fitted, include_groups=False).round(4).to_string())


if __name__ == "__main__":
    main()
