"""A training loop that is now and then held up, and the readings of a host that would have held it up.

Run by regenerate.py: ``simulated_host.py KIND``; then ``rewrite`` puts made-up readings into the recording.
"""

import json
import sys
import time
from pathlib import Path

FAULT_SECONDS, STEPS = 2e-4, 240
GiB = 1 << 30


def faults(step):
    """Of one step: none for a while, then more and more, and again."""
    return 40 * (step // 12 % 5)


def train(kind):
    import torch
    from torch.utils.data import DataLoader, TensorDataset

    class Model(torch.nn.Module):
        def __init__(self):
            super().__init__()
            layers = [torch.nn.Linear(512, 512) for _ in range(8)]
            self.layers = torch.nn.Sequential(*layers, torch.nn.Linear(512, 1))
            self.calls = 0

        def forward(self, x):
            if kind in ("swap", "mapped-file"):
                time.sleep(faults(self.calls) * FAULT_SECONDS)
            self.calls += 1
            return self.layers(x)

    torch.set_num_threads(1)
    model = Model()
    optimizer = torch.optim.SGD(model.parameters(), 0.01)
    for (batch,) in DataLoader(TensorDataset(torch.randn(STEPS * 64, 512)), batch_size=64):
        loss = model(batch).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def rewrite(run_dir: Path, kind: str) -> None:
    """Put the readings of this kind in the place of the recorded ones, and say so in run.json."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    ends = np.concatenate([pq.read_table(path)["t1"].to_numpy() for path in sorted(run_dir.glob("tables/steps-*"))])
    total = np.cumsum([faults(step) for step in range(len(ends))]).astype(float)
    for path in sorted(run_dir.glob("tables/host-*")):
        table = pq.read_table(path)
        columns = {name: table[name].to_numpy() for name in table.column_names}
        times = columns["time_ns"].astype(float)
        if kind in ("swap", "mapped-file"):
            columns["major_faults_total"] = np.interp(times, ends, total, left=0.0).astype("i8")
            columns["swap_in_bytes_total"] = columns["major_faults_total"] * (8 * 4096 if kind == "swap" else 0)
        else:
            done = np.clip((times - ends[0]) / (ends[-1] - ends[0]), 0, 1)
            limit, held = 16 * GiB, (6 + 9.2 * done) * GiB
            columns["memory_limit_bytes"] = np.full(len(times), limit)
            columns["rss_bytes"] = held.astype("i8")  # where much of it is shared it counts in every worker
            free = limit - held if kind == "full" else limit - held / 3
            columns["memory_available_bytes"] = free.astype("i8")
        pq.write_table(pa.table(columns), path, compression="zstd", write_page_checksum=True)
    run = json.loads((run_dir / "run.json").read_text())
    run["host_simulated"] = True
    (run_dir / "run.json").write_text(json.dumps(run))


if __name__ == "__main__":
    train(sys.argv[1])
