"""Stack frames: their current line, which Python does not always report, and whether their file is the user's."""

import gc
import os
import sys

_WALKING_ALLOCATES = sys.version_info[:2] == (3, 11)  # before, frames are linked; later, nothing is collected there
#: Ends of the file names of our hooks, by which ``warnings`` and pandas do not take them for the caller.
HOOKED = (" (as importlib_bootstrap)", "(hooked)")
TYPED = ("<ipython-input-", "<command-", "<stdin>")  # code that the user typed (IPython, Databricks), in no file
BY_VALUE = "<dynamic-code>"  # the file of functions that cloudpickle made from what another process sent
OURS = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep


def is_ours(file):
    """Whether a code object's file is one of ours, or our code in the place of a hooked function's."""
    return file.startswith(OURS) or file.endswith(HOOKED)


def library_prefixes():
    """Path prefixes of files that are not the user's: our own first, then the standard library, site-packages, and the
    console scripts beside them, which only call what they were installed with."""
    found = {os.path.dirname(os.__file__) + os.sep, "<"}  # what a library generates: "<sqlalchemy generated ...>"
    for entry in sys.path:
        if entry.rstrip("/").endswith(("site-packages", "dist-packages")):
            folder = os.path.abspath(entry)
            found.add(os.path.join(folder, ""))
            # lib/python3.11/site-packages, or Debian's lib/python3/dist-packages
            found.add(os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(folder))), "bin", ""))
    for base in (sys.prefix, sys.base_prefix, sys.exec_prefix):
        found.add(os.path.join(base, "lib", "python%d.%d" % sys.version_info[:2], ""))
    return (OURS, *found)


class AllFrames:
    """``with AllFrames() as frames``: the current frame of each thread, empty if the program uses subinterpreters.

    Python would also return their frames. We must not touch those: each subinterpreter may have its own GIL, and the
    program would crash. In Python 3.11, walking from a frame to its caller allocates. That may start a garbage
    collection, whose finalizers may release the GIL, and then the caller's frame is gone and something else stands in
    its place. So nothing is collected meanwhile; Python itself guards ``sys._current_frames`` in this way.
    """

    __slots__ = ("_collects", "_frames")

    def __enter__(self):
        self._collects = _WALKING_ALLOCATES and gc.isenabled()
        if self._collects:
            gc.disable()
        others = "_interpreters" in sys.modules or "_xxsubinterpreters" in sys.modules
        self._frames = {} if others else sys._current_frames()
        return self._frames

    def __exit__(self, *error):
        self._frames.clear()  # our own frame is one of them: the cycle would keep all of them alive
        if self._collects:
            gc.enable()


def function_of(code):
    """The qualified name of a function; before Python 3.11 IPython calls the code of a cell "<cell line: 1>"."""
    name = getattr(code, "co_qualname", code.co_name)
    return "<module>" if name.startswith("<cell line") else name


def line_of(frame):
    """The current line of ``frame``. Since Python 3.11 an instruction may have no line; then the line before it."""
    return frame.f_lineno or line_before(frame.f_code, frame.f_lasti)


def line_before(code, at):
    """The last line before an instruction that has no line, such as the jump back to the head of a loop."""
    line = code.co_firstlineno
    for start, _, number in code.co_lines():
        if start > at:
            break
        line = number or line
    return line
