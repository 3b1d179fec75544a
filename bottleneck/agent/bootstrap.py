"""Starts recording inside a process: writes the hello note and attaches a collector to each known library on import.

Loaded by ``inject/sitecustomize.py`` (or by the API) under the private package name ``_bottleneck_child``.
Costs a few milliseconds: it imports nothing heavy, and none of the libraries that it watches.
"""

import atexit
import os
import sys

from . import recorder as recorder_module
from .recorder import is_users_exception, now

_PACKAGE = __name__.rpartition(".agent")[0]
_attached = {}
_finder = None
_imported = None  # called with each watched module; only a run of ``bottleneck try`` has it


class _Finder:
    """A meta-path finder that attaches a collector once a watched module has been imported."""

    def __init__(self, watched):
        self._watched = watched
        self._busy = set()

    def find_spec(self, name, path=None, target=None):
        if name not in self._watched or name in self._busy:
            return None
        self._busy.add(name)
        try:
            for finder in sys.meta_path:
                if finder is not self and hasattr(finder, "find_spec"):
                    spec = finder.find_spec(name, path, target)
                    if spec is not None:
                        break
            else:
                return None
        finally:
            self._busy.discard(name)
        loader = spec.loader
        original = getattr(loader, "exec_module", None)
        if original is None:
            return spec
        watched = self._watched

        def exec_module(module):
            # Remove the instance attribute first, so that the loader is unmodified again.
            try:
                del loader.exec_module
            except AttributeError:
                pass
            original(module)
            attach(name, watched[name])

        try:
            setattr(loader, "exec_module", exec_module)  # noqa: B010
        except (AttributeError, TypeError):  # attributes of built-in loaders cannot be set
            pass
        return spec


def attach(module_name, collector_name):
    """Attach the collector in file ``collector_name`` to the imported ``module_name``. Our errors never propagate."""
    recorder = recorder_module.recorder()
    if recorder is None or not recorder.active or collector_name in _attached:
        return
    _attached[collector_name] = None
    try:
        collector = _load(collector_name)
        collector.attach(recorder)
        _attached[collector_name] = collector
    except BaseException as error:
        if is_users_exception(error):
            raise
        recorder.fail(collector_name, "attach", error)
    if _imported is not None:
        _imported(module_name)


def detach_all():
    """Detach all collectors in reverse order (the API calls this when its block ends)."""
    recorder = recorder_module.recorder()
    for name in reversed(list(_attached)):
        collector = _attached.pop(name)
        if collector is not None:
            try:
                collector.detach()
            except Exception as error:
                recorder.fail(name, "detach", error)


def _pass_all():
    """Turn every hook into a pass-through when the recording ends before the program does.

    Hooks stay installed, since other threads may be inside them. The sampler removes itself in the main thread.
    """
    for name, collector in list(_attached.items()):
        if collector is not None and name != "_stacks":
            collector.on = False


def _load(collector_name):
    module = __import__(_PACKAGE + ".collectors." + collector_name, fromlist=["Collector"])
    return module.Collector()


def _trial(recorder, path):
    try:
        return __import__(_PACKAGE + ".collectors.support.trial", fromlist=["follow"]).follow(recorder, path)
    except Exception as error:
        recorder.fail("trial", "attach", error)
        return None


def watched_modules():
    """{module name: collector file}, derived from the file names in collectors/ only."""
    folder = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "collectors")
    names = [n[:-3] for n in os.listdir(folder) if n.endswith(".py") and not n.startswith("_")]
    return {name.replace("__", "."): name for name in names}


def start(run_dir, options=""):
    """Begin recording into ``run_dir``; idempotent. ``options`` is ``key=value,...`` as in signals.OPTIONS_VARIABLE."""
    if recorder_module.recorder() is not None:
        return recorder_module.recorder()
    known = dict(item.split("=", 1) for item in options.split(",") if "=" in item)
    recorder = recorder_module.install(run_dir, until=int(known.get("until", recorder_module.NEVER)))
    recorder.options = known
    recorder.own = tuple(path for path in known.get("own", "").split(os.pathsep) if path)
    recorder.at_end = _pass_all
    atexit.register(_bye, recorder)  # first registered, so it runs last
    if recorder.options.get("stacks", "auto") != "off":
        try:
            _attached["_stacks"] = sampler = _load("support.stacks")
            sampler.attach(recorder)
        except ImportError:
            pass
        except Exception as error:
            recorder.fail("stacks", "attach", error)
    watched = watched_modules()
    global _finder, _imported
    if "trial" in known:
        _imported = _trial(recorder, known["trial"])
    _finder = _Finder(watched)
    sys.meta_path.insert(0, _finder)
    for module, collector in watched.items():
        if module in sys.modules:
            attach(module, collector)
    recorder.note("ready", time_ns=now())
    return recorder


def stop():
    """Undo ``start``: remove all hooks, so that the next ``start`` records from scratch. Used by ``profile``."""
    global _finder, _imported
    recorder = recorder_module.recorder()
    if recorder is None:
        return
    if _finder in sys.meta_path:
        sys.meta_path.remove(_finder)
    _finder = _imported = None
    detach_all()
    atexit.unregister(_bye)
    _bye(recorder)
    recorder_module.uninstall()


def _bye(recorder):
    if recorder.pid != os.getpid():
        return
    for ring in recorder.rings.values():
        bare = ring.governors.get(0)
        if bare is not None:
            bare.leave(ring)
    recorder.note("bye", time_ns=now())
