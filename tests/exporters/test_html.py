"""report.html as text: complete, self-contained, bounded, and with everything from the run escaped."""

from __future__ import annotations

import json
import re
from html import unescape
from html.parser import HTMLParser

import pytest
from bottleneck_profiler.diagnosis.model import Bar, Diagnosis, Series, View
from bottleneck_profiler.exporters import html
from bottleneck_profiler.exporters.support import drawing
from bottleneck_profiler.exporters.support.flames import Cell, flames

from . import hard_samples, recordings, samples

EVERY = {
    **samples.ALL,
    "hostile": hard_samples.hostile,
    "largest": hard_samples.largest,
    "unfinite": hard_samples.unfinite,
    **recordings.ALL,
}
_VOID = {"meta", "link", "br"}


class Reader(HTMLParser):
    """Tags that are open, every attribute, and the text of the script elements."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in _VOID:
            self.open.append(tag)
        if tag == "script":
            self.scripts.append("")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "script":
            self.scripts[-1] += data


def read(diagnosis: Diagnosis) -> Reader:
    reader = Reader()
    reader.feed(html.render(diagnosis))
    reader.close()
    assert reader.open == []
    return reader


@pytest.mark.parametrize("name", EVERY)
def test_the_page_is_whole_small_and_asks_for_nothing(name: str) -> None:
    page = html.render(EVERY[name]())
    assert len(page.encode("utf-8")) < 500_000
    reader = read(EVERY[name]())
    for tag, attributes in reader.tags:
        assert tag not in {"img", "iframe", "object", "embed", "base", "form"}
        assert not [key for key in attributes if key.startswith("on")]
        for key in ("src", "href", "srcset", "action"):
            assert attributes.get(key) in (None, "data:,")
    assert "url(" not in page
    assert "@import" not in page
    assert "nan" not in re.sub(r"<style>.*?</style>|<script.*?</script>", "", page, flags=re.S).lower()


@pytest.mark.parametrize("name", EVERY)
def test_in_a_notebook_it_is_a_frame_that_lets_nothing_out_or_in(name: str) -> None:
    shown = Reader()
    shown.feed(html.inline(EVERY[name](), "/home/ada/<run>/report.html"))
    (frame, attributes), *others = shown.tags
    assert (frame, attributes["sandbox"]) == ("iframe", "")
    assert [tag for tag, _ in others] == ["p", "code"]
    page = Reader()
    page.feed(attributes["srcdoc"] or "")
    assert page.open == [] and not {"script", "svg", "iframe"} & {tag for tag, _ in page.tags}
    assert html.words.headline(EVERY[name]())[:20] in unescape(attributes["srcdoc"] or "")


def test_it_answers_the_five_questions() -> None:
    page = html.render(samples.slow_training())
    for text in (
        "12.9 s",
        "The training thread loads every batch itself",
        f"{samples.TRAIN}:41",
        "num_workers=3",
        "saves 52 % of the run (48–55 %, about 12 s)",
        "After this fix, forward and backward become the bottleneck",
        "−62 %",
        "Recording overhead: 0.2 % of the run",
        "Logging every step",
        "The pandas hooks failed",
    ):
        assert text in page


def test_a_healthy_run_lists_what_was_checked_and_no_card() -> None:
    page = html.render(samples.healthy())
    assert "Nothing worth fixing was found" in page
    assert "10.0 MiB/s" in page
    assert '<article class="card finding' not in page


@pytest.mark.parametrize("name", ["too_short", "nothing_to_judge", "nothing_recorded"])
def test_a_run_that_was_not_judged_is_no_all_clear(name: str) -> None:
    page = html.render(samples.ALL[name]())
    assert "This is not an all-clear" in page
    assert '<h1 class="warning">' in page
    assert "Nothing worth fixing" not in page


def test_no_accelerator_is_named_on_a_run_without_one() -> None:
    for make in (samples.healthy, samples.nothing_to_judge):
        page = re.sub(r"<style>.*?</style>|<script.*?</script>", "", html.render(make()), flags=re.S).lower()
        assert "accelerator" not in page
        assert "gpu" not in page
    with_one = samples.replace(samples.healthy(), run=samples.run_facts(gpus=("Simulated accelerator",)))
    assert "starved-gpu" in html.render(with_one)


def test_a_value_that_is_not_there_is_no_dash() -> None:
    row = next(part for part in html.render(samples.healthy()).split("<tr>") if "unused-columns" in part)
    assert "–" not in row


def test_text_from_the_run_stays_text() -> None:
    page = html.render(hard_samples.hostile())
    reader = read(hard_samples.hostile())
    assert samples.ATTACK not in page
    assert len(reader.scripts) == 2  # the bars and our own
    data = json.loads(reader.scripts[0])
    assert data["phases"][0].startswith(samples.ATTACK)
    assert "<" not in reader.scripts[0]
    assert "\x1b" not in page
    assert "\u202e" not in page
    page.encode("utf-8")  # an undecodable file name would raise


def test_text_from_a_real_recording_stays_text_too() -> None:
    diagnosis = recordings.attacked()
    page = html.render(diagnosis)
    assert len(read(diagnosis).scripts) == 2
    assert samples.ATTACK not in page
    assert page.count("&lt;/script&gt;&lt;script&gt;document.title=") > 20  # call tree, place, command ...


def test_the_line_of_the_user_is_in_the_call_tree_and_what_was_left_out_is_said() -> None:
    diagnosis = recordings.serving()
    page = html.render(diagnosis)
    tree = page[page.index("<h2>Call tree") :]
    assert re.search(r'<code class="own">score</code> <span class="soft">\S*slow.py:46', tree)
    assert re.search(r"… \d+ calls …", tree)
    sampled = sum(node.seconds for node in diagnosis.view.calls)
    assert f"{sampled:.1f} s of {diagnosis.run.wall_seconds:.1f} s ({sampled / diagnosis.run.wall_seconds:.0%}" in (
        tree.replace(" %", "%")
    )


def test_each_thread_has_a_flame_graph_that_reads_without_a_script() -> None:
    page = html.render(samples.slow_training())
    flames = page[page.index("<h2>Flame graph") : page.index("<h2>Call tree")]
    assert re.findall(r"<summary>(.*?)</summary>", flames) == [
        "main thread: 23.0 s",
        "train.py (pid 4711), writer: 22.0 s, 93 % of it waiting",
    ]
    assert flames.count('<details class="more" open>') == 1
    assert re.search(
        r'<b class="own" title="Flowers.__getitem__, \S*data.py:27: 11.4 s, 50 %">Flowers.__getitem__<', flames
    )
    assert "3 library calls above it left out" in flames
    assert re.search(r'<b class="waits" title="Queue.get, \S*queue.py:171: 20.0 s, 91 %, 100 % of it waiting">', flames)
    assert "2 more threads are in stacks.speedscope.json." in flames


def test_cells_are_as_wide_as_their_share_of_the_caller_and_never_wider_together() -> None:
    def check(cells: tuple[Cell, ...]) -> None:
        assert sum(cell.width for cell in cells) <= 1 + 1e-9
        for cell in cells:
            check(cell.cells)

    for name in ("slow_training", "recorded serving", "largest"):
        for flame in flames(EVERY[name]()):
            check(flame.cells)
    (module,) = flames(samples.slow_training())[0].cells
    (main,) = module.cells
    assert (module.width, main.width) == (1.0, pytest.approx(21.6 / 23.0))
    assert main.cells[0].width == pytest.approx(12.6 / 21.6)


@pytest.mark.parametrize("name", [name for name in EVERY if "hostile" not in name and "attack" not in name])
def test_every_sentence_begins_with_a_capital(name: str) -> None:
    for then in re.findall(r'<p class="then soft">(.*?)</p>', html.render(EVERY[name]())):
        assert not re.search(r"\. [a-z]{2,} ", then), then


def test_lanes_keep_what_overlaps_apart_and_workers_in_their_order() -> None:
    bars = (
        Bar("worker 10", "batch", 0.0, 1.0),
        Bar("worker 2", "batch", 0.0, 1.0),
        Bar("main", "etl.read", 2.0, 3.0),
        Bar("main", "etl.transform", 0.0, 8.0),
        Bar("main", "etl.read", 6.0, 1.0),
    )
    diagnosis = samples.replace(samples.healthy(), view=View(bars))
    tracks = drawing.tracks(diagnosis)
    assert [track.name for track in tracks] == ["main", "worker 2", "worker 10"]
    assert [[bar.phase for bar in lane] for lane in tracks[0].lanes] == [["etl.transform"], ["etl.read", "etl.read"]]


def test_a_gap_in_a_curve_stays_a_gap() -> None:
    nan = float("nan")
    series = Series("memory", "B", (0.0, 1.0, 2.0, 3.0, 4.0), (1.0, 1.0, nan, 1.0, 1.0))
    diagnosis = samples.replace(samples.healthy(), view=View((), (), (series,)))
    (chart,) = drawing.charts(diagnosis)
    assert chart.line.count("M") == 2
    alone = samples.replace(series, y=(nan, nan, nan, nan, nan))
    assert drawing.charts(samples.replace(diagnosis, view=View((), (), (alone,)))) == []


@pytest.mark.parametrize("wall", [0.004, 0.8, 7.0, 23.4, 61.0, 95.0, 312.0, 5000.0, 40_000.0, 900_000.0])
def test_ticks_are_round_few_and_inside(wall: float) -> None:
    ticks = drawing.ticks(wall)
    assert 3 <= len(ticks) <= 12
    assert ticks[0] == (0, "0")
    assert all(0 <= at < 1 for at, _ in ticks)
    assert len({label for _, label in ticks}) == len(ticks)


def test_the_call_tree_keeps_its_largest_branches() -> None:
    def rows(calls: tuple[drawing.Call, ...]) -> list[float]:
        return [s for call in calls for s in (call.seconds, *rows(call.children))]

    kept = rows(drawing.calls(hard_samples.largest().view.calls))
    assert 0 < len(kept) <= 500
    assert max(kept) == 5.0
