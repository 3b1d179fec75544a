"""``read``: a run, or traces that other tools recorded, with its diagnosis and tables."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from os import PathLike

    from ..diagnosis.model import Diagnosis, Ranked
    from ..recording.model import Recording


class Result:
    """A diagnosis and what it was made from."""

    def __init__(self, recording: Recording, diagnosis: Diagnosis) -> None:
        self._recording = recording
        self.diagnosis = diagnosis

    @property
    def findings(self) -> tuple[Ranked, ...]:
        """The findings, best first."""
        return self.diagnosis.findings

    @property
    def tables(self) -> dict[str, Any]:
        """What each traced device did, as pyarrow tables (``table.to_pandas()`` gives a DataFrame).

        ``kernels``: each kernel, copy and collective, those with the most time first; ``idle``: busy and idle time, the
        latter by cause; ``communication``: how much of it computing hides; without rows where no device was traced. Of
        a Spark application, also ``stages``. Seconds, and shares from 0 to 1.
        """
        from ..session import tables

        return tables(self._recording)

    def report(self, verbose: bool = False) -> str:
        """The report as the terminal shows it, as plain text."""
        from .profiles import as_text

        return as_text(self.diagnosis, verbose)


def read(path: str | PathLike[str], price_per_hour: float | str | None = None) -> Result:
    """Read a run folder, or a trace of torch.profiler, Nsight Systems or XPlane, or a folder of the traces of one job.

    ``price_per_hour``: of the machine, as for ``bottleneck report``: 2.5, "2.50 EUR" or "auto"; then
    ``result.diagnosis.cost`` says what the run costs. Nothing is written. Raises RunError, one line that names the
    file, for what cannot be read, and PriceError, a ValueError, for what is no price.
    """
    from ..configuration import prices
    from ..session import Asked, analyse

    asked = Asked(prices(None if price_per_hour is None else str(price_per_hour)))
    return Result(*analyse(Path(path), asked))
