"""A cube of HDF5, compressed in chunks of whole images, and read along those chunks: each is unpacked once."""

import tempfile
from pathlib import Path

import h5py
import numpy as np

IMAGES, SIDE = 1200, 256


def write_cube(path):
    random = np.random.default_rng(0)
    with h5py.File(path, "w") as file:
        cube = file.create_dataset("cube", (IMAGES, SIDE, SIDE), "uint16", chunks=(8, SIDE, SIDE), compression="lzf")
        images = random.poisson(40, (8, SIDE, SIDE))
        for start in range(0, IMAGES, 8):
            cube[start : start + 8] = images + start


def main():
    with tempfile.TemporaryDirectory(prefix="cube-") as folder:
        path = Path(folder) / "cube.h5"
        write_cube(path)
        total, peaks = np.zeros((SIDE, SIDE)), []
        with h5py.File(path) as file:
            cube = file["cube"]
            for start in range(0, IMAGES, 8):
                block = cube[start : start + 8]
                total += block.sum(axis=0)
                spectra = np.abs(np.fft.rfft2(block - block.mean()))
                peaks.extend(spectra.reshape(len(block), -1).max(axis=1).tolist())
    print(f"mean {total.mean() / IMAGES:.2f}, {max(peaks):.0f}")


if __name__ == "__main__":
    main()
