"""With ``--probe-model``: a copy of the served model that takes most time, and some of its inputs, in the run folder.

After the run, another process tries faster variants of the copy, which is then deleted. The weights go from the model's
own memory to a file, in a thread of ours and without the GIL, so that no request waits for them. Of the inputs, each is
written when it comes: the forward pass, or the program, may change it later. One process of a server makes the copy.
"""

import atexit
import os
import sys
import weakref

from ... import signals
from ...agent import native_thread
from ...agent.recorder import is_users_exception, now
from ...agent.ring import NullRing
from ...agent.unpatched import allocate_lock, get_ident

_WARM_UP = 4  # calls by whose time the model is chosen
_MAX_LINES = 64  # that call a model
_MAX_INPUTS = 8  # written at the calls 1, 2, 4, ... after the choice
_MAX_INPUT_BYTES = 16 << 20  # of one input
_MAX_MODEL_BYTES = 2 << 30
_FREE_TIMES = 4  # the disk must have so many times the model's bytes
_WAIT_SECONDS = 30.0  # for the file, when the program ends


class ModelCopies:
    """Call ``before`` with each outermost forward while requests are served, and ``after`` with what it returned."""

    def __init__(self, recorder, torch):
        self._recorder = recorder
        self._torch = torch
        self._folder = os.path.join(recorder.live, signals.MODEL)
        self._seconds = {}  # (class, line) -> time of its calls
        self._calls = 0
        self._chosen = None
        self._model = None  # a weak reference
        self._pid = 0
        self._inputs = 0
        self._since = 0  # calls since the choice
        self._turn = [True]  # whoever takes it may write
        self._written = None  # locked while the weights are being written
        self.on = True

    def before(self, module, args, kwargs):
        """Copy the model, or an input, if it is their turn. Our errors never propagate."""
        serving = self._recorder.serving
        if not self.on or serving is None or not serving.in_flight:
            return None
        try:
            key = type(module), self._recorder.site(3)
            if self._chosen is None:
                if self._calls < _WARM_UP:
                    return key
                self._chosen = max(self._seconds, key=self._seconds.get)
            if key == self._chosen:
                self._take(module, key[1], args, kwargs)
        except BaseException as error:
            if is_users_exception(error):
                raise
            self._give_up(0, error)
        return None

    def after(self, key, seconds):
        """A call has ended that ``before`` did not copy."""
        if len(self._seconds) < _MAX_LINES or key in self._seconds:
            self._seconds[key] = self._seconds.get(key, 0.0) + seconds
            self._calls += 1

    def _take(self, module, site, args, kwargs):
        try:
            self._turn.pop()
        except IndexError:  # another thread is at it
            return
        try:
            if self._model is None:
                self._begin(module, site)
            elif self._pid != os.getpid():  # forked: the parent does it
                self.on = False
            if self.on and self._model() is module:
                self._since += 1
                if not self._since & (self._since - 1):
                    self._input(args, kwargs)
        finally:
            self._turn.append(True)

    def _begin(self, module, site):
        problem = self._problem(module)
        if not problem:
            try:
                os.mkdir(self._folder, 0o700)
            except FileExistsError:  # another process of this server
                self.on = False
                return
        if problem:
            self._give_up(site, problem)
            return
        self._pid = os.getpid()
        self._model = weakref.ref(module)
        self._about()
        self._written = allocate_lock()
        self._written.acquire()
        atexit.register(self._wait)
        native_thread.start(self._write, module, site, self._size)

    def _problem(self, module):
        """Why a model is not copied, as a clause; "" if nothing is known against it."""
        torch = self._torch
        if "_orig_mod" in vars(module).get("_modules", ()):
            return "torch.compile has compiled it already"
        if isinstance(module, torch.jit.ScriptModule):
            return "it is a TorchScript module"
        tensors = [*module.parameters(), *module.buffers()]
        places = {tensor.device.type for tensor in tensors} - {"cpu"}
        if places:
            return "it is not on the CPU but on %s" % ", ".join(sorted(places))
        self._size = sum(tensor.numel() * tensor.element_size() for tensor in tensors)
        room = os.statvfs(self._recorder.live)
        if self._size > min(_MAX_MODEL_BYTES, room.f_bavail * room.f_frsize // _FREE_TIMES):
            return "it has %d MB of weights, too many for the run folder" % (self._size >> 20)
        return ""

    def _about(self):
        """What another process needs to load the copy as this one would."""
        main = sys.modules.get("__main__")
        cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
        fields = {
            "python": sys.executable,
            "path": [str(entry) for entry in sys.path],
            "main": getattr(main, "__file__", None) or "",
            "package": getattr(main, "__package__", None) or "",
            "folder": os.getcwd(),
            "prefixes": list(self._recorder.prefixes),
            "threads": self._torch.get_num_threads(),
            "cores": cores,
        }
        with open(os.path.join(self._folder, signals.MODEL_ABOUT), "x", encoding="utf-8") as file:
            file.write(repr(fields))

    def _write(self, module, site, size):
        """In a thread of ours: write the whole module."""
        began = now()
        ring = self._recorder.rings[get_ident()] = NullRing()
        ring.phase = signals.CHECKPOINT  # our own torch.save is none of the program's checkpoints
        path = os.path.join(self._folder, signals.MODEL_FILE)
        try:
            self._torch.save(module, path + ".part")
            os.rename(path + ".part", path)
            self._recorder.note(
                "model_copy", site=site, name=type(module).__name__, size=size, written_ns=now() - began
            )
        except BaseException as error:
            self.on = False
            self._drop()
            self._note(site, type(module).__name__, "it cannot be pickled: " + _said(error))
        finally:
            self._recorder.rings.pop(get_ident(), None)
            self._written.release()

    def _wait(self):
        """The interpreter must not end while the thread is inside torch."""
        if self._pid == os.getpid() and self._written.acquire(timeout=_WAIT_SECONDS):
            self._written.release()

    def _input(self, args, kwargs):
        if self._bytes((args, kwargs)) > _MAX_INPUT_BYTES:
            return
        ring = self._recorder.ring()
        outer, ring.phase = ring.phase, signals.CHECKPOINT
        path = os.path.join(self._folder, signals.MODEL_INPUT % self._inputs)
        try:
            self._torch.save((args, kwargs), path + ".part")
            os.rename(path + ".part", path)
            self._inputs += 1
        except BaseException as error:
            if is_users_exception(error):
                raise
            self.on = False  # the others would fail as well; those before stay
        finally:
            ring.phase = outer
        if self._inputs == _MAX_INPUTS:
            self.on = False

    def _bytes(self, value, depth=4):
        """Of the tensors in builtin containers."""
        if isinstance(value, self._torch.Tensor):
            return value.untyped_storage().nbytes()  # of a slice, torch.save writes the whole
        if isinstance(value, (tuple, list)) and depth:
            return sum(self._bytes(each, depth - 1) for each in value)
        if isinstance(value, dict) and depth:
            return sum(self._bytes(each, depth - 1) for each in value.values())
        return 0

    def _give_up(self, site, problem):
        self.on = False
        name = "" if self._chosen is None else self._chosen[0].__name__
        self._note(site, name, problem if isinstance(problem, str) else "the copy failed: " + _said(problem))

    def _note(self, site, name, problem):
        self._recorder.note("model_copy", site=site, name=name, problem=problem)

    def _drop(self):
        for name in (signals.MODEL_FILE, signals.MODEL_FILE + ".part"):
            try:
                os.unlink(os.path.join(self._folder, name))
            except OSError:
                pass


def _said(error):
    return "%s: %s" % (type(error).__name__, str(error).partition("\n")[0][:200])
