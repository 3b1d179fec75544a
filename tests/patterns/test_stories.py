"""What public stories of slow programs were mended with is what the pattern of the line says, in words of its own."""

import re

import pytest
from bottleneck_profiler.patterns.known import PATTERNS

MENDED = {
    "grow-own-argument": r"grow|torch\.cat|append|concatenat",
    "single-threaded-server": "thread",
    "chunk-mismatch": "chunk|layout|order",
    "state-never-detached": "detach|history|retain|backward graph",
    "frame-row-in-getitem": "iloc|to_numpy|array|column",
    "jsonable-encoder-walk": "json|encod|serialis|serializ",
    "dates-unguessed": "format|to_datetime|strptime",
    "lazy-recollect": "collect|same plan|repeated",
    "commit-per-row": "commit|transaction|executemany",
    "per-sample-fetch": "whole batch|batch(es)? at once|index|collat|sampler",
}


@pytest.mark.parametrize("name", MENDED)
def test_title_and_replacement_name_what_mended_it(name: str) -> None:
    pattern = next(each for each in PATTERNS if each.id == name)
    assert re.search(MENDED[name], f"{pattern.title} {pattern.replacement}", re.I)
