"""Each known pattern is recognised in its slow snippets and in none of its exempt ones."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from bottleneck_profiler.patterns import Frame, Sighting, Source, recognise
from bottleneck_profiler.patterns.known import PATTERNS

SNIPPETS = Path(__file__).with_name("snippets")
HEALTHY = Path(__file__).with_name("healthy")
BY_ID = {pattern.id: pattern for pattern in PATTERNS}


@dataclass
class Section:
    name: str
    kind: str
    text: str

    def sightings(self) -> list[Sighting]:
        """One for each line that is marked ``# hot``; for each line of code where none is marked. ``# caller`` marks
        the line that calls its function."""
        source, facts, lines = Source(self.text), known(self.text), self.text.splitlines()
        callers = [number for number, line in enumerate(lines, 1) if "# caller" in line]
        facts["callers"] = tuple((source, number) for number in callers)
        hot = [number for number, line in enumerate(lines, 1) if line.rstrip().endswith("# hot")]
        every = [number for number, line in enumerate(lines, 1) if line.strip() and not line.lstrip().startswith("#")]
        return [Sighting(source, line, **facts) for line in hot or every]

    def cause(self, hot: int) -> int:
        """The line to change: the one marked ``# cause``, or the hot one."""
        marked = [number for number, line in enumerate(self.text.splitlines(), 1) if line.endswith("# cause")]
        return marked[0] if marked else hot


def known(text: str) -> dict[str, Any]:
    """What a snippet's comments say of its hot line: ``# below: function file, ...``,
    ``# above: ...`` and ``# known: name=value ...``."""
    facts: dict[str, Any] = {}
    for side, names in re.findall(r"^# (below|above): (.*)$", text, re.M):
        facts[side] = tuple(Frame(*pair.strip().split(" ", 1)) for pair in names.split(","))
    for pairs in re.findall(r"^# known: (.*)$", text, re.M):
        facts.update({name: value(given) for name, given in (pair.split("=") for pair in pairs.split())})
    if "python" in facts:
        facts["versions"] = {"python": tuple(int(part) for part in str(facts.pop("python")).split("."))}
    if "given" in facts:
        facts["given"] = frozenset(facts["given"].split("+"))
    return facts


def value(given: str) -> Any:
    constants = {"True": True, "False": False}
    return constants[given] if given in constants else float(given) if re.fullmatch(r"[\d.e]+", given) else given


def sections(path: Path) -> list[Section]:
    parts = re.split(r"^# (slow|exempt|healthy)\b.*$", path.read_text(encoding="utf-8"), flags=re.M)
    return [Section(f"{path.stem}-{number}-{kind}", kind, text)
            for number, (kind, text) in enumerate(zip(parts[1::2], parts[2::2], strict=True), 1)]  # fmt: skip


ALL = [section for folder in (SNIPPETS, HEALTHY) for path in sorted(folder.glob("*.py")) for section in sections(path)]


@pytest.mark.parametrize("section", ALL, ids=lambda section: section.name)
def test_a_slow_line_is_recognised_and_an_exempt_one_is_not(section: Section) -> None:
    sightings = section.sightings()
    assert sightings
    for seen in sightings:
        found = recognise(seen)
        if section.kind == "slow":
            assert found is not None, f"line {seen.line} is not recognised"
            assert section.name.startswith(found.id + "-"), f"line {seen.line} is recognised as {found.id}"
            assert found.line(seen) == section.cause(seen.line)
        else:
            assert found is None, f"line {seen.line} is recognised as {found.id}"


def test_each_pattern_has_a_slow_and_an_exempt_snippet() -> None:
    kinds = {path.stem: {section.kind for section in sections(path)} for path in SNIPPETS.glob("*.py")}
    assert set(kinds) == set(BY_ID)
    assert {name for name, found in kinds.items() if not {"slow", "exempt"} <= found} == set()


@pytest.mark.parametrize("pattern", PATTERNS, ids=lambda pattern: pattern.id)
def test_words_are_there_and_the_needed_facts_exist(pattern: Any) -> None:
    for words in (pattern.title, pattern.replacement, pattern.leave, pattern.source, pattern.snippet):
        assert words.strip() and words == words.strip()
    assert not pattern.title.endswith(".") and not pattern.replacement.endswith(".")
    if pattern.price.factors is not None:
        low, high = pattern.price.factors
        assert 1 < low <= high
    assert set(pattern.needs) <= set(Sighting.__dataclass_fields__)
    assert set(pattern.beats) <= set(BY_ID)
    assert len(BY_ID) == len(PATTERNS)


@pytest.mark.parametrize("pattern", [each for each in PATTERNS if each.needs], ids=lambda pattern: pattern.id)
def test_without_a_fact_that_it_needs_a_pattern_is_silent(pattern: Any) -> None:
    for section in sections(SNIPPETS / f"{pattern.id}.py"):
        for seen in section.sightings():
            for name in pattern.needs:
                without = Sighting(**{each: None if each == name else getattr(seen, each)
                                      for each in Sighting.__dataclass_fields__})  # fmt: skip
                found = recognise(without)
                assert found is None or found.id != pattern.id
