"""report.html in a real Chromium: no error, no request, no sideways scrolling, and a script that works."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from bottleneck_profiler.exporters import html

from . import browser, samples
from .test_html import EVERY

pytestmark = pytest.mark.skipif(browser.PROGRAM is None, reason="needs a Chromium on the PATH")


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[browser.Chromium]:
    with browser.Chromium(tmp_path_factory.mktemp("chromium")) as running:
        yield running


def page(folder: Path, name: str) -> Path:
    file = folder / f"{name}.html"
    file.write_text(html.render(EVERY[name]()), encoding="utf-8")
    return file


def view(chromium: browser.Chromium) -> list[float]:
    """x, y, width and height of what the first track shows."""
    return [float(n) for n in chromium.evaluate("document.querySelector('.plot svg').getAttribute('viewBox')").split()]


@pytest.mark.parametrize("name", EVERY)
def test_no_console_error_no_request_and_nothing_beyond_the_edge(
    name: str, chromium: browser.Chromium, tmp_path: Path
) -> None:
    file = page(tmp_path, name)
    for width, dark in ((1100, False), (1100, True), (400, False)):
        seen = chromium.open(file, width=width, dark=dark)
        assert seen.console == []
        assert seen.requests == [file.as_uri()]
        assert chromium.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert chromium.evaluate("document.title") != "owned"
        assert chromium.evaluate("document.querySelectorAll('img').length") == 0


def test_the_harness_sees_errors_and_requests(chromium: browser.Chromium, tmp_path: Path) -> None:
    file = tmp_path / "bad.html"
    file.write_text("<img src='nowhere.png'><script>console.error('planted'); undefined.thing</script>")
    seen = chromium.open(file)
    assert any("planted" in line for line in seen.console)
    assert any("TypeError" in line for line in seen.console)
    assert [address for address in seen.requests if address.endswith("nowhere.png")]


def test_the_policy_stops_a_script_that_is_not_ours(chromium: browser.Chromium, tmp_path: Path) -> None:
    file = page(tmp_path, "slow_training")
    text = file.read_text("utf-8").replace("</header>", "</header><script>document.title = 'owned'</script>")
    file.write_text(text, encoding="utf-8")
    seen = chromium.open(file)
    assert any("Content Security Policy" in line for line in seen.console)
    assert chromium.evaluate("document.title") != "owned"


def test_light_and_dark_differ(chromium: browser.Chromium, tmp_path: Path) -> None:
    file = page(tmp_path, "slow_training")
    colours = []
    for dark in (False, True):
        chromium.open(file, dark=dark)
        colours.append(chromium.evaluate("getComputedStyle(document.body).backgroundColor"))
    assert colours[0] != colours[1]


def test_the_bar_under_the_pointer_is_named_and_zoom_changes_the_view(
    chromium: browser.Chromium, tmp_path: Path
) -> None:
    chromium.open(page(tmp_path, "etl"), height=3000)
    box = chromium.evaluate(
        "(() => { const b = document.querySelector('.plot svg').getBoundingClientRect();"
        "return [b.left, b.top, b.width, b.height] })()"
    )
    left, top, width, height = box
    chromium.mouse("mouseMoved", left + width * 0.5, top + 5)
    tip = "document.querySelector('.tip').textContent"
    assert chromium.evaluate(tip) == "transforming data: 5 min 0 s, from 2.50 s"
    chromium.mouse("mouseMoved", left + width * 0.5, top + height - 5)
    assert chromium.evaluate(tip).startswith("reading data: 1 min 41 s")
    assert view(chromium)[::2] == [0, 1000]
    for kind, share in (("mousePressed", 0.2), ("mouseMoved", 0.4), ("mouseReleased", 0.4)):
        chromium.mouse(kind, left + width * share, top + 5)
    assert view(chromium)[::2] == pytest.approx([200, 200], abs=3)
    chromium.evaluate("document.querySelector('[data-zoom=all]').click()")
    assert view(chromium)[::2] == [0, 1000]


SHOWN = "[...document.querySelector('.flame').querySelectorAll('b')].filter(b => b.offsetParent && b.offsetWidth)"


def names(chromium: browser.Chromium) -> list[str]:
    """The calls that the first flame graph shows."""
    return list(chromium.evaluate(f"{SHOWN}.map(b => b.textContent)"))


def test_a_call_of_the_flame_graph_fills_it_when_it_is_clicked_and_is_told(
    chromium: browser.Chromium, tmp_path: Path
) -> None:
    chromium.open(page(tmp_path, "slow_training"))
    everything = names(chromium)
    assert everything[:2] == ["<module>", "main"] and "save" in everything
    click = f"{SHOWN}.find(b => b.textContent.startsWith('Flowers')).click()"
    chromium.evaluate(click)
    inner = ["_MapDatasetFetcher.fetch", "Flowers.__getitem__", "ImageFile.load", "Image.resize"]
    assert names(chromium) == ["<module>", "main", "_SingleProcessDataLoaderIter.__next__", *inner]
    widths = chromium.evaluate(f"{SHOWN}.slice(0, 5).map(b => b.offsetWidth)")
    assert len(set(widths)) == 1
    chromium.evaluate(click)
    assert names(chromium) == everything


def test_the_flame_graph_works_from_the_keyboard(chromium: browser.Chromium, tmp_path: Path) -> None:
    chromium.open(page(tmp_path, "slow_training"))
    everything = names(chromium)
    assert chromium.evaluate("document.querySelector('.flame').querySelectorAll('b[tabindex=\"0\"]').length") == 1
    chromium.evaluate("document.querySelector('.flame b').focus()")

    def press(*keys: str) -> str:
        for key in keys:
            chromium.evaluate(
                f"document.activeElement.dispatchEvent(new KeyboardEvent('keydown', {{key: '{key}', bubbles: true}}))"
            )
        return str(chromium.evaluate("document.activeElement.textContent"))

    assert press("ArrowDown", "ArrowDown", "ArrowRight") == "Net.forward"
    assert chromium.evaluate("document.querySelector('.told').textContent").startswith("Net.forward, ")
    press("Enter")
    assert names(chromium) == ["<module>", "main", "Net.forward"]
    assert press("ArrowRight", "ArrowUp") == "main"
    press("Escape")
    assert names(chromium) == everything


@pytest.mark.parametrize("width", [400, 1280])
def test_the_copy_button_covers_no_code(width: int, chromium: browser.Chromium, tmp_path: Path) -> None:
    for name in ("slow_training", "recorded serving"):
        chromium.open(page(tmp_path, name), width=width)
        assert chromium.evaluate(
            "[...document.querySelectorAll('button.copy')].every(b => { const r = b.getBoundingClientRect(),"
            "c = b.parentElement.querySelector('pre').getBoundingClientRect();"
            "return r.width > 0 && (r.left >= c.right || r.bottom <= c.top) })"
        )


def test_the_call_tree_opens_and_the_snippet_can_be_copied(chromium: browser.Chromium, tmp_path: Path) -> None:
    chromium.open(page(tmp_path, "slow_training"))
    assert chromium.evaluate("document.querySelectorAll('.calls details').length") > 3
    assert not chromium.evaluate("document.querySelector('button.copy').hidden")
    chromium.evaluate("document.querySelector('button.copy').click()")
    text = chromium.evaluate("document.querySelector('.code pre').textContent")
    assert text == samples.workers_zero().fix.snippet


def test_it_can_be_read_without_script(chromium: browser.Chromium, tmp_path: Path) -> None:
    file = page(tmp_path, "slow_training")
    text = file.read_text("utf-8")
    file.write_text(text[: text.rindex("<script>")] + "</body></html>", encoding="utf-8")
    seen = chromium.open(file)
    assert seen.console == []
    assert chromium.evaluate("document.querySelectorAll('.plot path').length") > 3
    assert len(names(chromium)) > 8
    assert chromium.evaluate("document.querySelector('.told').hidden")
    assert chromium.evaluate("document.querySelector('button.copy').hidden")
