"""Diagnoses as real runs give them: one for each kind of answer, a hostile one, and the largest one allowed."""

from __future__ import annotations

import math
import random
from dataclasses import replace

from bottleneck_profiler.diagnosis.findings import Evidence, Finding, Fix, Gain, Location
from bottleneck_profiler.diagnosis.model import (
    Bar,
    Checked,
    Diagnosis,
    Overhead,
    PhaseShare,
    PlanStep,
    Ranked,
    RunFacts,
    Series,
    StackNode,
    ThreadCalls,
    View,
)

TRAIN = "/home/ada/flowers/train.py"
DATA = "/home/ada/flowers/data.py"
ATTACK = "</script><script>document.title='owned'</script><img src=x onerror=alert(1)>\"'&"


def run_facts(**changes: object) -> RunFacts:
    facts = RunFacts(
        command="train.py",
        exit_code=0,
        wall_seconds=23.4,
        host="laptop",
        ranks=1,
        steps=480,
        requests=0,
        cores=4.0,
        started="2026-03-14T09:26:53+01:00",
        python="3.12.4",
        versions={"torch": "2.9.1", "numpy": "2.3.4"},
        named_share=0.994,
    )
    return replace(facts, **changes)  # type: ignore[arg-type]


def shares(wall: float, **seconds: float) -> tuple[PhaseShare, ...]:
    named = {name.replace("__", "."): value for name, value in seconds.items()}
    return tuple(PhaseShare(name, value, value / wall) for name, value in sorted(named.items(), key=lambda p: -p[1]))


CHECKED = (
    Checked("cpu-bound-decode", "fine", 0.31, 0.5, "share", "hottest line of the loading"),
    Checked("serial-collate", "fine", 0.04, 0.1, "share", "step time spent in collate"),
    Checked("slow-storage", "fine", 0.02, 0.3, "share", "share of loading blocked in reads"),
    Checked("eval-heavy", "fine", 0.061, 0.2, "share", "run spent evaluating"),
    Checked("memory-creep", "fine", 1_234_567.0, 10_485_760.0, "B/s", "growth of the program's memory"),
    Checked("too-few-workers", "fine", 0, 1, "count", "dataloader workers"),
    Checked("synchronous-serving", "not-applicable", reason="No request was served in this run."),
    Checked("starved-gpu", "not-measured", reason="No accelerator was measured.", needs_accelerator=True),
    Checked("unused-columns", "fine", None, 0.5, "share", "share of read columns in use"),
)


def workers_zero(**changes: object) -> Finding:
    finding = Finding(
        detector="workers-zero",
        title="The training thread loads every batch itself",
        stage="data loading",
        evidence=(
            Evidence("typical step", 0.0486, "s"),
            Evidence("time spent waiting for data", 0.61, "share"),
            Evidence("time to load one batch", 0.0297, "s"),
            Evidence("CPU share of loading", 0.92, "share"),
            Evidence("workers", 0, "count"),
            Evidence("idle cores during the wait", 2.9, "cores"),
        ),
        fix=Fix(
            "Load in 3 worker processes",
            "DataLoader(\n    dataset,\n    num_workers=3,\n    persistent_workers=True,\n)",
            effort=1,
            risk=0.1,
        ),
        location=Location(TRAIN, 41, "main"),
        gain=Gain(
            0.52,
            0.48,
            0.55,
            12.2,
            "Pipeline law: T' = max(C, L/n, (Lcpu + Ccpu)/cores), with L = 29.7 ms, C = 18.9 ms, n = 3.",
            step_share=0.61,
        ),
        after="forward and backward become the bottleneck (18.9 ms of a step of 19.4 ms)",
        removes={"data_wait": 12.2},
    )
    return replace(finding, **changes)  # type: ignore[arg-type]


