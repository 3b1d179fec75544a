"""``python -m bottleneck_profiler.cli``: the command without its script."""

from . import main

main(prog_name="bottleneck")
