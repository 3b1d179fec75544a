"""The package is written in `bottleneck/` and installed as `bottleneck_profiler` (pyproject.toml says the rest)."""

from setuptools import find_packages, setup

NAME = "bottleneck_profiler"
# find_packages walks the folder; a fixed list would silently ship none of the subpackages added after it.
PACKAGES = [NAME, *(f"{NAME}.{package}" for package in find_packages("bottleneck"))]
# Files that Python does not import by package name: report templates and scripts, schemas, the injected module.
DATA = [
    "py.typed",
    "**/*.json",
    "**/*.html",
    "**/*.j2",
    "**/*.css",
    "**/*.js",
    "**/*.ini",
    "**/inject/*.py",
    "patterns/README.md",
]

setup(packages=PACKAGES, package_dir={NAME: "bottleneck"}, package_data={NAME: DATA})