def checkpoint() -> Finding:
    return Finding(
        detector="sync-checkpoint",
        title="Training stands still while checkpoints are written",
        stage="training",
        evidence=(
            Evidence("checkpoints", 12, "count"),
            Evidence("time per checkpoint", 0.212, "s"),
            Evidence("bytes per checkpoint", 98_566_144, "B"),
        ),
        fix=Fix(
            "Copy the state, write it in a thread",
            "state = {k: v.detach().clone() for k, v in model.state_dict().items()}\n"
            "writer.submit(torch.save, state, path)  # writer = ThreadPoolExecutor(1)",
            effort=2,
        ),
        location=Location(TRAIN, 63, "save"),
        gain=Gain(0.105, 0.09, 0.11, 2.45, "Time in torch.save less the copy of the state.", step_share=0.0),
        after="forward becomes the bottleneck",
        removes={"checkpoint": 2.45},
    )


def _calls() -> tuple[StackNode, ...]:
    decode = StackNode("ImageFile.load", "/usr/lib/python3/dist-packages/PIL/ImageFile.py", 293, 7.9)
    resize = StackNode("Image.resize", "/usr/lib/python3/dist-packages/PIL/Image.py", 2316, 2.1)
    item = StackNode("Flowers.__getitem__", DATA, 27, 11.4, (decode, resize))
    fetch = StackNode(
        "_MapDatasetFetcher.fetch", "/usr/lib/python3/torch/utils/data/_utils/fetch.py", 52, 11.9, (item,)
    )
    loader = "/usr/lib/python3/torch/utils/data/dataloader.py"
    wait = StackNode("_SingleProcessDataLoaderIter.__next__", loader, 757, 12.6, (fetch,), skipped=3)
    forward = StackNode("Net.forward", "/home/ada/flowers/net.py", 18, 3.9)
    backward = StackNode("Tensor.backward", "/usr/lib/python3/torch/_tensor.py", 647, 2.4)
    save = StackNode("save", TRAIN, 63, 2.5)
    main = StackNode("main", TRAIN, 41, 21.6, (wait, forward, save, backward))
    return (StackNode("<module>", TRAIN, 1, 23.0, (main,)),)


def _threads() -> tuple[ThreadCalls, ...]:
    get = StackNode("Queue.get", "/usr/lib/python3.12/queue.py", 171, 20.0, blocked_seconds=20.0)
    write = StackNode("Log.write", "/home/ada/flowers/log.py", 30, 22.0, (get,), blocked_seconds=20.5)
    return (ThreadCalls("train.py (pid 4711)", "writer", (write,)),)


def _training_view(wall: float, wait: float, seed: int = 7) -> View:
    chance = random.Random(seed)
    bars = [Bar("main", "import", 0.05, 1.3), Bar("main", "setup", 1.35, 0.15)]
    at = 1.5
    count = 0
    while at < wall - 0.4 and len(bars) < 1200:
        for phase, seconds in (("data_wait", wait), ("forward", 0.08), ("backward", 0.05), ("optimizer", 0.01)):
            spent = seconds * chance.uniform(0.8, 1.25)
            if spent:
                bars.append(Bar("steps", phase, at, spent))
            at += spent
        count += 1
        if count % 12 == 0:
            bars.append(Bar("steps", "checkpoint", at, 0.2))
            at += 0.2
    times = [i * wall / 120 for i in range(121)]
    rss = [4e8 + 6e8 * (1 - math.exp(-t / 4)) + chance.uniform(-1e7, 1e7) for t in times]
    busy = [1.1 + 0.3 * math.sin(t) + chance.uniform(-0.1, 0.1) for t in times]
    series = (
        Series("memory of the program", "B", tuple(times), tuple(rss)),
        Series("cores used", "cores", tuple(times), tuple(busy)),
        Series("idle cores", "cores", tuple(times), tuple(4 - b for b in busy)),
    )
    return View(tuple(bars), _calls(), series, _threads(), 2)


