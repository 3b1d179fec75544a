"""The report on a terminal: what its first screen answers, at 80 columns, in ASCII, and with hostile names."""

from __future__ import annotations

import io
import re
from dataclasses import replace

import pytest
from bottleneck_profiler.diagnosis.model import DeviceUse, Diagnosis
from bottleneck_profiler.exporters import terminal
from bottleneck_profiler.exporters.support.words import visible
from rich.console import Console

from . import hard_samples, samples


def printed(
    diagnosis: Diagnosis, width: int = 80, verbose: bool = False, colour: bool = False, command: str = ""
) -> str:
    console = Console(
        file=io.StringIO(), width=width, force_terminal=colour, color_system="truecolor" if colour else None
    )
    terminal.render(diagnosis, console, verbose, command)
    return console.file.getvalue()  # type: ignore[attr-defined]


def first_screen(diagnosis: Diagnosis) -> str:
    return "\n".join(printed(diagnosis).splitlines()[:30])


def test_the_first_screen_answers_the_five_questions() -> None:
    screen = first_screen(samples.slow_training())
    assert re.search(r"waiting for data +12.9 s +55 %", screen)  # where the time went
    assert "The training thread loads every batch itself" in screen  # what limits
    assert f"{samples.TRAIN}:41 in main" in screen  # on which line
    assert "Load in 3 worker processes" in screen  # what to change
    assert "saves 52 % of the run (48–55 %, about 12 s), 61 % of each step" in screen  # what it gains
    assert "forward and backward become the bottleneck" in " ".join(screen.split())  # what limits after that
    assert "Training stands still while checkpoints are written" in screen  # and the next finding


def test_the_rest_tells_how_and_why() -> None:
    text = printed(samples.slow_training())
    assert "          num_workers=3,\n" in text
    assert "time spent waiting for data: 61 %" in text
    assert "a one-argument change" in text
    assert "Plan  23.4 s now → 11.2 s after workers-zero → 8.8 s after sync-checkpoint" in text
    assert "7 fine, 1 not applicable" in text
    assert "Recording overhead: 0.2 % of the run (51 ms of CPU time); no records lost." in text
    assert "The pandas hooks failed and were switched off (planted)." in text
    assert "Pipeline law" not in text


def test_verbose_adds_the_law_and_all_that_was_checked() -> None:
    text = " ".join(printed(samples.slow_training(), verbose=True).split())
    assert "Pipeline law" in text
    assert "✓ eval-heavy 6.1 % 20 % run spent evaluating" in text
    assert "Not applicable: no request was served in this run: synchronous-serving" in text
    assert "Also noticed Logging every step" in text


def test_a_healthy_run_says_so_and_shows_value_against_threshold() -> None:
    text = " ".join(printed(samples.healthy()).split())
    assert "Nothing worth fixing was found" in text
    assert "✓ cpu-bound-decode 31 % 50 % hottest line of the loading" in text
    assert "✓ memory-creep 1.2 MiB/s 10.0 MiB/s" in text
    assert "saves" not in text


@pytest.mark.parametrize("name", ["too_short", "nothing_recorded"])
def test_a_run_that_was_not_judged_is_no_all_clear(name: str) -> None:
    diagnosis = samples.ALL[name]()
    text = printed(diagnosis)
    assert diagnosis.headline in text
    assert "This is not an all-clear" in text
    assert "✓" not in text


def test_serving_gains_speak_of_latency_and_capacity() -> None:
    text = printed(samples.serving())
    assert "cuts the p99 latency by 80 % (72–84 %)" in text
    assert "frees 44 % of the server's capacity (30–52 %)" in text
    assert "1,123 requests" in text
    assert "exit code 130" in text


def test_exhaustion_and_lost_records_are_said() -> None:
    text = printed(samples.etl())
    assert "memory runs out in about 2 h 37 min" in text
    assert "1,204 records were lost" in " ".join(text.split())


def test_at_most_five_findings_and_the_rest_are_counted() -> None:
    text = printed(hard_samples.largest())
    assert "\n 5  ● critical" in text
    assert "\n 6  ● critical" not in text
    assert "4 more in report.html" in text
    assert "\n 9  ● critical" in printed(hard_samples.largest(), verbose=True)


