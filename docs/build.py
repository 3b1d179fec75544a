"""Builds the documentation as a site, offline and strictly.

``python3 dev.py docs``, or ``python docs/build.py [WORK_FOLDER [SITE_FOLDER]]``.

The pages of the detectors are made here from their docstrings and are not committed, so that a new detector touches no
file of the documentation. What Zensical reads is put together in ``build/docs/``.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from bottleneck_profiler.cli._page import Page, page
from bottleneck_profiler.detectors import all_detectors

DOCS = Path(__file__).resolve().parent
ROOT = DOCS.parent
STAGED = ROOT / "build" / "docs"
SITE = ROOT / "site"
PLACE_OF_THE_TABLE = "<!-- detectors -->"
#: Pages of the repository's root -> their names on the site. The others keep their names.
ROOT_PAGES = {"README.md": "index.md", "CONTRIBUTING.md": "contributing.md", "CHANGELOG.md": "changelog.md"}
TOPICS = {
    "run": "The whole run",
    "etl": "ETL",
    "loading": "Data loading",
    "training": "Training",
    "device": "Accelerators",
    "memory": "Memory",
    "distributed": "Distributed training",
    "serving": "Serving",
}
BEFORE = {
    "Home": "index.md",
    "Getting started": "getting-started.md",
    "How it works": {"One run, file by file": "one-run.md", "Gains and order": "gains.md"},
}
AFTER = {
    "Comparing runs": "comparing-runs.md",
    "Checking a change in CI": "check.md",
    "Proving a gain": "try.md",
    "Load tests": "load.md",
    "Servers and load tests": "watch.md",
    "Cost": "cost.md",
    "Traces": "telemetry.md",
    "Metrics": "metrics.md",
    "Accuracy": "accuracy.md",
    "Frameworks and launchers": "frameworks.md",
    "What your program may notice": "what-you-may-notice.md",
    "Batching requests": "batching.md",
    "A served model in other ways": "model-what-ifs.md",
    "Comparison": "comparison.md",
    "Contributing": "contributing.md",
    "Changelog": "changelog.md",
}


def put_together(staged: Path) -> Path:
    """Fill ``staged`` with what the site is built from; the path of its configuration."""
    shutil.rmtree(staged, ignore_errors=True)
    pages = staged / "pages"
    (pages / "detectors").mkdir(parents=True)
    for path in (*DOCS.glob("*.md"), *(ROOT / name for name in ROOT_PAGES)):
        (pages / ROOT_PAGES.get(path.name, path.name)).write_text(_relinked(path.read_text("utf-8")), "utf-8")
    for path in DOCS.glob("*.png"):
        shutil.copy(path, pages)
    topics: dict[str, list[Page]] = {topic: [] for topic in TOPICS}
    for detector in all_detectors():
        made = page(detector)
        topics.setdefault(made.topic, []).append(made)
        (pages / "detectors" / f"{made.id}.md").write_text(_markdown(made), "utf-8")
    catalogue = pages / "detectors.md"
    catalogue.write_text(catalogue.read_text("utf-8").replace(PLACE_OF_THE_TABLE, _table(topics)), "utf-8")
    (staged / "mkdocs.yml").write_text(_configuration(topics), "utf-8")
    return staged / "mkdocs.yml"


def _relinked(text: str) -> str:
    """Links of a page of the repository, as they are on the site, where all pages lie in one folder."""
    text = re.sub(r"\]\((?:\.\./)?(?:docs/)?([\w.-]+)", r"](\1", text)
    for name, on_site in ROOT_PAGES.items():
        text = text.replace(f"]({name}", f"]({on_site}")
    return text


def _markdown(made: Page) -> str:
    lines = [f"# {made.title}", "", f"`{made.id}` · {made.stage}", "", _prose(made.summary), ""]
    for heading, text in made.sections:
        lines += [f"## {heading}", "", _prose(text), ""]
    if made.thresholds:
        lines += ["## Thresholds", "", "[Where these numbers come from](../detectors.md#sources).", ""]
        lines += ["| name | value | meaning |", "| --- | --- | --- |"]
        for name, value, meaning in made.thresholds:
            lines.append(f"| <code>{name.replace('_', '_<wbr>')}</code> | {value} | {_prose(meaning)} |")
        lines.append("")
    if made.explains:
        pages = {detector.id for detector in all_detectors()}  # the ids of known patterns have no page
        names = ", ".join(f"[{name}]({name}.md)" if name in pages else f"`{name}`" for name in made.explains)
        lines += ["## More general findings", "", f"This finding takes the place of: {names}.", ""]
    return "\n".join(lines)


def _prose(text: str) -> str:
    """Text of a docstring as Markdown: code as it is, and nothing else that Markdown would read as a sign."""
    code = re.split(r"(``?[^`]+``?)", text)
    signs = re.compile(r"([\\*_<>|\[\]#])")
    return "".join(part.replace("``", "`") if part.startswith("`") else signs.sub(r"\\\1", part) for part in code)


def _table(topics: dict[str, list[Page]]) -> str:
    lines = []
    for topic, made in topics.items():
        lines += [f"## {_name(topic)}", "", "| detector | problem |", "| --- | --- |"]
        lines += [f"| [{one.id}](detectors/{one.id}.md) | {_prose(one.title)} |" for one in made] + [""]
    return "\n".join(lines)


def _name(topic: str) -> str:
    return TOPICS.get(topic, topic.capitalize())


def _configuration(topics: dict[str, list[Page]]) -> str:
    """JSON, which is YAML too."""
    by_topic = {_name(topic): {one.id: f"detectors/{one.id}.md" for one in made} for topic, made in topics.items()}
    detectors = {"All detectors": "detectors.md", **by_topic}
    settings = {
        "site_name": "bottleneck",
        "docs_dir": "pages",
        "site_dir": "site",
        "use_directory_urls": False,  # so that the site can be read from the disk, without a server
        "theme": {"name": "material", "font": False},  # fonts would come from the network
        "nav": _nav({**BEFORE, "Detectors": detectors, **AFTER}),
    }
    return json.dumps(settings, indent=1)


def _nav(pages: dict[str, Any]) -> list[dict[str, Any]]:
    return [{name: _nav(item) if isinstance(item, dict) else item} for name, item in pages.items()]


def build(staged: Path = STAGED, site: Path = SITE) -> int:
    """Make the site; the exit code of Zensical, which is not 0 for a broken link or a missing page."""
    configuration = put_together(staged)
    done = subprocess.run([sys.executable, "-m", "zensical", "build", "--strict", "--config-file", configuration])
    if done.returncode == 0:
        shutil.rmtree(site, ignore_errors=True)
        shutil.copytree(staged / "site", site)
    return done.returncode


if __name__ == "__main__":
    sys.exit(build(*map(Path, sys.argv[1:])))
