#!/usr/bin/env python3
"""Set-up and checks of a checkout, on the standard library alone.

    python3 dev.py demo     install into .venv, profile a slow training, apply the first fix to a copy and run that
    python3 dev.py test     install into .venv, then ruff, mypy, import-linter and pytest; more arguments go to pytest
    python3 dev.py docs     install into .venv-docs and build the documentation into site/ (Python 3.11 or newer)

Works on a fresh machine with Python 3.10 or newer. Nothing is installed outside .venv*, except Debian's Chromium,
Prometheus and node-exporter for tests, and that only by the administrator of a CI machine (CI is set); elsewhere those
tests are skipped.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
OTHER_PYTHONS = ("3.10", "3.13")
PACKAGES_WITHOUT_TORCH = (
    "gevent",
    "httpx",
    "hypothesis",
    "jsonschema",
    "pandas",
    "pytest",
    "pytest-rerunfailures",
    "pytest-timeout",
    "starlette",
    "uvicorn",
)
TESTS_WITHOUT_TORCH = (
    "artifacts",
    "goldens",
    "diagnosis",
    "recording",
    "exporters",
    "collectors/test_recoding.py",
    "run/test_green_threads.py",
    "run/test_left_as_it_was.py",
    "run/test_recorded_pandas.py",
)
#: Half of the tests: first those that compute, while the other half mostly waits for programs.
TESTS_BESIDE = (
    "artifacts", "diagnosis", "docs", "exporters", "goldens", "importers", "packaging", "patterns", "comparison",
    "cost", "gate", "history", "metrics", "monitoring", "pairs", "sandbox", "trial", "watch",
)  # fmt: skip
CONSTRAINTS = ROOT / "constraints-ci.txt"
TYPES = VENV / "grafana"
#: Debian's package -> commands, one of which it brings.
DEBIAN = {
    "chromium": ("chromium", "chromium-browser", "google-chrome"),
    "prometheus": ("prometheus",),
    "prometheus-node-exporter": ("prometheus-node-exporter", "node_exporter"),
}


def fail(message: str) -> None:
    """End with one line and exit code 1."""
    sys.exit(f"dev.py: {message}")


def call(*command: str | Path) -> int:
    """Run ``command`` in the checkout; its exit code. A command that cannot be started gives 127."""
    try:
        return subprocess.run([str(part) for part in command], cwd=ROOT).returncode
    except FileNotFoundError as error:
        print(f"dev.py: cannot start {command[0]}: {error.strerror}", file=sys.stderr)
        return 127


def binaries(venv: Path) -> Path:
    """The folder of a virtual environment's commands."""
    return venv / ("Scripts" if os.name == "nt" else "bin")


BIN = binaries(VENV)


def fingerprint(*wanted: str) -> str:
    """Changes when another set of packages, or another Python, is asked for."""
    digest = hashlib.sha256(repr(wanted).encode())
    for path in (ROOT / "pyproject.toml", ROOT / "setup.py", CONSTRAINTS):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def install(venv: Path = VENV, interpreter: str = sys.executable, *packages: str) -> None:
    """Make ``venv`` hold the checkout and ``packages``, by default all that its tests need; once only."""
    packages = packages or (".[dev]",)
    stamp, python = venv / "installed.sha256", binaries(venv) / "python"
    wanted = fingerprint(interpreter, *packages)
    if stamp.is_file() and stamp.read_text() == wanted and python.exists():
        return
    if not python.exists() and call(interpreter, "-m", "venv", venv) != 0:
        shutil.rmtree(venv, ignore_errors=True)
        fail("this Python cannot make a virtual environment; on Debian and Ubuntu: apt install python3-venv")
    print(f"installing into {venv.name} (a few minutes the first time) ...", file=sys.stderr, flush=True)
    pip: list[str | Path] = [python, "-m", "pip", "install", "-q", "--disable-pip-version-check"]
    if call(*pip, "-c", CONSTRAINTS, "-e", *packages) != 0:
        fail("the installation failed; the lines above say why")
    stamp.write_text(wanted)


def install_servers() -> None:
    """What tests run that is no Python package, from Debian, on CI machines only."""
    if "CI" not in os.environ or not hasattr(os, "geteuid") or os.geteuid() != 0 or not shutil.which("apt-get"):
        return
    missing = [name for name, commands in DEBIAN.items() if not any(map(shutil.which, commands))]
    if not missing:
        return
    os.environ["DEBIAN_FRONTEND"] = "noninteractive"
    install = ("apt-get", "install", "-y", "-qq", "--no-install-recommends")
    updated = call("apt-get", "update", "-qq") == 0
    for name in missing:
        if not updated or call(*install, name) != 0:
            print(f"dev.py: no {name}; the tests that need it will be skipped", file=sys.stderr)


