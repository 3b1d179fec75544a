"""With ``--probe-model``: measures faster variants of the model that was copied while it was served, then deletes it.

The copy is loaded by the program's own Python in a process of its own, after the program has ended. Of the user's
modules, only what they define is executed there (``_model_source.py``).
"""

from __future__ import annotations

import ast
import json
import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import psutil

from .. import signals
from ..recording.facts import ModelCopy, ModelProbe, ModelVariant
from ..recording.model import Recording

SECONDS = 90.0  # for all variants together; one that has begun may take a few more
_GRACE_SECONDS = 5.0
_COPIES = 4  # of the model in memory at once: as it is, a variant, and what makes one of the other
_WORKER = Path(__file__).with_name("_model_worker.py")


def is_waiting(run_dir: Path) -> bool:
    """Whether there is a copy to be measured."""
    return (run_dir / signals.LIVE / signals.MODEL).is_dir()


def enrich(run_dir: Path, recording: Recording, seconds: float = SECONDS) -> list[str]:
    """Add a ``ModelProbe`` and the ``ModelVariant``s of the copy, and delete it; sentences about what was missed."""
    folder = run_dir / signals.LIVE / signals.MODEL
    copies = recording.facts.of(ModelCopy)
    done = {process for process, _ in recording.facts.of(ModelProbe)}
    try:
        whole = [(process, copy) for process, copy in copies if not copy.problem and process not in done]
        if whole and is_waiting(run_dir):
            return _tried(folder, recording, *whole[0], seconds)
        if whole or done or not (copies or is_waiting(run_dir)):
            return []
        problem = copies[0][1].problem if copies else "the program ended before the copy was complete"
        return [f"The model {copies[0][1].name if copies else ''} was not copied: {problem}.".replace("  ", " ")]
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _tried(folder: Path, recording: Recording, process: int, copy: ModelCopy, seconds: float) -> list[str]:
    problem = _against(recording, copy)
    missed = []
    for result in [{"problem": problem}] if problem else _results(folder, seconds):
        fact = _fact(result)
        if fact is not None:
            recording.facts.add(process, fact)
        if isinstance(fact, ModelProbe) and fact.problem:
            missed.append(f"The copy of the model {copy.name} could not be measured: {fact.problem}.")
    return missed


def _against(recording: Recording, copy: ModelCopy) -> str:
    """Why the copy cannot be measured now, as a clause; "" if nothing is known against it."""
    if not recording.run.get("finished", True):
        return "the program may still have been running, and the copy would have taken the cores from it"
    available = psutil.virtual_memory().available
    if copy.size * _COPIES > available:
        return f"the variants of {copy.size >> 20} MB of weights need more memory than the {available >> 20} MB left"
    return ""


def _fact(result: dict[str, Any]) -> ModelProbe | ModelVariant | None:
    try:
        if "name" in result:
            return msgspec.convert(result, ModelVariant)
        known = result.get("model", {"problem": result["problem"]} if "problem" in result else None)
        return None if known is None else msgspec.convert(known, ModelProbe)
    except msgspec.ValidationError as error:
        return ModelVariant(str(result.get("name", "")), left_out=str(error)) if "name" in result else None


def _results(folder: Path, seconds: float) -> Iterator[dict[str, Any]]:
    """What the worker says, line by line, and of a variant at which it ended that it did."""
    try:
        python = ast.literal_eval((folder / signals.MODEL_ABOUT).read_text("utf-8"))["python"]
        process = _start(python, folder, seconds)
    except (OSError, ValueError, KeyError, SyntaxError) as error:
        yield {"problem": f"the program's Python could not be started: {error}"}
        return
    timer = threading.Timer(seconds + _GRACE_SECONDS, _kill, [process])
    timer.daemon = True
    timer.start()
    trying, begun, why = "", False, ""
    try:
        assert process.stdout is not None
        for line in process.stdout:
            with suppress(ValueError):
                result = json.loads(line)
                trying, begun = result.get("trying", ""), True
                if not trying:
                    yield result
    except KeyboardInterrupt:
        why = "the measurement was interrupted"
    finally:
        timer.cancel()
        _kill(process)
        process.wait()
        if process.stdout is not None:
            process.stdout.close()
    why = why or _ended(process.returncode)
    if trying:
        yield {"name": trying, "left_out": why}
    elif not begun:
        yield {"problem": why}


def _ended(code: int) -> str:
    if code == -signal.SIGKILL:
        return "it took too long, or too much memory"
    return f"its process ended with code {code}"


def _start(python: str, folder: Path, seconds: float) -> subprocess.Popen[str]:
    environment = {
        **os.environ,
        "CUDA_VISIBLE_DEVICES": "",  # the copy is one of a model on the CPU
        "PYTHONDONTWRITEBYTECODE": "1",
        "TORCHINDUCTOR_CACHE_DIR": str(folder / "compiled"),
        "TORCHINDUCTOR_COMPILE_THREADS": "1",  # else it starts processes of its own
    }
    return subprocess.Popen(
        [python, str(_WORKER), str(folder.resolve()), str(seconds)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=environment,
        start_new_session=True,  # compilers and all
    )


def _kill(process: subprocess.Popen[str]) -> None:
    with suppress(OSError):
        os.killpg(process.pid, signal.SIGKILL)
