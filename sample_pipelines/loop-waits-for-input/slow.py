"""A network in plain numpy learns from records of a feature service, which a generator fetches batch by batch."""

import time

import numpy as np

RECORDS, BATCH, WIDTH, LAYERS = 8000, 16, 128, 100


class FeatureService:
    """Answers each request for one record after a millisecond, as a service in the same building does."""

    def fetch(self, number):
        time.sleep(0.001)  # planted
        return np.random.default_rng(number).standard_normal(WIDTH, dtype=np.float32)


def batches(service):
    for first in range(0, RECORDS, BATCH):
        numbers = range(first, first + BATCH)
        x = np.stack([service.fetch(number) for number in numbers])  # planted: its calls could overlap
        yield x, (np.array(numbers) % 2).astype(np.float32)


def step(weights, x, y):
    """One step of gradient descent through narrow layers, and the loss before it."""
    inputs = []
    for layer in weights:
        inputs.append(x)
        x = x + 0.1 * np.maximum(x @ layer, 0)
    error = x.mean(1) - y
    back = np.repeat(error[:, None] / x.size, WIDTH, axis=1)
    for layer, x in zip(weights[::-1], inputs[::-1], strict=True):
        slope = 0.1 * back * (x @ layer > 0)
        back = back + slope @ layer.T
        layer -= 0.1 * x.T @ slope
    return float(error @ error) / len(x)


def main():
    numbers = np.random.default_rng(0)
    weights = [0.05 * numbers.standard_normal((WIDTH, WIDTH), dtype=np.float32) for _ in range(LAYERS)]
    for x, y in batches(FeatureService()):
        loss = step(weights, x, y)
    print(f"loss {loss:.3f}")


if __name__ == "__main__":
    main()
