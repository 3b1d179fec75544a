"""Chooses the sampling intervals so that sampling stays within its share of a core."""

TICK_NS = 10_000_000  # of CPU time between two samples of running code
LONGEST_TICK_NS = 70_000_000  # where a tick costs 0.1 ms (deep stacks, cold caches): 0.14 % of the thread
LOOK_NS = 25_000_000  # between two samples ("looks") of a blocked main thread
LONGEST_LOOK_NS = 100_000_000  # while it stays blocked in one place
SIGNAL_NS = 3_000  # time of kernel and interpreter per signal, which the handler cannot measure itself
COST_SHARE = 0.0012  # of a core, for ticks and for looks; intervals grow to stay below it
EARLY_NS = 8_000_000_000  # A short run must have enough samples too: a process may spend more
EARLY_FACTOR = 2  # while it is young, in all at most 20 ms more


class Pace:
    """The intervals of ticks and looks, and their total cost so far. All times are in nanoseconds.

    ``factor``: the user allows so many times the usual share.
    """

    def __init__(self, factor=1):
        self._factor = factor
        self.tick_ns = TICK_NS
        self.look_ns = LOOK_NS
        self.ticks = self.looks = self.tick_cost_ns = self.look_cost_ns = 0
        self._paced_at = 0
        self._look_cost = 0.0  # of one look, recently
        self._tick_share = 0.0  # of a core, recently
        self._ticks_seen = 0  # tick_cost_ns at the last look
        self._age_ns = 0  # at the last look

    @property
    def share(self):
        """The share of a core that ticks, and as much again that looks, may cost now."""
        return COST_SHARE * max(self._factor, EARLY_FACTOR if self._age_ns < EARLY_NS else 1)

    def so_far(self):
        """The number of samples so far and their cost."""
        names = "ticks", "tick_cost_ns", "looks", "look_cost_ns"
        return {name: getattr(self, name) for name in names}

    def ticked(self, cost):
        """Count a tick; returns whether ``tick_ns`` has changed."""
        self.ticks += 1
        self.tick_cost_ns += cost
        if self.ticks & 7:
            return False
        recent = (self.tick_cost_ns - self._paced_at) / 8
        self._paced_at = self.tick_cost_ns
        wanted = min(max(TICK_NS, int(recent / self.share)), LONGEST_TICK_NS)
        if 0.8 < wanted / self.tick_ns < 1.25:
            return False
        self.tick_ns = wanted
        return True

    def looked(self, cost):
        """Count a look."""
        self.looks += 1
        self.look_cost_ns += cost
        self._look_cost += (cost - self._look_cost) / 4

    def look_again(self, wall, unchanged):
        """Set ``look_ns`` after a look, ``wall`` ns after the previous one; ``unchanged``: all stacks are the same."""
        # Looks may use the budget that ticks leave unused: a thread that mostly waits has few ticks.
        ticks, self._ticks_seen = self.tick_cost_ns - self._ticks_seen, self.tick_cost_ns
        self._tick_share += (ticks / max(wall, 1) - self._tick_share) / 8
        share = self.share
        self._age_ns += wall
        least = max(LOOK_NS, int(self._look_cost / max(share, 2 * share - self._tick_share)))
        if unchanged and self._age_ns >= EARLY_NS:
            self.look_ns = min(2 * self.look_ns, max(LONGEST_LOOK_NS, least))
        else:
            self.look_ns = least