@pytest.mark.parametrize("name", [*samples.ALL, "hostile", "largest", "unfinite"])
@pytest.mark.parametrize("width", [40, 80, 160])
def test_no_line_is_wider_than_the_terminal(name: str, width: int) -> None:
    diagnosis = (samples.ALL.get(name) or getattr(hard_samples, name))()
    for verbose in (False, True):
        lines = printed(diagnosis, width, verbose).splitlines()
        # Code to paste is left whole, whatever the width.
        code = {part.strip() for r in diagnosis.findings for part in visible(r.finding.fix.snippet, False).split("\n")}
        assert [line for line in lines if len(line) > width and line.strip() not in code] == []


def test_without_colour_nothing_but_text_is_written() -> None:
    assert "\x1b" not in printed(samples.slow_training(), verbose=True)
    coloured = printed(samples.slow_training(), colour=True)
    assert "\x1b[" in coloured
    assert f"file://{samples.TRAIN}" in coloured  # a link to the file


def test_a_program_cannot_steer_the_terminal() -> None:
    for verbose in (False, True):
        text = printed(hard_samples.hostile(), verbose=verbose)
        assert not {"\x1b", "\x07", "\u202e", "\udcff"} & set(text)
        assert "\\x1b[2J" in text.replace("\n", "")
        assert "[bold red]markup[/]" in " ".join(text.split())  # shown, not obeyed


def test_a_terminal_that_knows_only_ascii_gets_ascii() -> None:
    raw = io.BytesIO()
    file = io.TextIOWrapper(raw, encoding="ascii", errors="strict")
    for make in (samples.slow_training, samples.healthy, hard_samples.hostile):
        terminal.render(make(), Console(file=file, width=80), verbose=True)
    file.flush()
    text = raw.getvalue().decode("ascii")
    assert "saves 52 % of the run (48-55 %, about 12 s)" in text
    assert "#####" in text


def test_numbers_that_are_none_are_dashes() -> None:
    text = printed(hard_samples.unfinite(), verbose=True)
    assert "nan" not in text.lower()
    assert "the gain could not be computed" in text


def test_no_gpu_is_named_on_a_run_without_one() -> None:
    for make in (samples.healthy, samples.nothing_to_judge):
        text = printed(make(), verbose=True).lower()
        assert "gpu" not in text
        assert "accelerator" not in text
    with_one = replace(samples.healthy(), run=samples.run_facts(gpus=("Simulated accelerator",)))
    assert "starved-gpu" in printed(with_one, verbose=True)


@pytest.mark.parametrize(
    ("idle", "kept_up", "said"),
    (
        (
            {"input": 3.6, "sync": 0.4},
            0.0,
            "the GPU idles for at least 40 %; 90 % of that while the loop waited",
        ),
        ({"input": 0.0, "sync": 0.0}, 0.0, "the GPU is busy for up to 100 %"),
        ({"input": 0.1, "sync": 0.1}, 8.0, "In 80 % of the steps' time, the GPU has nothing left to do"),
        ({"input": 0.1, "sync": 0.1}, 8.0, "Run again with --device-window 10 to see how busy it is in between."),
        ({"input": 0.1, "sync": 0.1}, 8.0, "bottleneck run --device-window 10 train.py --rate '1 2'"),
    ),
)
def test_a_timed_device_has_a_bar_and_a_sentence(idle: dict[str, float], kept_up: float, said: str) -> None:
    share = sum(idle.values()) / 10
    use = DeviceUse(
        "", None, 0, "cuda", 10.0, 1 - share, share, None, None, None, None, 1.0, idle["input"], 50, 0.2, "events",
        idle, kept_up,
    )  # fmt: skip
    shown = " ".join(printed(replace(samples.healthy(), devices=(use,)), command="train.py --rate '1 2'").split())
    assert said in shown
    assert ("bottleneck run --device-window" in shown) == bool(kept_up)


def test_a_run_without_anything_to_judge_is_no_all_clear() -> None:
    text = printed(samples.nothing_to_judge())
    assert "Nothing to judge" in text
    assert "This is not an all-clear" in text
    assert "worth fixing" not in text
