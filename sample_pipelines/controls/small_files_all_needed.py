"""Hundreds of small files, one a device, which must be read because each is another device's; then the real work."""

import json
import tempfile
from pathlib import Path

import numpy as np

DEVICES = 300


def write_devices(folder):
    random = np.random.default_rng(0)
    for device in range(DEVICES):
        signal = np.cumsum(random.normal(0, 1, 1500)).round(3).tolist()
        (folder / f"device_{device:03d}.json").write_text(json.dumps({"id": device, "signal": signal}))


def alike(signals):
    """The largest correlation of each pair of devices at any lag."""
    size = 1 << 12
    scaled = (signals - signals.mean(1, keepdims=True)) / signals.std(1, keepdims=True)
    spectra = np.fft.rfft(scaled, size)
    best = np.empty((len(signals), len(signals)))
    for row, spectrum in enumerate(spectra):
        best[row] = np.fft.irfft(spectra * spectrum.conj(), size).max(axis=1)
    return best / signals.shape[1]


def main():
    with tempfile.TemporaryDirectory(prefix="devices-") as folder:
        write_devices(Path(folder))
        signals = [json.loads(path.read_text())["signal"] for path in sorted(Path(folder).glob("*.json"))]
    best = alike(np.array(signals))
    np.fill_diagonal(best, 0)
    print(f"{len(signals)} devices, most alike {np.unravel_index(best.argmax(), best.shape)}: {best.max():.3f}")


if __name__ == "__main__":
    main()
