"""Names of routes, and how many requests are asked how long they waited."""

import pytest
from bottleneck_profiler.collectors.support.served import MAX_KNOWN, MAX_ROUTES, OFTEN, QUICK_NS, RARELY, Names
from bottleneck_profiler.collectors.support.serving import Serving


class Texts(dict):
    """The strings of a recorder."""

    def string(self, text):
        return self.setdefault(text, len(self) + 1)


def test_ids_in_paths_make_no_new_routes_however_many_there_are():
    texts = Texts()
    names = Names(texts)
    found = {names.of(("GET", f"/items/{number}", None, 200)) for number in range(MAX_KNOWN + 9)}
    assert list(texts) == ["GET /items/{} 200"] and found == {1}
    assert len(names.known) == MAX_KNOWN


def test_routes_beyond_the_most_share_a_name():
    texts = Texts()
    names = Names(texts)
    for number in range(MAX_ROUTES + 9):
        names.of(("GET", None, f"/{number}", 200))
    assert len(texts) == MAX_ROUTES + 1 and "GET (other) 200" in texts
    assert names.of(("GET", "/other", "/0", 200)) == 1


@pytest.mark.parametrize("took, wanted", [(0.5, RARELY), (2, OFTEN)])
def test_quick_requests_are_rarely_asked_how_long_they_waited(took, wanted):
    state = Serving.__new__(Serving)
    state.arrivals, state.spared, state._asked, state.on = 1000, OFTEN, 0, True
    for turn in range(1, 4):
        now = state._asked + int(took * QUICK_NS * (state.spared + 1))
        assert state.ask(None, now) == 0 and state.spared == wanted, turn
