"""Joins the readings of a sensor, chunk by chunk, and finds the spells in which it trembles."""

import numpy as np

CHUNKS, READINGS = 1500, 2000


def chunks(count, seed=0):
    """What the sensor's driver hands over: a slow wave and its overtones with noise, some of it strong."""
    numbers = np.random.default_rng(seed)
    for number in range(count):
        phase = np.linspace(number, number + 1, READINGS)
        wave = sum(np.sin(tone * phase) / tone for tone in range(1, 41))
        yield wave + numbers.standard_normal(READINGS) * (0.5 if number % 90 < 4 else 0.05)


def recorded(count):
    signal = np.empty(0)
    for chunk in chunks(count):
        signal = np.concatenate([signal, chunk])  # planted
    return signal


def trembling(signal, window=4000):
    jumps = np.abs(np.diff(signal, append=signal[-1:])).reshape(-1, window).mean(axis=1)
    return np.flatnonzero(jumps > 3 * np.median(jumps))


def main():
    signal = recorded(CHUNKS)
    print(f"{len(signal)} readings, {len(trembling(signal))} windows with trembling")


if __name__ == "__main__":
    main()
