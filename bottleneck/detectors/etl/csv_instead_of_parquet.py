"""A large share of the data preparation is parsing text."""

from __future__ import annotations

from ...findings import Evidence, Finding, Fine, Fix, Gain
from ...prediction import gain
from ...timeline.etl import Etl
from ...timeline.reads import Read, Reads
from ...timeline.tables import Recording
from .. import Detector
from . import _shared


class CsvInsteadOfParquet(Detector):
    """Time goes into parsing text that a columnar file would hold ready to use.

    Why it matters
        Text is parsed again at every read, one character after the other; Parquet is decoded column by column, and
        is several times smaller.
    How it is measured
        Wall and CPU time inside the reader (pandas, pyarrow, csv, numpy), of the ETL time of the run. The gain is
        the measured time minus the time of the same file as Parquet, which is tried after the run on the file's
        first part; without the file a published factor of 3.2 stands in, with a wide range.
    How to fix it
        Convert the file once, then read the Parquet file.
    When to ignore it
        When the text file is new every time and read only once, or others must be able to read it. A read that waits
        for a network or a slow disk (little CPU time) is not reported.
    """

    id = "csv-instead-of-parquet"
    title = "Text is parsed where a columnar file would do"
    stage = "etl"
    explains = ("residual-python",)
    stage_share_threshold = 0.10  # signatures.md 15: below it the stage is about something else
    min_gain_share = _shared.MIN_GAIN_SHARE
    min_cpu_share = 0.3  # of the read: with less CPU it waits for the disk or network, not for the parser
    published_factor = 3.2  # CSV 0.31 s, Parquet 0.10 s for 81 MB (signatures.md 15)
    published_range = (1.8, 6.0)
    formats = ("csv", "fwf", "text")

    def detect(self, recording: Recording, reads: Reads, etl: Etl) -> Finding | Fine:
        text = [read for read in reads.reads if read.format in self.formats]
        share = reads.seconds(text) / max(etl.seconds, 1e-9) if text else 0.0
        if share < self.stage_share_threshold:
            return Fine(share, self.stage_share_threshold, "share", "of the ETL time is parsing text")
        cpu = sum(read.cpu_seconds for read in text) / max(reads.seconds(text), 1e-9)
        if cpu < self.min_cpu_share:
            return Fine(cpu, self.min_cpu_share, "share", "CPU in the reads: they wait for the file, not the parser")
        worst = next(iter(reads.by_line(text).values()))
        new = sum(self._parquet_seconds(read) for read in text)
        price = self._price(text, new, recording.wall_seconds)
        if price.share < self.min_gain_share:
            return Fine(price.share, self.min_gain_share, "share", "of the run would be saved by Parquet")
        seconds = reads.seconds(worst)
        facts = _shared.evidence(worst, seconds, etl, recording.wall_seconds)
        probed = worst[0].probe
        if probed is not None:
            facts += (Evidence("the first file as Parquet (tried)", probed.parquet_seconds, "s"),)
        return Finding(
            detector=self.id,
            title=self.title,
            stage=self.stage,
            location=_shared.location(max(worst, key=lambda read: read.wall_seconds).site),
            evidence=facts,
            gain=price,
            fix=Fix("Convert the file to Parquet once and read that", self._snippet(worst[0]), effort=4),
            after="decoding Parquet and the work on the data itself",
            removes={"etl.read": price.seconds},
        )

    def _parquet_seconds(self, read: Read, factor: float | None = None) -> float:
        if factor is None and read.probe is not None:
            return min(read.wall_seconds, read.probe.parquet_seconds)
        return read.wall_seconds / (factor or self.published_factor)

    def _price(self, text: list[Read], new: float, run_seconds: float) -> Gain:
        wall = sum(read.wall_seconds for read in text)
        probed = [read.probe for read in text if read.probe is not None]
        if probed:
            # Reads without a probe of their own keep the published factor, a small part here.
            low = wall - sum(min(r.wall_seconds, r.probe.parquet_high_seconds) if r.probe else r.wall_seconds / 1.8
                             for r in text)  # fmt: skip
            high = wall - sum(r.probe.parquet_low_seconds if r.probe else r.wall_seconds / 6 for r in text)
            method = f"measured parsing of {wall:.2f} s against {new:.2f} s for the same data as Parquet, tried here"
            return gain(wall - new, run_seconds, method, low_seconds=low, high_seconds=high, confidence=0.6)
        slow, fast = self.published_range
        method = f"published factor {self.published_factor} on {wall:.2f} s of parsing; the file could not be tried"
        return gain(
            wall - new,
            run_seconds,
            method,
            low_seconds=wall * (1 - 1 / slow),
            high_seconds=wall * (1 - 1 / fast),
            confidence=0.4,
        )

    @staticmethod
    def _snippet(read: Read) -> str:
        source = _shared.first_argument(read)
        new = _shared.parquet_name(source)
        name = _shared.target(read)
        path = "from pathlib import Path\n" if "Path(" in new else ""
        if read.call.startswith("pandas."):
            wanted = f", columns={_shared.column_list(list(read.asked))}" if read.asked else ""
            return (
                f"{path}import pandas as pd\n\n"
                f"pd.read_csv({source}).to_parquet({new})  # once, not in every run\n"
                f"{name} = pd.read_parquet({new}{wanted})"
            )
        head = f"{path}import pyarrow.csv, pyarrow.parquet\n\n"
        convert = f"pyarrow.parquet.write_table(pyarrow.csv.read_csv({source}), {new})  # once, not in every run\n"
        if read.call == "csv.DictReader":
            return head + convert + f"for row in pyarrow.parquet.read_table({new}).to_pylist():\n    ..."
        return head + convert + f"{name} = pyarrow.parquet.read_table({new})"