def slow_training() -> Diagnosis:
    wall = 23.4
    first = Ranked(workers_zero(), "critical", 0.8, 37.4, ("input-wait",))
    second = Ranked(checkpoint(), "warning", 0.8, 4.2)
    return Diagnosis(
        run=run_facts(notes=("The pandas hooks failed and were switched off (planted).",)),
        breakdown=shares(
            wall,
            data_wait=12.9,
            forward=4.1,
            backward=2.55,
            checkpoint=2.25,
            optimizer=0.44,
            **{"import": 0.8, "setup": 0.16, "other": 0.14, "shutdown": 0.06},
        ),
        headline=f"The training thread loads every batch itself ({TRAIN}:41); fixing it saves about 52 % of the run.",
        findings=(first, second),
        also_noticed=(
            Ranked(
                replace(
                    workers_zero(),
                    detector="residual-python",
                    title="Logging every step",
                    gain=Gain(0.011, 0.008, 0.014, 0.26, "Time in the line.", step_share=0.013),
                    fix=Fix("Log every 50 steps", "if step % 50 == 0:\n    log(loss)", effort=2),
                    after="",
                ),
                "info",
                0.8,
                0.4,
            ),
        ),
        checked=CHECKED,
        plan=(PlanStep("workers-zero", 11.2), PlanStep("sync-checkpoint", 8.8)),
        overhead=Overhead(0.051, 0.0022, 14.2, 0.0009, 0),
        view=_training_view(wall, 0.2),
        verdict="findings",
    )


def healthy() -> Diagnosis:
    wall = 14.1
    workers = [Bar(f"worker {i % 12}", "batch", 1.6 + i * 0.08, 0.14) for i in range(150)]
    view = _training_view(wall, 0.004)
    return Diagnosis(
        run=run_facts(wall_seconds=wall),
        breakdown=shares(
            wall, forward=7.0, backward=4.6, optimizer=1.0, data_wait=0.2, **{"import": 1.2, "other": 0.1}
        ),
        headline="Nothing worth fixing was found; most time goes to forward (50 %).",
        findings=(),
        also_noticed=(),
        checked=CHECKED,
        plan=(),
        overhead=Overhead(0.03, 0.0021, 13.0, 0.0008, 0),
        view=replace(view, bars=(*view.bars, *workers)),
        verdict="fine",
    )


def serving() -> Diagnosis:
    wall = 61.0
    blocked = Finding(
        detector="synchronous-serving",
        title="The event loop is blocked by a model call",
        stage="serving",
        evidence=(
            Evidence("p99 event loop lag", 0.412, "s"),
            Evidence("requests queued at once", 7, "count"),
            Evidence("request rate", 18.4, "1/s"),
        ),
        fix=Fix(
            "Run the model in the thread pool",
            "from starlette.concurrency import run_in_threadpool\n\nscores = await run_in_threadpool(model, batch)",
            effort=2,
        ),
        location=Location("/srv/ranker/app.py", 27, "rank"),
        gain=Gain(0.8, 0.72, 0.84, 0.0, "Queueing: p99 600 ms with one server, 121 ms with four.", basis="p99"),
        after="the model call itself becomes the bottleneck",
    )
    batching = replace(
        blocked,
        detector="no-batching",
        title="The model gets one row a call",
        gain=Gain(0.44, 0.3, 0.52, 0.0, "Cost of a row alone and in a batch of 8, tried.", basis="capacity"),
        fix=Fix("Collect rows for 5 ms", "batcher = Batcher(model, max_size=8, max_wait=0.005)", effort=4, risk=0.2),
        after="",
    )
    return Diagnosis(
        run=run_facts(command="uvicorn app:app", wall_seconds=wall, steps=0, requests=1123, exit_code=130),
        breakdown=shares(wall, serve__handler=41.0, serve__idle=16.0, **{"import": 3.2, "setup": 0.8}),
        headline="The event loop is blocked by a model call (/srv/ranker/app.py:27); "
        "fixing it cuts p99 latency by about 80 %.",
        findings=(Ranked(blocked, "critical", 0.8, 32.0), Ranked(batching, "critical", 0.8, 7.0)),
        also_noticed=(),
        checked=CHECKED,
        plan=(),
        overhead=Overhead(0.011, 0.0002, 0.0, 0.0001, 0),
        view=View(tuple(Bar("requests", "serve.handler", 4 + i * 0.05, 0.04) for i in range(1100))),
        verdict="findings",
    )


