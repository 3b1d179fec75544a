"""File names as the recording writes them: absolute paths, and "cell [2]" for a notebook cell."""

import os
import sys

from .. import signals

_SHELLS = "IPython.core.interactiveshell"
_RUNS_CELLS = os.path.join("IPython", "core", "interactiveshell.py")


class Files:
    """The file names of one process.

    The source of a notebook cell is not on disk, so we save it in ``folder``. It is read and deleted after the run. We
    save each cell that gets a name and, once and without names, all cells that ran earlier.
    """

    def __init__(self, folder):
        self._folder = folder
        self._names = {}
        self._told = False

    def name(self, file):
        """The name that the recording uses for a code object's file."""
        found = self._names.get(file)
        if found is None:
            found = self._names[file] = self._cell(file) or (file if file[:1] == "<" else os.path.abspath(file))
        return found

    def _cell(self, file):
        """The name of the cell that IPython compiled under this file name; "" if there is none."""
        try:
            # Not get_ipython(): while the program is importing IPython, that would import parts of it too early.
            shell = vars(sys.modules[_SHELLS])["InteractiveShell"]._instance
            label = shell.compile.format_code_name(file)  # ("Cell", "In[2]")
            cell = "cell " + label[1].removeprefix("In") if label else ""
        except Exception:
            return ""  # there is no IPython, or no shell
        if cell:
            try:
                self._keep(cell, file, shell)
            except Exception:
                pass  # the source is unavailable, as for a deleted file
        return cell

    def _keep(self, cell, file, shell):
        texts = [(cell, "".join(sys.modules["linecache"].cache[file][2]))]
        if not self._told:
            self._told = True
            texts += [("", text) for text in shell.history_manager.input_hist_parsed]
        path = os.path.join(self._folder, "%d%s" % (os.getpid(), signals.CELLS_SUFFIX))
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            os.write(descriptor, "".join(repr(each) + "\n" for each in texts).encode("utf-8", "backslashreplace"))
        finally:
            os.close(descriptor)


def runs_cells(code):
    """Whether this is the IPython function that runs a cell: the frames above it belong to the notebook kernel."""
    return code.co_name == "run_code" and code.co_filename.endswith(_RUNS_CELLS)