def install_types() -> None:
    """Grafana's own types of dashboards and the compiler that checks them, where npm is there."""
    if not shutil.which("npm") or TYPES.is_dir():
        return
    npm = ("npm", "install", "--silent", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", TYPES)
    if call(*npm, "@grafana/schema@13.2.3", "typescript@5.9.3") != 0:
        shutil.rmtree(TYPES, ignore_errors=True)
        print("dev.py: no types from npm; the test of the dashboards' types will be skipped", file=sys.stderr)


def other_interpreters() -> int:
    """What needs no torch, under the oldest and the newest Python that are supported, where this machine has them."""
    running = []
    for version in OTHER_PYTHONS:
        python = find_python(version)
        if python is None:
            print(f"--- Python {version}: not on this machine, not tested", file=sys.stderr, flush=True)
            continue
        venv = ROOT / f".venv-{version}"
        install(venv, str(python), ".", *PACKAGES_WITHOUT_TORCH)
        running.append(Beside(f"pytest under Python {version}", venv, *TESTS_WITHOUT_TORCH))
    return first_failure([each.finish() for each in running])


class Beside:
    """Tests in the background, one process: they must pass beside other programs anyway."""

    def __init__(self, name: str, venv: Path, *tests: str) -> None:
        self.name, self.output, self.started = name, venv / "beside.log", time.monotonic()
        print(f"--- {name}, in the background", file=sys.stderr, flush=True)
        command = [str(binaries(venv) / "python"), "-m", "pytest", "-q", "-r", "fE", "-p", "no:cacheprovider"]
        with self.output.open("wb") as file:
            self.process = subprocess.Popen(
                [*command, *(f"tests/{test}" for test in tests)], cwd=ROOT, stdout=file, stderr=file
            )

    def finish(self) -> int:
        """Wait for them, print what they said (one line if all passed), and return their exit code."""
        code = self.process.wait()
        said = self.output.read_text(errors="replace")
        print(f"--- {self.name}: exit code {code} after {time.monotonic() - self.started:.0f} s", flush=True)
        print(said if code else ["", *said.splitlines()][-1], flush=True)
        return code


def find_python(version: str) -> Path | None:
    """An interpreter of ``version``, from PATH or from pyenv; None when there is none."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    on_path = shutil.which(f"python{version}")
    for candidate in (*([Path(on_path)] if on_path else []), *sorted(pyenv.glob(f"{version}.*/bin/python"))):
        # pyenv's shim is on PATH for versions that are not switched on, and then only prints an error.
        if subprocess.run([candidate, "-c", ""], capture_output=True).returncode == 0:
            return candidate
    return None


def demo(arguments: list[str]) -> int:
    """Profile the demo script, apply the first fix to a copy, and tell what was saved; see show.py for arguments."""
    install()
    return call(BIN / "python", ROOT / "sample_pipelines" / "demo" / "show.py", *arguments)


def test(arguments: list[str]) -> int:
    """Every check, in order of speed; stops at the first that fails and returns its exit code."""
    install()
    install_servers()
    install_types()
    # The project's own commands, and the pipelines that the tests start, must be those of .venv.
    os.environ["PATH"] = f"{BIN}{os.pathsep}{os.environ.get('PATH', '')}"
    checks: list[tuple[str, ...]] = [("ruff", "check", "."), ("mypy",), ("lint-imports",)]
    tests = ("pytest", "-q", *(arguments or [f"--ignore=tests/{name}" for name in TESTS_BESIDE]))
    for name, *options in checks:
        code = timed(name, *options)
        if code != 0:
            return code
    if arguments:
        return timed(*tests)
    beside = Beside("pytest of the other half", VENV, *TESTS_BESIDE)
    return first_failure([timed(*tests), beside.finish()]) or other_interpreters()


def first_failure(codes: list[int]) -> int:
    """The first exit code that is not 0; else 0."""
    return next((code for code in codes if code != 0), 0)


def timed(name: str, *options: str) -> int:
    """Run one of the project's commands and say how long it took; its exit code."""
    print(f"--- {name}", file=sys.stderr, flush=True)
    started = time.monotonic()
    code = call(BIN / name, *options)
    print(f"--- {name}: {time.monotonic() - started:.0f} s", file=sys.stderr, flush=True)
    if code != 0:
        print(f"dev.py: {name} failed (exit code {code})", file=sys.stderr)
    return code


def docs(arguments: list[str]) -> int:
    """Build the documentation; a broken link or a missing page is an error."""
    if sys.version_info < (3, 11):
        fail("the site is built by Zensical, which needs Python 3.11 or newer; everything else works with 3.10")
    venv = ROOT / ".venv-docs"
    install(venv, sys.executable, ".[docs]")
    return call(binaries(venv) / "python", ROOT / "docs" / "build.py", *arguments)


COMMANDS: dict[str, Callable[[list[str]], int]] = {"demo": demo, "test": test, "docs": docs}


def main(arguments: list[str]) -> int:
    if sys.version_info < (3, 10):  # noqa: UP036 - who has an older Python should get this line, not a traceback
        fail(f"needs Python 3.10 or newer; this is {sys.version.split()[0]}")
    if not arguments or arguments[0] not in COMMANDS:
        print(__doc__.strip() if __doc__ else "", file=sys.stderr)
        return 2
    return COMMANDS[arguments[0]](arguments[1:])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
