"""What the recording calls the files that code is in: paths, and "cell [2]" for a cell of a notebook."""

import os
import sys

from .. import signals

_SHELLS = "IPython.core.interactiveshell"
_RUNS_CELLS = os.path.join("IPython", "core", "interactiveshell.py")


class Files:
    """The names of one process's files.

    The text of a cell is nowhere on the disk. It is left in ``folder`` to those who ask the source after the run and
    then delete it: of each cell that is named, and once, without a name, of all cells that were run before.
    """

    def __init__(self, folder):
        self._folder = folder
        self._names = {}
        self._told = False

    def name(self, file):
        """A code object's file as the recording calls it."""
        found = self._names.get(file)
        if found is None:
            found = self._names[file] = self._cell(file) or (file if file[:1] == "<" else os.path.abspath(file))
        return found

    def _cell(self, file):
        """The name of a cell that IPython compiled under the name of this file; "" where there is none."""
        try:
            # Not get_ipython(): while the program imports IPython, that would import parts of it before their turn.
            shell = vars(sys.modules[_SHELLS])["InteractiveShell"]._instance
            label = shell.compile.format_code_name(file)  # ("Cell", "In[2]")
            cell = "cell " + label[1].removeprefix("In") if label else ""
        except Exception:
            return ""  # there is no IPython, or no shell
        if cell:
            try:
                self._keep(cell, file, shell)
            except Exception:
                pass  # the source cannot be asked, as that of a file that is gone
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
    """Whether it is the function of IPython's that runs a cell: what called it is the notebook's kernel."""
    return code.co_name == "run_code" and code.co_filename.endswith(_RUNS_CELLS)
