"""A page is read line by line: what is asked for is found, and what is broken costs itself alone."""

from __future__ import annotations

import math
import random

import pytest
from bottleneck_profiler.recording.servers.page import NotAPage, Page, Sample
from hypothesis import given
from hypothesis import strategies as st

from .made import page

NAMES = st.from_regex(r"[a-zA-Z_:][a-zA-Z0-9_:]{0,20}", fullmatch=True)
#: Prometheus keeps names that begin with two underscores for itself.
LABELS = st.dictionaries(
    st.from_regex(r"(?!__)[a-zA-Z_][a-zA-Z0-9_]{0,10}", fullmatch=True), st.text(max_size=20), max_size=4
)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)


def written(name: str, labels: dict[str, str], value: float) -> str:
    def escaped(text: str) -> str:
        return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")

    inner = ",".join(f'{key}="{escaped(text)}"' for key, text in labels.items())
    return f"{name}{{{inner}}} {value!r}"


def values(text: str, name: str) -> list[float]:
    return [sample.value for sample in Page(text).samples(name)]


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("a 1", 1.0),
        ("a  1.5e3 ", 1500.0),
        ("a 1 1700000000000", 1.0),
        ('a{b="x",} 2', 2.0),
        ('a{b="{}, \\"q\\" \\\\ \\n"} 3', 3.0),
        ('a{b="1"} 4 # {trace_id="x"} 0.5', 4.0),
        ("\t a 5\r", 5.0),
        ("a{} 6", 6.0),
    ],
)
def test_forms_of_a_line(line: str, value: float) -> None:
    assert values(f"# TYPE a counter\n{line}\n", "a") == [value]
    assert values(f"b 1\n{line}", "a") == [value]  # no newline at the end


@pytest.mark.parametrize("line", ['a{b="x} 1', "a{b=1} 2", "a x", 'a{b="1"', "a 0x10", "a 1_0", 'a{="1"} 1'])
def test_a_broken_line_costs_itself_alone(line: str) -> None:
    read = Page(f"a 1\n{line}\na 2\nc 3\n")
    assert [sample.value for sample in read.samples("a")] == [1.0, 2.0] and read.unreadable == 1
    assert [sample.value for sample in read.samples("c")] == [3.0]


def test_what_is_no_number_is_no_sample() -> None:
    assert values("a NaN\na +Inf\na -Inf\na 1\n", "a") == [1.0]


@pytest.mark.parametrize(
    "text",
    ["", "\n\n# HELP a b\n", "<html><body>hello 5</body></html>", '{"a": 1}', "hello world\n", "a,b,c\n1,2,3\n",
     "Not found\nTry http://x 404 again\n", "\x00\x01\x02 5"],
)  # fmt: skip
def test_other_texts_are_no_pages(text: str) -> None:
    with pytest.raises(NotAPage, match="no page of Prometheus metrics"):
        Page(text)


def test_a_very_long_line_is_left_out() -> None:
    assert values("a 1\na{b=" + '"' + "x" * (1 << 17) + '"} 2\n', "a") == [1.0]


@given(st.lists(st.tuples(NAMES, LABELS, NUMBERS), min_size=1, max_size=20))
def test_what_is_written_is_read(rows: list[tuple[str, dict[str, str], float]]) -> None:
    read = Page("\n".join(written(*row) for row in rows) + "\n")
    for wanted in {name for name, _, _ in rows}:
        expected = [Sample(n, tuple(sorted(labels.items())), value) for n, labels, value in rows if n == wanted]
        assert read.samples(wanted) == expected


@given(st.text(max_size=400))
def test_no_text_breaks_it(text: str) -> None:
    for whole in (text, f"a 1\nb 2\n{text}\nc 3\n"):
        try:
            read = Page(whole)
        except NotAPage:
            continue
        for name in list(read.names):
            assert all(math.isfinite(sample.value) for sample in read.samples(name))


@given(st.integers(0, 2**32), st.integers(1, 30))
def test_a_damaged_real_page_is_a_page_or_none(seed: int, count: int) -> None:
    text, dice = list(page("torchserve_metrics.txt")), random.Random(seed)
    for _ in range(count):
        text[dice.randrange(len(text))] = dice.choice('{}",= \n\x00é')
    try:
        read = Page("".join(text))
    except NotAPage:
        return
    for name in list(read.names):
        read.samples(name)


def test_all_samples_of_the_real_pages_are_read() -> None:
    counts = {"vllm_metrics.txt": 185, "sglang_gemma2_9b_production_metrics.txt": 135, "e2e-output.txt": 3027}
    for name, count in counts.items():  # as the whole-page parser of the client library counts them
        read = Page(page(name))
        lines = [line for line in page(name).splitlines() if line and not line.startswith("#")]
        odd = sum(line.rsplit(" ", 1)[1] in ("NaN", "+Inf") for line in lines)
        assert sum(len(read.samples(each)) for each in read.names) == count - odd and not read.unreadable
