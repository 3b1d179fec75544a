"""Makes the logs in ``logs/`` anew, with the pyspark of this Python: ``python tests/spark/generate.py [CAUSE ...]``.

Each pair of ``programs.py`` leaves ``logs/CAUSE/slow.zst`` and ``fixed.zst``; ``count`` its log in every codec, as
Spark wrote it. Of the others, what nobody reads is dropped, so that they stay small: the environment, and the plans as
text.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
LOGS, PROGRAMS = HERE / "logs", HERE / "programs.py"
CODECS = ("zstd", "lz4", "snappy")
#: Properties are redacted by Spark in the logs of the codecs, which stay as it wrote them.
REDACTED = ".*"


def run(cause: str, kind: str, folder: Path, *properties: str) -> Path:
    """Run one program; the log that it left, a file or a folder."""
    script = folder / "job.py"
    shutil.copy(PROGRAMS, script)
    logs = folder / f"{cause}-{kind}"
    shutil.rmtree(logs, ignore_errors=True)
    environment = {
        "SPARK_LOCAL_IP": "127.0.0.1", "SPARK_LOCAL_HOSTNAME": "localhost", "PYSPARK_PYTHON": sys.executable,
    }  # fmt: skip
    words = [sys.executable, str(script), cause, kind, str(folder), *properties]
    surroundings = {**os.environ, **environment}
    subprocess.run(words, env=surroundings, cwd=folder, check=True, timeout=600, stderr=subprocess.DEVNULL)
    (found,) = (each for each in logs.iterdir() if not each.name.startswith("."))
    return found


def small(log: Path, folder: Path) -> bytes:
    """The lines of a log without what is not read and without this machine's paths."""
    from bottleneck_profiler.recording.trace_files import pieces

    kept = []
    for line in b"".join(pieces(log)).splitlines():
        event = json.loads(line.replace(str(folder).encode(), b"/project"))
        event.pop("physicalPlanDescription", None)
        if event["Event"] == "SparkListenerEnvironmentUpdate":
            properties = event["Spark Properties"]
            names = ("spark.master", "spark.sql.adaptive.enabled", "spark.sql.autoBroadcastJoinThreshold")
            event = {"Event": event["Event"], "Spark Properties": {n: properties[n] for n in names if n in properties}}
        kept.append(json.dumps(event, separators=(",", ":")).encode())
    return b"\n".join(kept) + b"\n"


def pair(cause: str, folder: Path) -> None:
    import pyarrow as pa

    target = LOGS / cause
    target.mkdir(parents=True, exist_ok=True)
    for kind in ("slow", "fixed"):
        content = small(run(cause, kind, folder), folder)
        (target / f"{kind}.zst").write_bytes(pa.Codec("zstd", 19).compress(content, asbytes=True))


def codecs(folder: Path) -> None:
    """The same small application in every codec, plain and gzipped, rolled over, and killed."""
    target = LOGS / "codecs"
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    redacted = f"spark.redaction.regex={REDACTED}"
    for codec in CODECS:
        made = run("count", "fixed", folder, f"spark.eventLog.compression.codec={codec}", redacted)
        shutil.copy(made, target / f"log.{codec}")
    rolled = run("count", "fixed", folder, "spark.eventLog.rolling.enabled=true", redacted)
    shutil.copytree(rolled, target / "eventlog_v2_local", ignore=shutil.ignore_patterns(".*"))
    shutil.copy(run("count", "slow", folder, redacted), target / "log.inprogress")


def main(causes: list[str]) -> None:
    import programs

    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        programs.data(folder)
        for cause in causes or [*programs.PROGRAMS, "codecs"]:
            if cause == "codecs":
                codecs(folder)
            elif cause != "count":
                pair(cause, folder)


if __name__ == "__main__":
    main(sys.argv[1:])