def etl() -> Diagnosis:
    wall = 312.0
    csv = Finding(
        detector="csv-instead-of-parquet",
        title="CSV is parsed again in every run",
        stage="etl",
        evidence=(
            Evidence("time in the reader", 201.3, "s"),
            Evidence("first file", "/data/trips/2024-01.csv"),
            Evidence("size of the first file", 1_503_238_553, "B"),
            Evidence("rows in the first file", 14_203_113, "count"),
        ),
        fix=Fix(
            "Convert once to Parquet, read that",
            'pd.read_csv("2024-01.csv").to_parquet("2024-01.parquet")  # once\ndf = pd.read_parquet("2024-01.parquet")',
            effort=4,
        ),
        location=Location("/home/ada/trips/clean.py", 12, "load"),
        gain=Gain(
            0.58, 0.5, 0.62, 181.0, "Parse rate of the same rows as Parquet, tried on the first 64 MiB.", confidence=0.6
        ),
        after="transforming the data becomes the bottleneck",
    )
    creep = replace(
        csv,
        detector="memory-creep",
        title="A list grows for as long as the program runs",
        gain=None,
        exhaustion_seconds=9_400.0,
        location=Location("/home/ada/trips/clean.py", 48, "clean"),
        fix=Fix("Keep totals, not rows", "total += len(part)", effort=2, risk=0.0),
        after="",
    )
    return Diagnosis(
        run=run_facts(command="-m trips.clean", wall_seconds=wall, steps=0),
        breakdown=shares(
            wall, etl__read=203.0, etl__transform=84.0, etl__write=21.0, **{"import": 2.4, "unknown": 1.6}
        ),
        headline="CSV is parsed again in every run (/home/ada/trips/clean.py:12); "
        "fixing it saves about 58 % of the run.",
        findings=(Ranked(csv, "critical", 0.6, 8.7), Ranked(creep, "critical", 0.8, 8.0)),
        also_noticed=(),
        checked=CHECKED,
        plan=(PlanStep("csv-instead-of-parquet", 131.0),),
        overhead=Overhead(0.2, 0.0006, 0.0, 0.0006, 1204),
        view=View(
            (
                Bar("main", "import", 0.1, 2.4),
                Bar("main", "etl.transform", 2.5, 300.0),
                Bar("main", "etl.read", 4.0, 100.0),
                Bar("main", "etl.read", 120.0, 101.0),
                Bar("main", "etl.write", 280.0, 21.0),
            )
        ),
        verdict="findings",
    )


def too_short() -> Diagnosis:
    wall = 1.9
    short = tuple(Checked(row.detector, "not-measured", reason="Fewer than 20 steps.") for row in CHECKED)
    return Diagnosis(
        run=run_facts(wall_seconds=wall, steps=7),
        breakdown=shares(wall, forward=0.2, **{"import": 1.6, "setup": 0.1}),
        headline="Too short to judge: 7 steps were recorded, 20 are needed.",
        findings=(),
        also_noticed=(),
        checked=short,
        plan=(),
        overhead=Overhead(0.001, 0.0005, 20.0, 0.0002, 0),
        verdict="too short to judge",
    )


def nothing_to_judge() -> Diagnosis:
    wall = 5.6
    missing = "No steps were recorded: no DataLoader loop, optimizer step or repeated forward pass."
    return Diagnosis(
        run=run_facts(command="simulate.py", wall_seconds=wall, steps=0, named_share=0.98),
        breakdown=shares(wall, **{"python:work": 4.3, "import": 0.9, "setup": 0.3, "other": 0.1}),
        headline="Nothing to judge: no steps, reads or requests recorded; most time goes to work() (76 %).",
        findings=(),
        also_noticed=(),
        checked=tuple(replace(row, outcome="not-measured", reason=missing) for row in CHECKED),
        plan=(),
        overhead=Overhead(0.016, 0.003, 0.0, 0.003, 0),
        verdict="nothing to judge",
    )


def nothing_recorded() -> Diagnosis:
    return Diagnosis(
        run=run_facts(command="-I train.py", wall_seconds=0.8, steps=0, named_share=0.0, python="", versions={}),
        breakdown=(),
        headline="Nothing was recorded.",
        findings=(),
        also_noticed=(),
        checked=(),
        plan=(),
        overhead=Overhead(0.0, 0.0, 0.0, 0.0, 0),
        verdict="nothing recorded",
    )


ALL = {
    "slow_training": slow_training,
    "healthy": healthy,
    "serving": serving,
    "etl": etl,
    "too_short": too_short,
    "nothing_to_judge": nothing_to_judge,
    "nothing_recorded": nothing_recorded,
}
