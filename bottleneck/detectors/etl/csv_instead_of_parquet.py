"""A large share of the data preparation is parsing text."""

from __future__ import annotations

from collections import Counter

from ...artifacts.etl.reads import Probe, Read, Reads
from ...artifacts.etl.stages import Etl
from ...artifacts.run.host import Host
from ...diagnosis.findings import Evidence, Fine, Fix, Gain, Outcome
from ...diagnosis.laws import gain
from ...recording.model import Recording
from .. import Detector
from .._common import location
from . import _conversion, _shared


class CsvInsteadOfParquet(Detector):
    """Time goes into parsing text that a columnar file would hold ready to use.

    Why it matters
        Text is parsed again at every read, one character at a time; Parquet is decoded column by column and is several
        times smaller.
    How it is measured
        Wall and CPU time inside the reader (pandas and polars, including JSON; pyarrow, csv, numpy), against the ETL
        time of the run. The gain is the measured time of the line minus the time of the same file as Parquet, which is
        tried after the run on the first part of the file. If that does not give the same columns, or the file is gone,
        a published factor of 3.2 is used instead, with a wide range. For a file that the run reads once, the cost of
        writing it as Parquet is subtracted.
    How to fix it
        Convert the file once, then read the Parquet file.
    When to ignore it
        When the text file is new every time and read only once, or others must be able to read it. A read that waits
        for a network or a slow disk (little CPU time) is not reported.
    """

    id = "csv-instead-of-parquet"
    title = "Text is parsed where a columnar file format would do"
    stage = "etl"
    explains = ("residual-python", "input-wait")
    stage_share_threshold = 0.10  # of the ETL time (own): below it the stage is about something else
    min_gain_share = _shared.MIN_GAIN_SHARE
    min_untried_share = 0.10  # of the run, where no conversion could be tried (own)
    min_cpu_share = 0.3  # of the read: with less CPU it waits for the disk or network, not for the parser
    published_factor = 3.2  # CSV 0.31 s, Parquet 0.10 s for 81 MB (own measurement)
    published_range = (1.8, 6.0)
    write_share = 0.5  # writing Parquet to parsing the text, where it was not tried [own: 0.4 to 1.3]
    formats = ("csv", "fwf", "text")
    tables = (
        "pandas.read_json",
        "polars.read_json",
        "polars.read_ndjson",
        "pyarrow.json.read_json",
    )  # of JSON: other readers return objects, which need not be a table

    def detect(self, recording: Recording, reads: Reads, etl: Etl, host: Host | None) -> Outcome:
        text = [read for read in reads.reads if read.format in self.formats or self._is_table(read)]
        share = reads.seconds(text) / max(etl.seconds, 1e-9) if text else 0.0
        if share < self.stage_share_threshold:
            return Fine(share, self.stage_share_threshold, "share", "ETL time spent parsing text")
        queued = sum(min(_shared.queued_seconds(host, read.t0, read.t1), read.wall_seconds) for read in text)
        cpu = (sum(read.cpu_seconds for read in text) + queued) / max(reads.seconds(text), 1e-9)
        if cpu < self.min_cpu_share:
            return Fine(cpu, self.min_cpu_share, "share", "CPU share of the reads: they wait for the file")
        groups = reads.by_line(text)
        site, worst = next(iter(groups.items()))
        price = self._price(worst, recording.wall_seconds)
        tried = any(read.probe is not None for read in worst)
        least = self.min_gain_share if tried else self.min_untried_share
        if price.share < least:
            return Fine(price.share, least, "share", "run time that Parquet would save, conversion included")
        facts = _shared.evidence(worst, reads.seconds(worst), etl, recording.wall_seconds)
        probed = worst[0].probe
        facts += () if probed is None else _tried(probed)
        others = _shared.other_lines(site, {place: reads.seconds(group) for place, group in groups.items()})
        return self.finding(
            location=location(site),
            evidence=facts + others,
            gain=price,
            fix=_fix(worst, _shared.also(others)),
            after="decoding Parquet and processing the data become the bottleneck",
            removes={"etl.read": price.seconds},
        )

    def _is_table(self, read: Read) -> bool:
        return read.format == "json" and read.call in self.tables

    def _price(self, text: list[Read], run_seconds: float) -> Gain:
        """The reads of one line; reads whose file was not tried keep the published factor and its wide range."""
        wall = sum(read.wall_seconds for read in text)
        new = [self._parquet_seconds(read) for read in text]
        once = self._once(text)
        # A file that is read again pays for its conversion in this run; one that is not, in the runs after it.
        conversion = sum(self._write_seconds(read) for read in once)
        middle, slow, fast = (sum(column) for column in zip(*new, strict=True))
        tried = any(read.probe is not None for read in text)
        method = (
            f"measured parsing of {wall:.2f} s against {middle:.2f} s for the same data as Parquet here"
            if tried
            else f"published factor {self.published_factor} on {wall:.2f} s of parsing; the file was not converted here"
        )
        if once:
            method += f"; minus writing the files read once, {conversion:.2f} s: it pays from the second run on"
        saved = wall - middle - conversion
        return gain(
            max(0.0, saved),
            run_seconds,
            method,
            low_seconds=wall - slow - conversion,
            high_seconds=wall - fast - conversion,
            confidence=0.6 if tried else 0.4,
        )

    def _parquet_seconds(self, read: Read) -> tuple[float, float, float]:
        """(middle, slowest, fastest) seconds of the read as Parquet."""
        probe = read.probe
        if probe is None:
            slow, fast = self.published_range
            return read.wall_seconds / self.published_factor, read.wall_seconds / slow, read.wall_seconds / fast
        return (
            min(read.wall_seconds, probe.parquet_seconds),
            min(read.wall_seconds, probe.parquet_high_seconds),
            probe.parquet_low_seconds,
        )

    def _write_seconds(self, read: Read) -> float:
        if read.probe is not None and read.probe.write_seconds is not None:
            return read.probe.write_seconds
        return self.write_share * read.wall_seconds

    @staticmethod
    def _once(text: list[Read]) -> list[Read]:
        """Reads of a file that the run reads a single time."""
        times = Counter(read.path for read in text)
        return [read for read in text if read.count == 1 and times[read.path] == 1]


def _tried(probe: Probe) -> tuple[Evidence, ...]:
    """Other ways of storing the first file, as they were measured here."""
    found = [("time to read the first file as Parquet (measured)", probe.parquet_seconds)]
    if probe.feather_seconds is not None:
        found.append(("time to read the first file as Feather (measured)", probe.feather_seconds))
    if probe.unpack_seconds is not None and probe.zstd_seconds is not None:
        found.append(("CPU time to unpack the first file", probe.unpack_seconds))
        found.append(("CPU time to unpack the first file, if packed with zstd", probe.zstd_seconds))
    return tuple(Evidence(label, seconds, "s") for label, seconds in found)


def _fix(text: list[Read], also: str) -> Fix:
    if text[0].configured:
        what = "Convert the file to Parquet once, and name that file and its format in this entry"
        return Fix(what + also, _conversion.conversion(text), effort=4)
    known = _shared.own_call(text[0]) is not None
    return Fix(
        "Convert the file to Parquet once"
        + ("" if known else ", with the arguments of your own call,")
        + " and read that"
        + also,
        _conversion.snippet(text),
        effort=4,
    )
