"""Measures variants of a copied model on its recorded inputs; run by the program's Python, on the folder of the copy.

    python _model_worker.py FOLDER SECONDS

Each line on stdout is JSON: ``{"trying": NAME}`` before a variant, and what was measured of it, or why it is left out.
A variant is compared with the model as it is in turn, block by block, so that whatever else the machine does concerns
both. It imports nothing of ours but the files beside it.
"""

from __future__ import annotations

import ast
import importlib
import json
import math
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

_BLOCK_SECONDS = 0.01  # of calls, timed together
_VARIANT_SECONDS = 1.5  # at most, for the blocks of a variant and those of the model as it is
_LEAST_ROUNDS, _MOST_ROUNDS = 3, 7
_BATCHES = (1, 2, 4, 8, 16, 32, 64)
_REPEATABLE = 1e-4  # relative difference of two runs of the same model, beyond which it draws random numbers
#: Operators with the weights of a linear layer. Products of activations, as in attention, are none.
_LINEAR = frozenset(
    "aten::addmm aten::mm aten::linear aten::_addmm_activation aten::mkldnn_linear mkldnn::_linear_pointwise "
    "aten::_transformer_encoder_layer_fwd aten::_native_multi_head_attention".split()
)
values: Any = importlib.import_module("_model_values")  # the file beside this one
Given = tuple[tuple[Any, ...], dict[str, Any]]
Run = Callable[[Given], Any]


class LeftOut(Exception):
    """Why a variant was not measured, as a clause."""


class Arm:
    """One way to run the model: ``run(inputs)`` with so many threads, on ``given``."""

    def __init__(self, torch: Any, run: Run, threads: int, given: Given) -> None:
        self._torch, self.run, self.threads, self.given = torch, run, threads, given

    def block(self) -> float:
        """Seconds of a call, the mean of a block of them, after one that is not counted."""
        self._torch.set_num_threads(self.threads)
        count = max(1, math.ceil(_BLOCK_SECONDS / max(self._timed(1), 1e-7)))
        return self._timed(count) / count

    def _timed(self, count: int) -> float:
        began = time.perf_counter()
        for _ in range(count):
            self.run(self.given)
        return time.perf_counter() - began


