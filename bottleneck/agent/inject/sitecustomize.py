"""Starts the recording inside every Python process that descends from ``bottleneck run``.

Its folder comes first in PYTHONPATH, so every interpreter of the run imports it, whatever its version and environment.
It therefore parses on Python 3.6, costs next to nothing when it has nothing to do, and never raises. It then runs the
``sitecustomize`` that it shadows, as Python would have done without us.
"""

import gc
import os
import sys
import time

_OLDEST = (3, 9)
_VERSION = ".".join(map(str, sys.version_info[:3]))
# Modules and scripts that only help the user's program: installers and the compile workers of torch.
_HELPER_MODULES = ("pip", "ensurepip", "venv", "compileall", "py_compile", "torch._inductor.compile_worker")
_HELPER_FILES = ("/pip/__main__.py", "/pip/__pip-runner__.py", "/torch/_inductor/compile_worker/__main__.py")
_HELPER_NAMES = ("pip", "pip3", "ninja", "cmake", "cython")
# Helpers started with -c, except the multiprocessing workers, which run the user's functions.
_WORKER_CODE = ("from multiprocessing.spawn import", "from multiprocessing.forkserver import")
_SUPERVISOR = "bottleneck_profiler"


def _started_as() -> "tuple[str, str]":
    """How this interpreter was started: ("-c", code), ("-m", module), ("file", path) or ("", "")."""
    words = getattr(sys, "orig_argv", None)
    if words is None:  # before Python 3.10
        try:
            with open("/proc/self/cmdline", "rb") as file:
                words = os.fsdecode(file.read()).split("\0")[:-1]
        except OSError:
            words = [sys.executable or "python", *getattr(sys, "argv", [])]
    position = 1
    while position < len(words):
        word = words[position]
        position += 1
        if not word.startswith("-") or word == "-":
            return "file", word
        if word.startswith("--"):
            position += word == "--check-hash-based-pycs"
            continue
        for index, letter in enumerate(word[1:], 2):
            if letter in "cmWX":
                value = word[index:]
                if not value:
                    value = words[position] if position < len(words) else ""
                    position += 1
                if letter in "cm":
                    return "-" + letter, value
                break
    return "", ""


def _is_us(how: str, what: str) -> bool:
    """Whether this process is our own supervisor (a nested ``bottleneck run``) and not a program to record."""
    if how == "-m":
        return what.split(".")[0] == _SUPERVISOR
    if how == "file" and os.path.basename(what) == "bottleneck":
        try:
            with open(what, "rb") as file:
                return _SUPERVISOR.encode() in file.read(1024)
        except OSError:
            return False
    return False


def _is_helper(how: str, what: str) -> bool:
    """Whether this process is a helper of the user's program: an installer, a resource tracker, a compiler."""
    if how == "-c":
        return not what.lstrip().startswith(_WORKER_CODE)
    if how == "-m":
        return any(what == name or what.startswith(name + ".") for name in _HELPER_MODULES)
    if how == "file":
        return what.replace(os.sep, "/").endswith(_HELPER_FILES) or os.path.basename(what) in _HELPER_NAMES
    return False


def _is_main_interpreter() -> bool:
    """Whether this is not another interpreter of a process that is recorded already, whose handlers are not ours.

    There, signals are refused before their number is looked at.
    """
    import _signal

    try:
        _signal.signal(0, _signal.SIG_DFL)
    except ValueError as error:
        return "range" in str(error)
    return True


def _is_first(options: str) -> bool:
    """Whether ``bottleneck run`` started this process directly: then the user wants it recorded, helper or not."""
    return f"supervisor={os.getppid()}" in options.split(",")


def _is_over(options: str) -> bool:
    """Whether the recording has already ended while the program keeps running (``--duration``)."""
    until = [option[6:] for option in options.split(",") if option.startswith("until=")]
    return bool(until) and time.monotonic_ns() >= int(until[0])


def _write(run_dir: str, name: str, line: object) -> None:
    try:
        path = os.path.join(run_dir, "live", name)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            os.write(descriptor, (repr(line) + "\n").encode("utf-8", "backslashreplace"))
        finally:
            os.close(descriptor)
    except OSError:
        pass


def _run_start_code(run_dir: str, package: str) -> None:
    """Run the modules that the supervisor has put into one file; see ``capture/start_code.py``."""
    import marshal
    from _frozen_importlib import ModuleSpec
    from _frozen_importlib_external import MAGIC_NUMBER

    try:
        with open(os.path.join(run_dir, "live", MAGIC_NUMBER.hex() + ".code"), "rb") as file:
            data = file.read()
    except OSError:
        return
    for name, path, is_package, code in marshal.loads(data):
        above, _, last = (package + "." + name).rpartition(".")
        module = type(sys)(above + "." + last)
        module.__spec__ = ModuleSpec(module.__name__, None, origin=path, is_package=is_package)
        module.__package__ = module.__name__ if is_package else above
        module.__file__ = path
        if is_package:
            module.__path__ = [os.path.dirname(path)]
        sys.modules[module.__name__] = module
        setattr(sys.modules[above], last, module)
        exec(code, vars(module))


def _begin(run_dir: str, options: str) -> None:
    if sys.version_info < _OLDEST:
        _write(run_dir, "skipped", ("skipped", {"reason": "old", "python": _VERSION}))
        return
    if not _is_main_interpreter():
        return
    over = _is_over(options)
    how, what = _started_as()
    if _is_us(how, what):
        return
    if _is_helper(how, what) and not _is_first(options):
        if not over:
            _write(run_dir, "skipped", ("skipped", {"reason": "helper", "python": _VERSION}))
        return
    name = "_bottleneck_child"
    folder = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    # We build the package by hand: bottleneck/__init__.py belongs to the supervisor's half, and a folder of ours on
    # sys.path could shadow one of the user's modules.
    package = type(sys)(name)
    package.__path__ = [folder]
    sys.modules[name] = package
    if over:  # our objects may still be unpickled here: by a loader that started before the end
        return
    collects = gc.isenabled()
    gc.disable()  # what we make stays: to look through it would take a tenth of our time
    try:
        _run_start_code(run_dir, name)
        from _bottleneck_child.agent.bootstrap import start  # type: ignore[import-not-found]

        start(run_dir, options)
    finally:
        if collects:
            gc.enable()


def _run_hidden() -> None:
    """Run the sitecustomize that this one shadows, if any. Its exceptions propagate, as they would without us."""
    try:
        # The frozen modules: importing importlib.util would cost every process of the run two milliseconds.
        from _frozen_importlib import module_from_spec
        from _frozen_importlib_external import PathFinder

        here = os.path.dirname(os.path.abspath(__file__))
        others = [entry for entry in sys.path if os.path.abspath(entry) != here]
        spec = PathFinder.find_spec("sitecustomize", others)
        if spec is None or spec.loader is None:
            return
        module = module_from_spec(spec)
    except Exception:
        return
    sys.modules["sitecustomize"] = module
    spec.loader.exec_module(module)


_run_dir = os.environ.get("BOTTLENECK_RUN_DIR")
if _run_dir:
    try:
        _begin(_run_dir, os.environ.get("BOTTLENECK_OPTIONS", ""))
    except KeyboardInterrupt:
        raise
    except BaseException as _error:
        _text = f"{type(_error).__name__}: {str(_error)[:200]}"
        _write(
            _run_dir,
            f"{os.getpid()}.side",
            ("failed", {"collector": "recorder", "where": "start", "error": _text}),
        )
_run_hidden()
