"""A network in plain numpy learns from records of a feature service, which a generator fetches batch by batch."""

import os
import time

os.environ["OPENBLAS_NUM_THREADS"] = "1"
import numpy as np  # noqa: E402

RECORDS, BATCH, WIDTH = 8000, 16, 256


class FeatureService:
    """Answers each request for one record after a millisecond, as a service in the same building does."""

    def fetch(self, number):
        time.sleep(0.001)  # planted
        return np.random.default_rng(number).standard_normal(WIDTH, dtype=np.float32)


def batches(service):
    for first in range(0, RECORDS, BATCH):
        numbers = range(first, first + BATCH)
        x = np.stack([service.fetch(number) for number in numbers])
        yield x, (np.array(numbers) % 2).astype(np.float32)


def step(weights, x, y):
    """One step of gradient descent, and the loss before it."""
    first, second, last = weights
    hidden = np.maximum(x @ first, 0)
    deeper = np.maximum(hidden @ second, 0)
    error = (deeper @ last)[:, 0] - y
    back = np.outer(error, last[:, 0]) * (deeper > 0) / len(x)
    below = (back @ second.T) * (hidden > 0)
    second -= 0.01 * hidden.T @ back
    first -= 0.01 * x.T @ below
    last -= 0.01 * deeper.T @ error[:, None] / len(x)
    return float(error @ error) / len(x)


def main():
    numbers = np.random.default_rng(0)
    sizes = (WIDTH, 1200, 1200, 1)
    weights = [0.03 * numbers.standard_normal(pair, dtype=np.float32) for pair in zip(sizes, sizes[1:], strict=False)]
    for x, y in batches(FeatureService()):
        loss = step(weights, x, y)
    print(f"loss {loss:.3f}")


if __name__ == "__main__":
    main()