class Probe:
    """The copy, and everything that is compared with it."""

    def __init__(self, folder: Path, about: dict[str, Any], until: float) -> None:
        self.torch: Any = importlib.import_module("torch")
        self.folder, self.about, self.until = folder, about, until
        self.threads = int(about["threads"])
        paths = sorted(folder.glob("input-*.pt"))
        self.inputs: list[Given] = [self._load(path) for path in paths]
        if not self.inputs:
            raise LeftOut("none of its inputs could be copied")
        self.rows = values.rows_of(self.torch, self.inputs[0])
        module = self.model()
        self.dtype = values.main_type(module)
        self.size = self._size(module)
        self.base = Arm(self.torch, self._plain(module), self.threads, self.inputs[0])
        self.outputs = [self._output(self.base.run, given) for given in self.inputs]
        again = self._output(self.base.run, self.inputs[0])
        _, relative, _ = values.drift(self.torch, self.outputs[:1], [again])
        self.repeatable = relative is not None and relative <= _REPEATABLE

    def model(self) -> Any:
        """A fresh copy of the model."""
        return self._load(self.folder / "model.pt")

    def _load(self, path: Path) -> Any:
        return self.torch.load(path, map_location="cpu", weights_only=False)

    def _plain(self, module: Any) -> Run:
        def run(given: Given) -> Any:
            with self.torch.inference_mode():
                return module(*given[0], **given[1])

        return run

    def _output(self, run: Run, given: Given) -> list[Any]:
        self.torch.set_num_threads(self.threads)
        return [tensor.clone() for tensor in values.tensors_of(self.torch, run(given))]

    def _size(self, module: Any) -> int:
        """Bytes of the weights as they would be saved."""
        counter = _Counter()
        self.torch.save(module.state_dict(), counter)
        return counter.count

    def described(self) -> dict[str, Any]:
        """What is known of the model as it is."""
        return {
            "dtype": self.dtype,
            "linear_share": self._linear_share(),
            "cache_bytes": values.cache_bytes(),
            "repeatable": self.repeatable,
            "inputs": len(self.inputs),
            "rows": self.rows,
            "threads": self.threads,
            "size": self.size,
            "seconds": sorted(self.base.block() for _ in range(_LEAST_ROUNDS))[_LEAST_ROUNDS // 2],
        }

    def _linear_share(self) -> float | None:
        """The share of linear layers in the time of all operators."""
        self.base.block()
        try:
            with self.torch.profiler.profile(activities=[self.torch.profiler.ProfilerActivity.CPU]) as profile:
                for _ in range(3):
                    self.base.run(self.base.given)
            spent = {event.key: float(event.self_cpu_time_total) for event in profile.key_averages()}
        except Exception:
            return None
        whole = sum(spent.values())
        return sum(spent.get(name, 0.0) for name in _LINEAR) / whole if whole else None

    # -- the variants --------------------------------------------------------------------------------------

    def variants(self) -> Iterator[tuple[str, Callable[[], dict[str, Any]]]]:
        """(name, what measures it); the cheap ones first."""
        yield "bf16", lambda: self._converted(*self._bf16())
        yield "int8", lambda: self._converted(*self._int8())
        for rows in _BATCHES:
            if rows != self.rows:
                yield f"batch of {rows}", lambda rows=rows: self._batch(rows)  # type: ignore[misc]
        for threads in self._counts():
            if threads != self.threads:
                name = f"{threads} thread" + "s" * (threads > 1)
                yield name, lambda threads=threads: self._threads(threads)  # type: ignore[misc]
        yield "compiled", lambda: self._compiled(self.model(), "torch.compile(model)")
        yield "bf16, compiled", lambda: self._compiled(*self._bf16())
        yield "int8, compiled", lambda: self._compiled(*self._int8())

    def _counts(self) -> list[int]:
        cores = len(self.about["cores"]) or os.cpu_count() or 1
        return [count for count in (1, 2, 4, 8, 16, 32, 64, 128) if count < cores] + [cores]

    def _bf16(self) -> tuple[Any, str]:
        if not values.bf16_flags(Path("/proc/cpuinfo")):
            raise LeftOut("this CPU has no bf16 instructions")
        return self.model().to(self.torch.bfloat16), "model.to(torch.bfloat16)"

    def _int8(self) -> tuple[Any, str]:
        try:
            quantization: Any = importlib.import_module("torchao.quantization")
        except ImportError as error:
            missing = (getattr(error, "name", "") or "").partition(".")[0] == "torchao"
            raise LeftOut("torchao is not installed" if missing else f"torchao cannot be loaded: {error}") from None
        module = self.model()
        quantization.quantize_(module, quantization.Int8DynamicActivationInt8WeightConfig())
        return module, "quantize_(model, Int8DynamicActivationInt8WeightConfig())"

    def _converted(self, module: Any, how: str) -> dict[str, Any]:
        cast = how.endswith("bfloat16)")
        run = self._cast(module) if cast else self._plain(module)
        try:
            run(self.inputs[0])
        except Exception:
            if not cast:
                raise
            module, how = self.model(), 'torch.autocast("cpu", dtype=torch.bfloat16)'
            run = self._autocast(module)
        return self._measured(run, how, self._size(module))

    def _cast(self, module: Any) -> Run:
        kind, plain = self.torch.bfloat16, self._plain(module)

        def run(given: Given) -> Any:
            return plain(values.mapped(self.torch, given, lambda t: t.to(kind) if t.is_floating_point() else t))

        return run

    def _autocast(self, module: Any) -> Run:
        def run(given: Given) -> Any:
            with self.torch.inference_mode(), self.torch.autocast("cpu", dtype=self.torch.bfloat16):
                return module(*given[0], **given[1])

        return run

    def _compiled(self, module: Any, how: str) -> dict[str, Any]:
        if not any(shutil.which(name) for name in (os.environ.get("CXX") or "g++", "g++", "clang++")):
            raise LeftOut("there is no C++ compiler")
        size = self._size(module)
        compiled = self.torch.compile(module)
        run = self._cast(compiled) if how.endswith("bfloat16)") else self._plain(compiled)
        self.torch.set_num_threads(self.threads)
        began = time.perf_counter()
        run(self.inputs[0])
        seconds = time.perf_counter() - began
        how = how if how.startswith("torch.compile") else f"{how}, torch.compile"
        return {**self._measured(run, how, size), "compile_seconds": seconds}

    def _measured(self, run: Run, how: str, size: int) -> dict[str, Any]:
        outputs = [self._output(run, given) for given in self.inputs]
        most, relative, agreement = values.drift(self.torch, self.outputs, outputs)
        return {
            **self._compared(Arm(self.torch, run, self.threads, self.inputs[0]), 1.0),
            "how": how,
            "size": size,
            **self._drifted(most, relative, agreement),
        }

    def _drifted(self, most: float | None, relative: float | None, agreement: float | None) -> dict[str, Any]:
        known = self.repeatable
        return {
            "max_drift": most if known else None,
            "relative_drift": relative if known else None,
            "agreement": agreement if known else None,
        }

    def _threads(self, threads: int) -> dict[str, Any]:
        return self._compared(Arm(self.torch, self.base.run, threads, self.inputs[0]), 1.0)

    def _batch(self, rows: int) -> dict[str, Any]:
        if self.rows < 1:
            raise LeftOut("the inputs have no batch dimension")
        given = values.mapped(self.torch, self.inputs[0], lambda t: values.grown(self.torch, t, self.rows, rows))
        found = values.tensors_of(self.torch, self.base.run(given))
        if not found or found[0].dim() < 1 or found[0].shape[0] * self.rows != self.outputs[0][0].shape[0] * rows:
            raise LeftOut("the output does not grow with the batch")
        both = min(rows, self.rows)
        cut = [[tensor[:both] for tensor in outputs if tensor.dim()] for outputs in (self.outputs[0], found)]
        measured = self._compared(Arm(self.torch, self.base.run, self.threads, given), rows / self.rows)
        return {**measured, "rows": rows, **self._drifted(*values.drift(self.torch, cut[:1], cut[1:]))}

    def _compared(self, arm: Arm, rows: float) -> dict[str, Any]:
        """Seconds of a call, and its time per row as a ratio to that of the model as it is; ``rows``: times as many."""
        once = arm.block() + self.base.block()
        rounds = int(min(_MOST_ROUNDS, max(_LEAST_ROUNDS, _VARIANT_SECONDS / (2 * max(once, _BLOCK_SECONDS)))))
        seconds, ratios = [], []
        for turn in range(rounds):
            if turn % 2:
                own, base = arm.block(), self.base.block()
            else:
                base, own = self.base.block(), arm.block()
            seconds.append(own)
            ratios.append(own / rows / base)
            if time.monotonic() > self.until and turn + 1 >= _LEAST_ROUNDS:
                break
        ratios.sort()
        cut = len(ratios) // 6  # an outlier on each side
        return {
            "threads": arm.threads,
            "rows": self.rows,
            "seconds": sorted(seconds)[len(seconds) // 2],
            "ratio": ratios[len(ratios) // 2],
            "ratio_low": ratios[cut],
            "ratio_high": ratios[-1 - cut],
        }


class _Counter:
    """A file that only counts."""

    count = 0

    def write(self, data: Any) -> int:
        size = len(memoryview(data).cast("B"))
        self.count += size
        return size

    def flush(self) -> None:
        pass


def _said(error: BaseException) -> str:
    text = str(error).strip().partition("\n")[0][:200]
    return str(error) if isinstance(error, LeftOut) else f"{type(error).__name__}: {text}"


def main() -> None:
    folder, seconds = Path(sys.argv[1]), float(sys.argv[2])
    signal.alarm(int(seconds) + 10)  # should whoever started this be gone
    stdout, sys.stdout = sys.stdout, sys.stderr  # what a model prints is no result

    def say(**fields: Any) -> None:
        print(json.dumps(fields), file=stdout, flush=True)

    source: Any = importlib.import_module("_model_source")
    about = ast.literal_eval((folder / "about.txt").read_text("utf-8"))
    sys.path[:] = about["path"]
    os.chdir(about["folder"])
    if about["cores"] and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, about["cores"])
    sys.meta_path.insert(0, source.Finder(about["prefixes"]))
    until = time.monotonic() + seconds
    try:
        if about["main"].endswith(".py"):
            main = source.main_module(os.path.join(about["folder"], about["main"]), about["package"])
            sys.modules["__main__"] = sys.modules["__mp_main__"] = main  # the second name, where it was spawned
        probe = Probe(folder, about, until)
        say(model=probe.described())
    except Exception as error:
        say(problem=_said(error))
        return
    for name, measure in probe.variants():
        say(trying=name)
        if time.monotonic() > until:
            say(name=name, left_out="no time was left")
            continue
        try:
            say(name=name, **measure())
        except Exception as error:
            say(name=name, left_out=_said(error))


if __name__ == "__main__":
    main()
