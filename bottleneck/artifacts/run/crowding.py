"""Whether other programs took cores that this one waited for. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from .. import Missing
from .host import Host
from .machine import Machine

_OTHERS_SHARE = 0.25  # of the cores that the program may use (own)
_WAITING_THREADS = 0.25  # on average, over the run (own)
_MIN_SECONDS = 2.0  # run queues are read once a second


@dataclass(frozen=True)
class Crowding:
    """Over the whole run. ``others_cores``: cores used by other programs; ``waiting_threads``: mean number of the
    program's threads that waited for a core; ``cores``: those that it may use.
    """

    others_cores: float
    waiting_threads: float
    cores: float

    @classmethod
    def compute(cls, host: Host, machine: Machine) -> Crowding:
        start, end = int(host.time_ns[0]), int(host.time_ns[-1])
        others, waited = host.mean("other_cores", start, end), host.rise("run_delay_ns_total", start, end)
        if others is None or waited is None or end - start < _MIN_SECONDS * 1e9:
            raise Missing("Other programs and run queues were not measured, or the run was too short.")
        return cls(others, waited / (end - start), machine.cores)

    @property
    def crowded(self) -> bool:
        """Whether both are large enough to distort the run."""
        return self.others_cores >= _OTHERS_SHARE * self.cores and self.waiting_threads >= _WAITING_THREADS

    def __str__(self) -> str:
        return (
            f"other programs used {self.others_cores:.1f} of {self.cores:g} cores, for which "
            f"{self.waiting_threads:.1f} of this program's threads waited on average"
        )
