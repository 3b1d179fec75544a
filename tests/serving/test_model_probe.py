"""``--probe-model`` under a real server: the same program, a table of measured variants, and nothing left behind."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from bottleneck_profiler import signals
from bottleneck_profiler.enrich import model_probe
from bottleneck_profiler.recording.facts import ModelCopy, ModelProbe, ModelVariant
from bottleneck_profiler.recording.read import load
from helpers import Ran, bottleneck

pytest.importorskip("torch")
pytest.importorskip("uvicorn")
#: No compiler is found here, whose work would take longer than all the rest.
NO_COMPILER = {"PATH": "/nowhere", "CXX": ""}
SERVER = """
import hashlib, random, sys, threading, time, urllib.request
import torch, uvicorn

class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = torch.nn.Sequential(torch.nn.Linear(64, 512), torch.nn.ReLU(), torch.nn.Linear(512, 10))
        EXTRA
    def forward(self, rows, scale=1.0):
        return self.layers(rows) * scale

if __name__ != "__main__":
    open("imported", "w")
torch.manual_seed(3)
model = Net().eval()

async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    rows = torch.full((2, 64), float(len(scope["path"])))
    with torch.inference_mode():
        answer = model(rows, scale=2.0)  # the line
    body = str(answer.sum(1).tolist()).encode() + torch.rand(1).numpy().tobytes() + b"%r" % random.random()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body})

def ask():
    while not server.started:
        time.sleep(0.02)
    port = server.servers[0].sockets[0].getsockname()[1]
    got = hashlib.sha256()
    for i in range(60):
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/{'x' * i}", timeout=60) as answer:
            got.update(answer.read())
    print(got.hexdigest(), threading.active_count(), flush=True)
    server.should_exit = True

if __name__ == "__main__":
    random.seed(5)
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="warning", lifespan="off"))
    thread = threading.Thread(target=ask)
    thread.start()
    server.run()
    thread.join()
    sys.exit(7)
