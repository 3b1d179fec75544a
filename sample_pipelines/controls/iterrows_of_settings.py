"""A loop over the thirty rows of a table of settings: each row starts a simulation, which takes all the time."""

import numpy as np
import pandas as pd


def simulate(rate, spread, paths=30_000, days=250):
    """Final values of price paths."""
    random = np.random.default_rng(int(rate * 1e6))
    steps = random.normal(rate / days, spread / np.sqrt(days), (days, paths))
    return np.exp(steps.sum(axis=0))


def main():
    settings = pd.DataFrame({"rate": np.linspace(0.01, 0.05, 30), "spread": np.linspace(0.1, 0.4, 30)})
    results = []
    for _, row in settings.iterrows():
        final = simulate(row["rate"], row["spread"])
        results.append({"rate": row["rate"], "mean": final.mean(), "worst": np.quantile(final, 0.01)})
    print(pd.DataFrame(results).round(4).to_string())


if __name__ == "__main__":
    main()
