"""The alternative sampling engine: pyinstrument, used with ``--stacks=pyinstrument``."""

import atexit
import os


def start(recorder):
    """Start pyinstrument in this process and save its session at exit; False if it is not available."""
    try:
        profiler = __import__("pyinstrument").Profiler(async_mode="disabled")
        profiler.start()
    except Exception as error:
        recorder.note("failed", collector="pyinstrument", where="start", error=str(error)[:200])
        return False

    def save():
        if os.getpid() != recorder.pid or not profiler.is_running:
            return
        try:
            name = f"pyinstrument-{recorder.pid}.pyisession"
            profiler.stop().save(os.path.join(recorder.run_dir, name))
            recorder.note("pyinstrument", file=name)
        except Exception as error:
            recorder.fail("pyinstrument", "save", error)

    atexit.register(save)
    return True
