"""How often ``bottleneck check`` is wrong, from real runs of healthy programs. Needs a quiet machine.

``python benchmarks/check_accuracy.py record RUNS.json [--runs 20] [--only NAME]``: records healthy controls of
``sample_pipelines/controls`` in turn, and keeps the figure that a check would judge. More runs are added to the file.

``... judge RUNS.json``: makes sets of pairs of runs that lay side by side, and lets the check decide on each: a version
against itself, and against one that takes 10 % more. The noise of each program is as recorded; the last lines have the
same deviations, made so small that the noise is 2, 3 and 5 %.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import statistics
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from bottleneck_profiler.comparison.sides import read
from bottleneck_profiler.pairs.command import Command
from bottleneck_profiler.pairs.verdict import Verdict, verdict

CONTROLS = Path(__file__).resolve().parent.parent / "sample_pipelines" / "controls"
PROGRAMS = ("steps_of_an_environment", "small_model_adam", "inference_loop")  # some seconds each
SETS, LEAST, MOST, SLOWER = 200, 5, 10, 1.10
Pair = tuple[float, float]


def record(file: Path, runs: int, only: str | None) -> None:
    """Add ``runs`` runs of each program, one after the other in every round."""
    found: dict[str, list[float]] = json.loads(file.read_text()) if file.exists() else {}
    programs = [only] if only else PROGRAMS
    with tempfile.TemporaryDirectory() as folder:
        for number in range(runs + 1):
            for name in programs:
                place = Path(folder) / f"{name}-{number}"
                Command(name, [str(CONTROLS / f"{name}.py")], Path(folder)).record(place)
                figures = read(str(place)).figures.figures
                value = figures.get("step", figures.get("request", figures["run"]))
                print(f"{number:3} {name:28} {value * 1e3:10.3f} ms", flush=True)
                if number:  # the first run of each fills caches
                    found.setdefault(name, []).append(value)
            file.write_text(json.dumps(found, indent=1))


def side_by_side(values: Sequence[float], chance: random.Random) -> list[Pair]:
    """Up to MOST pairs of neighbouring runs, each run in one pair at most, in random order and direction."""
    start = chance.randrange(2)
    pairs = [(values[at], values[at + 1]) for at in range(start, len(values) - 1, 2)]
    chosen = chance.sample(pairs, min(MOST, len(pairs)))
    return [pair if chance.random() < 0.5 else (pair[1], pair[0]) for pair in chosen]


def decided(pairs: Sequence[Pair], factor: float, least: int, most: int) -> Verdict:
    """What the check says when the new version takes ``factor`` times as long."""
    for count in range(least, most + 1):
        old, new = zip(*((before, after * factor) for before, after in pairs[:count]), strict=True)
        found = verdict(old, new)
        if found.settled:
            break
    return found


def outcome(found: Verdict) -> str:
    if found.answer == "slower":
        return "fail"
    return "pass" if found.answer in ("faster", "same") or found.not_slower else "cannot tell"


def counted(series: Sequence[Sequence[float]], factor: float, least: int, most: int, sets: int, seed: int) -> Counter:
    chance = random.Random(seed)
    return Counter(
        outcome(decided(side_by_side(chance.choice(series), chance), factor, least, most)) for _ in range(sets)
    )


def noise_of(values: Sequence[float]) -> float:
    """The standard deviation between runs, as a share."""
    return math.expm1(statistics.stdev(map(math.log, values)))


def scaled(values: Sequence[float], noise: float) -> list[float]:
    """The same deviations from the mean, made so large that they are this noise."""
    logs = [math.log(value) for value in values]
    mean, spread = statistics.fmean(logs), statistics.stdev(logs)
    return [math.exp(mean + (value - mean) * math.log1p(noise) / spread) for value in logs]


def rows(found: dict[str, list[float]]) -> Iterator[tuple[str, list[Sequence[float]]]]:
    for name, values in found.items():
        yield f"{name}: {len(values)} runs, noise {noise_of(values):.1%}", [values]
    everything = list(found.values())
    yield f"all of them: {sum(map(len, everything))} runs", list(everything)
    for noise in (0.02, 0.03, 0.05):
        yield f"all of them, noise made {noise:.0%}", [scaled(values, noise) for values in everything]


def judge(file: Path) -> None:
    found: dict[str, list[float]] = json.loads(file.read_text())
    print(f"{SETS} sets each; a version against itself as the command does it ({LEAST} to {MOST} pairs)")
    for words, series in rows(found):
        same = counted(series, 1.0, LEAST, MOST, SETS, seed=1)
        caught = [counted(series, SLOWER, pairs, pairs, SETS, seed=2)["fail"] / SETS for pairs in (LEAST, MOST)]
        print(f"{words}: {same['fail']} fail, {same['cannot tell'] / SETS:.0%} cannot tell; +10 % caught "
              f"{caught[0]:.1%} with {LEAST} pairs, {caught[1]:.1%} with {MOST}")  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("action", choices=["record", "judge"])
    parser.add_argument("file", type=Path)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--only")
    words = parser.parse_args()
    if words.action == "record":
        record(words.file, words.runs, words.only)
    else:
        judge(words.file)


if __name__ == "__main__":
    main()
