"""Programs on the simulated device for default runs: five with a fault, and healthy ones that only look alike."""

from __future__ import annotations

from dataclasses import dataclass, field

HEAD = """
import json, time, zlib, torch
from torch.utils.data import DataLoader, Dataset, TensorDataset
torch.manual_seed(0)
device, samples = "sim", 3200
class Packed(Dataset):
    def __init__(self, size):
        self.packed = [zlib.compress(torch.rand(size).numpy().tobytes()) for _ in range(8)]
        self.size = size
    def __len__(self):
        return samples
    def __getitem__(self, index):
        unpacked = torch.frombuffer(bytearray(zlib.decompress(self.packed[index % 8])), dtype=torch.float32)
        return unpacked[:64] - 0.5, index % 10
class Waits(Dataset):
    def __len__(self):
        return samples
    def __getitem__(self, index):
        time.sleep(0.0004)
        return torch.full((64,), float(index % 7)), index % 10
def mlp(inputs=64):
    layers = torch.nn.Linear(inputs, 256), torch.nn.ReLU(), torch.nn.Linear(256, 256), torch.nn.ReLU()
    return torch.nn.Sequential(torch.nn.Flatten(), *layers, torch.nn.Linear(256, 10)).to(device)
loss_of = torch.nn.functional.cross_entropy
data = TensorDataset(torch.randn(samples, 64), torch.randint(0, 10, (samples,)))
model, total = mlp(), 0.0
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
"""
STEP = """    optimizer.zero_grad()
    loss = loss_of(model(x), y)
    loss.backward()
    optimizer.step()
"""
MOVE = "    x, y = x.to(device), y.to(device)\n"
QUEUE = "    x, y = x.to(device, non_blocking=True), y.to(device, non_blocking=True)\n"
ITEM = "    total += loss.item()\n"
PLAIN = "for x, y in DataLoader(data, batch_size=64, shuffle=True):\n"
IMAGES = """images = TensorDataset(torch.randn(1600, 3, 32, 32), torch.randint(0, 10, (1600,)))
model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(3072, 10)).to(device)
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
"""
HERE = "  # here"


def ends(line: str) -> str:
    """The line, marked as that of the finding."""
    return line.rstrip("\n") + HERE + "\n"


@dataclass(frozen=True)
class Program:
    """``finds``: the detectors of which one must come first; none for a healthy program. ``settings``: the device's."""

    body: str
    finds: tuple[str, ...] = ()
    settings: dict[str, float] = field(default_factory=dict)

    @property
    def script(self) -> str:
        return HEAD + self.body

    @property
    def line(self) -> int:
        """The number of the marked line; 0 without one."""
        return next((n for n, line in enumerate(self.script.splitlines(), 1) if line.endswith(HERE)), 0)


