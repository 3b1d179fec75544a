"""Workbooks, because the source sends workbooks: each is streamed once, its values only; the forecast takes longer."""

import tempfile
from pathlib import Path

import numpy as np
import openpyxl


def write_workbook(path, month):
    random = np.random.default_rng(month)
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("sales")
    sheet.append(["shop", "units", "price"])
    for row in zip(range(400), random.integers(1, 90, 400).tolist(), random.gamma(2, 5, 400).tolist()):
        sheet.append(row)
    book.save(path)


def values_of(path):
    book = openpyxl.load_workbook(path, read_only=True)
    rows = list(book["sales"].iter_rows(min_row=2, values_only=True))
    book.close()
    return np.array(rows, dtype=float)


def forecast(history, draws=150_000):
    """Next month's turnover of each shop: means of resampled months, and their spread."""
    random = np.random.default_rng(0)
    turnover = (history[:, :, 1] * history[:, :, 2]).T
    weights = random.multinomial(len(history), np.full(len(history), 1 / len(history)), draws) / len(history)
    means = turnover @ weights.T.astype(float)
    return means.mean(axis=1), np.quantile(means, [0.05, 0.95], axis=1)


def main():
    with tempfile.TemporaryDirectory(prefix="books-") as folder:
        for month in range(12):
            write_workbook(Path(folder) / f"{month:02d}.xlsx", month)
        history = np.stack([values_of(path) for path in sorted(Path(folder).glob("*.xlsx"))])
    mean, (low, high) = forecast(history)
    print(f"{len(mean)} shops: {mean.sum():.0f} in all, {low.sum():.0f} to {high.sum():.0f}")


if __name__ == "__main__":
    main()
