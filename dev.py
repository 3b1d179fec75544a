#!/usr/bin/env python3
"""Set-up and checks of a checkout, on the standard library alone.

    python3 dev.py demo     install into .venv, profile a slow training, apply the first fix to a copy and run that
    python3 dev.py test     install into .venv, then ruff, mypy, import-linter and pytest; more arguments go to pytest
    python3 dev.py docs     install into .venv-docs and build the documentation into site/ (Python 3.11 or newer)

Works on a fresh machine with Python 3.10 or newer. Nothing is installed outside .venv*, except Debian's Chromium for
the report's browser test, and that only by the administrator of a CI machine (CI is set); elsewhere it is skipped.
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
CONSTRAINTS = ROOT / "constraints-ci.txt"


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


def install_browser() -> None:
    """Debian's Chromium, on CI machines only."""
    if "CI" not in os.environ or not hasattr(os, "geteuid") or os.geteuid() != 0 or not shutil.which("apt-get"):
        return
    if any(shutil.which(name) for name in ("chromium", "chromium-browser", "google-chrome")):
        return
    os.environ["DEBIAN_FRONTEND"] = "noninteractive"
    chromium = ("apt-get", "install", "-y", "-qq", "--no-install-recommends", "chromium")
    if call("apt-get", "update", "-qq") != 0 or call(*chromium) != 0:
        print("dev.py: no Chromium; the browser test of the report will be skipped", file=sys.stderr)


def other_interpreters() -> int:
    """What needs no torch, under the oldest and the newest Python that are supported, where this machine has them."""
    found = {version: find_python(version) for version in OTHER_PYTHONS}
    started = time.monotonic()
    running: dict[str, tuple[subprocess.Popen[bytes], Path]] = {}
    for version, python in found.items():
        if python is None:
            print(f"--- Python {version}: not on this machine, not tested", file=sys.stderr, flush=True)
            continue
        venv = ROOT / f".venv-{version}"
        install(venv, str(python), ".", *PACKAGES_WITHOUT_TORCH)
        output = venv / "pytest.log"
        tests = [f"tests/{name}" for name in TESTS_WITHOUT_TORCH]
        command = [str(binaries(venv) / "python"), "-m", "pytest", "-q", "-r", "fE", "-p", "no:cacheprovider", *tests]
        print(f"--- pytest under Python {version}", file=sys.stderr, flush=True)
        # Both run at once: neither uses two cores, and the tests must pass beside other programs.
        with output.open("wb") as file:
            running[version] = subprocess.Popen(command, cwd=ROOT, stdout=file, stderr=file), output
    failed = 0
    for version, (process, output) in running.items():
        code = process.wait()
        failed = failed or code
        seconds = time.monotonic() - started
        print(f"--- pytest under Python {version}: exit code {code} after {seconds:.0f} s", flush=True)
        print(output.read_text(errors="replace") if code else tail(output), flush=True)
    return failed


def tail(path: Path) -> str:
    """The last line of a file."""
    return ["", *path.read_text(errors="replace").splitlines()][-1]


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
    install_browser()
    # The project's own commands, and the pipelines that the tests start, must be those of .venv.
    os.environ["PATH"] = f"{BIN}{os.pathsep}{os.environ.get('PATH', '')}"
    checks = (
        ("ruff", "check", "."),
        ("mypy",),
        ("lint-imports",),
        ("pytest", "-q", *arguments),
    )
    for name, *options in checks:
        print(f"--- {name}", file=sys.stderr, flush=True)
        started = time.monotonic()
        code = call(BIN / name, *options)
        if code != 0:
            print(f"dev.py: {name} failed (exit code {code})", file=sys.stderr)
            return code
        print(f"--- {name}: {time.monotonic() - started:.0f} s", file=sys.stderr, flush=True)
    return 0 if arguments else other_interpreters()


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