PROGRAMS = {
    "starved": Program(
        ends("for x, y in DataLoader(Packed(40_000), batch_size=64):") + QUEUE + STEP + ITEM,
        ("workers-zero", "cpu-bound-decode", "starved-gpu"),
        {"flops": 1e9},
    ),
    "sync-every-step": Program(
        "history = []\n" + PLAIN + MOVE + STEP
        + ends("    history.append(loss.item())")
        + "    for _ in range(8):\n        text = json.dumps([i * history[-1] for i in range(3000)])\n",
        ("sync-point",),
        {"flops": 4e8},
    ),
    "launch-bound": Program(
        "layers = [torch.nn.Sequential(torch.nn.Linear(64, 64), torch.nn.ReLU()) for _ in range(20)]\n"
        "model = torch.nn.Sequential(*layers, torch.nn.Linear(64, 10)).to(device)\n"
        "optimizer = torch.optim.SGD(model.parameters(), lr=0.01)\n"
        "few = TensorDataset(torch.randn(240, 64), torch.randint(0, 10, (240,)))\n"
        "for x, y in DataLoader(few, batch_size=2):\n" + MOVE + STEP.replace("model(x), y)", "model(x), y)" + HERE),
        ("launch-bound",),
        {"flops": 1e12, "kernel_us": 1},
    ),
    "pageable-copies": Program(
        IMAGES + ends("for x, y in DataLoader(images, batch_size=32):") + MOVE + STEP,
        ("pageable-copy",),
        {"flops": 4e9, "copy_bytes_per_second": 2e7},
    ),
    "pageable-in-a-function": Program(
        "images = TensorDataset(torch.rand(800, 3, 96, 96), torch.randint(0, 4, (800,)))\n"
        "layers = torch.nn.AdaptiveAvgPool2d(8), torch.nn.Flatten(), torch.nn.Linear(192, 64), torch.nn.Linear(64, 4)\n"
        "model = torch.nn.Sequential(*layers).to(device)\n"
        "optimizer = torch.optim.SGD(model.parameters(), lr=0.01)\n"
        "def run_epoch(loader):\n    for x, y in loader:\n        x = x.to(device)\n        y = y.to(device)\n"
        + "".join(f"    {line}\n" for line in STEP.splitlines())
        + ends("loader = DataLoader(images, batch_size=16, shuffle=True)")
        + "for epoch in range(3):\n    run_epoch(loader)\n",
        ("pageable-copy",),
        {"copy_bytes_per_second": 3e8},
    ),
    "moves-its-model": Program(
        "net = torch.nn.Sequential(torch.nn.Linear(64, 1024), torch.nn.ReLU(), torch.nn.Linear(1024, 10))\n"
        "optimizer = torch.optim.SGD(net.parameters(), lr=0.01)\n"
        "def train(x, y):\n"
        + ends("    net.to(device)")
        + STEP.replace("model(x), y", "net(x.to(device)), y.to(device)").replace("optimizer.step()", 'net.to("cpu")')
        + "    optimizer.step()\n"
        "for epoch in range(4):\n    for x, y in DataLoader(data, batch_size=32):\n        train(x, y)\n",
        ("pageable-copy",),
        {"flops": 5e10, "copy_bytes_per_second": 1e8},
    ),
    "exposed-copy": Program(
        IMAGES + "for x, y in DataLoader(images, batch_size=32, pin_memory=True):\n" + ends(QUEUE) + STEP + ITEM,
        ("no-copy-overlap",),
        {"flops": 8e7, "copy_bytes_per_second": 2e7},
    ),
    "big-model-with-item": Program(PLAIN + MOVE + STEP + ITEM, settings={"flops": 3e8}),
    "clips-gradients": Program(
        PLAIN + MOVE + STEP.replace(
            "    optimizer.step()\n",
            "    norm = torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)\n"
            "    if norm < 1000:\n        optimizer.step()\n",
        ),
        settings={"flops": 3e8},
    ),
    "accumulates-gradients": Program(
        "for step, (x, y) in enumerate(DataLoader(data, batch_size=64, shuffle=True)):\n" + MOVE
        + "    loss = loss_of(model(x), y) / 4\n    loss.backward()\n    total += loss.detach()\n"
        "    if step % 4 == 3:\n        optimizer.step()\n        optimizer.zero_grad()\n    " + ITEM,
        settings={"flops": 3e8},
    ),
    "two-streams": Program(
        "side = torch.sim.Stream()\n"
        "def ahead(loader):\n"
        "    following = None\n"
        "    for batch in loader:\n"
        "        with torch.sim.stream(side):\n"
        "            copied = [part.to(device, non_blocking=True) for part in batch]\n"
        "        if following is not None:\n"
        "            yield following\n"
        "        torch.sim.current_stream().wait_stream(side)\n"
        "        following = copied\n"
        "    yield following\n"
        "for x, y in ahead(DataLoader(data, batch_size=64, shuffle=True, pin_memory=True)):\n" + STEP + ITEM,
        settings={"flops": 3e8},
    ),
    "evaluates": Program(
        "for epoch in range(2):\n    for x, y in DataLoader(TensorDataset(*data[:1600]), batch_size=64):\n"
        + "".join(f"    {line}\n" for line in (MOVE + STEP).splitlines())
        + "    right = 0\n    with torch.no_grad():\n"
        "        for x, y in DataLoader(TensorDataset(*data[:256]), batch_size=64):\n"
        "            right += (model(x.to(device)).argmax(1) == y.to(device)).sum().item()\n",
        settings={"flops": 3e8},
    ),
    "loader-behind-the-device": Program(
        "for x, y in DataLoader(Waits(), batch_size=64, num_workers=1):\n" + QUEUE + STEP + "torch.sim.synchronize()\n",
        settings={"flops": 2e8},
    ),
    "compiled": Program(
        'compiled = torch.compile(model, backend="eager")\n'
        + PLAIN + MOVE + STEP.replace("model(x)", "compiled(x)") + ITEM,
        settings={"flops": 2e8},
    ),
}  # fmt: skip
