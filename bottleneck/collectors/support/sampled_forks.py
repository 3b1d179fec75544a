"""Stops the sampling thread before each fork, and starts sampling again in the parent and in the child."""

import os
import sys

WAKE_NS = 1_000_000  # of CPU time until a tick restarts the sampling thread after a fork


def follow_forks(current):
    """For good; ``current`` returns the sampler of the process, or None."""

    def each(act):
        def at_fork():
            collector = current()
            if collector is not None and collector.on:
                act(collector)

        return at_fork

    os.register_at_fork(before=each(_before), after_in_parent=each(_in_parent), after_in_child=each(_in_child))


def _before(collector):
    # Since Python 3.12, a fork in a multi-threaded process warns; our thread must not cause that.
    collector._forking += 1
    collector.stop_thread()


def _in_parent(collector):
    collector._forking = max(0, collector._forking - 1)
    try:
        if sys.version_info < (3, 12) and not collector._forking:
            collector._start_thread()  # the program may only wait from now on and never tick
        elif collector._timer is not None:
            # The threads are counted after this, so restart later: a parent that uses no CPU is not sampled again.
            collector._set_timer(WAKE_NS, start=False)
    except Exception as error:  # cannot start a thread
        collector._give_up("fork", error)


def _in_child(collector):
    # Timers are not inherited. The first tick creates rings and thread, so a child that execs pays nothing.
    wakeup, masked = collector._wakeup, collector._masked
    collector._forget()
    collector._files.close()  # they belong to the parent
    collector._wakeup, collector._masked = wakeup, masked
    collector._timer = None
    try:
        collector._arm()
    except Exception as error:
        collector._give_up("fork", error)