"""


def served(folder: Path, extra: str = "", *options: str) -> Ran:
    script = folder / "serve.py"
    script.write_text(SERVER.replace("EXTRA", extra))
    return bottleneck(folder, script, options=options, env=NO_COMPILER)


def test_variants_of_a_served_model_are_measured_on_a_copy(tmp_path: Path):
    ran = served(tmp_path, "", "--probe-model")
    plain = subprocess.run([sys.executable, "serve.py"], capture_output=True, text=True, cwd=tmp_path, timeout=240)
    # The bytes of all answers, random numbers among them, and the number of threads.
    assert (ran.code, ran.out) == (plain.returncode, plain.stdout) and ran.code == 7
    found = ran.diagnosis["what_ifs"]
    line = next(n for n, text in enumerate(SERVER.splitlines(), 1) if "# the line" in text)
    assert (found["model"], found["file"], found["line"]) == ("Net", str(tmp_path / "serve.py"), line)
    assert found["inputs"] >= 4 and found["rows"] == 2 and found["repeatable"] and found["dtype"] == "float32"
    assert 64 * 512 * 4 < found["size_bytes"] < 2 * 64 * 512 * 4
    rows = {row["name"]: row for row in found["variants"]}
    late = {name for name, why in found["left_out"].items() if why == "no time was left"}  # on a busy machine
    assert {"batch of 1", "batch of 4", "batch of 64"} <= {*rows, *late} and "batch of 2" not in rows
    assert "batch of 1" in rows
    for row in rows.values():
        assert 0 < row["ratio_low"] <= row["ratio"] <= row["ratio_high"] and row["seconds"] > 0
        assert row["relative_drift"] is None or row["relative_drift"] < 1e-5 or row["name"] in ("bf16", "int8")
    assert found["left_out"]["compiled"] in ("there is no C++ compiler", "no time was left")
    for name in ("bf16", "int8"):
        assert name in found["left_out"] or rows[name]["relative_drift"] > 0
    assert "Net in other ways" in ran.err and "batch of 1" in (ran.folder / "report.html").read_text()
    assert not (ran.folder / signals.LIVE / signals.MODEL).exists() and not (tmp_path / "imported").exists()


@pytest.mark.parametrize(
    ("extra", "reason"),
    [
        ("self.act = lambda x: x", "was not copied: it cannot be pickled"),
        ("self.kept = Kept()", "could not be measured: AttributeError"),
    ],
)
def test_a_model_that_cannot_be_copied_costs_one_line(tmp_path: Path, extra: str, reason: str):
    if "Kept" in extra:  # a class that only running the program defines
        extra = "Kept = type('Kept', (), {}); globals()['Kept'] = Kept; " + extra
    ran = served(tmp_path, extra, "--probe-model")
    assert ran.code == 7 and ran.out
    assert ran.diagnosis["what_ifs"] is None and ran.diagnosis["run"]["requests"] == 60
    assert [reason in note for note in ran.diagnosis["run"]["notes"]].count(True) == 1, ran.diagnosis["run"]["notes"]
    assert not (ran.folder / signals.LIVE / signals.MODEL).exists()


def test_nothing_is_copied_without_the_flag(tmp_path: Path):
    ran = served(tmp_path)
    assert ran.code == 7 and load(ran.folder).facts.of(ModelCopy) == []
    outcome = next(row for row in ran.diagnosis["checked"] if row["detector"] == "quantisable-model")
    assert outcome["outcome"] == "not-measured" and "--probe-model" in outcome["reason"]


def waiting(folder: Path, worker: str, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, list[str]]:
    """A run folder with a copy, whose worker is ``worker``."""
    copy = folder / signals.LIVE / signals.MODEL
    copy.mkdir(parents=True)
    (copy / signals.MODEL_ABOUT).write_text(repr({"python": sys.executable}))
    (folder / "worker.py").write_text(worker)
    monkeypatch.setattr(model_probe, "_WORKER", folder / "worker.py")
    return copy, []


@pytest.mark.parametrize(
    ("worker", "left_out"),
    [
        ("", None),
        ("say(trying='compiled'); time.sleep(600)", {"compiled": "too long"}),
        ("say(trying='int8'); os._exit(3)", {"int8": "code 3"}),
        ("say(trying='bf16'); say(name='bf16', ratio='x'); print('no JSON')", {"bf16": "Expected"}),
    ],
)
def test_worker_that_hangs_or_dies_costs_its_variant_alone(tmp_path: Path, monkeypatch, worker, left_out):
    head = "import json, os, time\ndef say(**fields): print(json.dumps(fields), flush=True)\n"
    said = "say(model={'seconds': 1.0})\nsay(name='2 threads', ratio=0.5)\n" if worker else ""
    copy, _ = waiting(tmp_path, head + said + worker, monkeypatch)
    monkeypatch.setattr(model_probe, "_GRACE_SECONDS", 0.0)
    recording = made_up(finished=True)
    missed = model_probe.enrich(tmp_path, recording, seconds=5)
    assert not copy.exists()
    variants = recording.facts.of_process(ModelVariant, 0)
    if left_out is None:  # it ended before it said anything
        assert len(missed) == 1 and variants == []
        return
    assert missed == [] and [fact.problem for fact in recording.facts.of_process(ModelProbe, 0)] == [""]
    assert [each.name for each in variants][:1] == ["2 threads"]
    for name, reason in left_out.items():
        assert [reason in each.left_out for each in variants if each.name == name] == [True]


def test_program_that_goes_on_keeps_its_cores(tmp_path: Path, monkeypatch):
    copy, _ = waiting(tmp_path, "open('started', 'w')", monkeypatch)
    missed = model_probe.enrich(tmp_path, made_up(finished=False))
    assert not copy.exists() and len(missed) == 1 and "running" in missed[0]


def made_up(finished: bool):
    import numpy as np
    from bottleneck_profiler.recording.model import RECORD_DTYPE, Facts, Process, Recording

    nothing = np.zeros(0, RECORD_DTYPE)
    facts = Facts(processes=[Process(0, 1)], notes=[(0, ModelCopy(0, "Net", 100))])
    return Recording({"finished": finished}, facts, {}, nothing, nothing, nothing, nothing, {}, {}, 0, 1)


def test_result_is_in_the_schema(tmp_path: Path):
    from bottleneck_profiler.exporters import json as exporter

    schema = json.loads(Path(exporter.__file__).with_name("diagnosis.schema.json").read_text())
    from bottleneck_profiler.diagnosis.model import WhatIf, WhatIfUse

    part = schema["properties"]["what_ifs"]
    assert {*part["properties"]} == {*WhatIfUse.__dataclass_fields__}
    assert {*part["properties"]["variants"]["items"]["properties"]} == {*WhatIf.__dataclass_fields__}
