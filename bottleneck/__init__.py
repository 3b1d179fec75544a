"""bottleneck_profiler: where a machine-learning job's time goes, what limits it, and what each fix would gain.

The package lives in the folder ``bottleneck/`` and is installed as ``bottleneck_profiler``. In a checkout, Python also
finds this folder when somebody (pandas and xarray do) writes ``import bottleneck`` and means the array library of that
name. The guard below then loads that library instead, so that both can be used side by side.
"""

from __future__ import annotations

import os
import sys

__version__ = "0.1.0"
__all__ = ["ASGIMiddleware", "WSGIMiddleware", "__version__", "mark", "profile", "read", "stage", "steps"]
_EXTENSION = ["load_ipython_extension", "unload_ipython_extension"]  # what %load_ext looks for

TYPE_CHECKING = False  # the real constant would import typing, and every process we record would pay for it
if TYPE_CHECKING:
    from .api import mark, profile, read, stage, steps
    from .asgi import ASGIMiddleware
    from .wsgi import WSGIMiddleware


def _load_array_library() -> None:
    """Put the array library ``bottleneck`` in our place in ``sys.modules``; ModuleNotFoundError where there is none."""
    from importlib.machinery import PathFinder
    from importlib.util import module_from_spec

    root = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
    elsewhere = [entry for entry in sys.path if os.path.realpath(entry or os.getcwd()) != root]
    spec = PathFinder.find_spec("bottleneck", elsewhere)
    if spec is None or spec.loader is None:
        raise ModuleNotFoundError("No module named 'bottleneck'", name="bottleneck")
    library = module_from_spec(spec)
    sys.modules["bottleneck"] = library  # the import statement hands out what it finds here
    spec.loader.exec_module(library)


def __getattr__(name: str) -> object:
    """The public names, loaded at first use: ``import bottleneck_profiler`` alone costs next to nothing."""
    if name.startswith("_") or name not in (*__all__, *_EXTENSION, "dask"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    if name == "dask":
        return import_module(".dask", __name__)
    files = {"ASGIMiddleware": ".asgi", "WSGIMiddleware": ".wsgi"}
    value = getattr(import_module(files.get(name, ".api"), __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


if __name__ == "bottleneck":
    _load_array_library()
