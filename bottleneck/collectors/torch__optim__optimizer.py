"""``torch.optim.optimizer``: the device window, which runs some steps under torch.profiler if the user asked for it.

It starts some steps after the first optimizer step, ends on its own and removes all its hooks; the supervisor reads the
trace. Only one profiler can run, so the user's own profiler takes precedence. After torch has profiled, a fork of the
process hangs or aborts unless it exits with os._exit, as multiprocessing's do. This is a limitation of torch that we
cannot undo."""

import atexit
import os
import sys

from .. import signals
from ..agent.recorder import now
from ..agent.unpatched import get_ident
from . import BaseCollector, dress
from .support.forward import is_traced

_SETTLED = 10  # optimizer steps: loading, compiling and autotuning are done by then


class Collector(BaseCollector):
    id = "device_window"
    module = "torch.optim.optimizer"

    def attach(self, recorder):
        asked = recorder.options.get("window", "")
        if asked.isdigit() and int(asked) > 0 and recorder.role == signals.MAIN:
            self.length = int(asked)
            super().attach(recorder)

    def hook(self, module):
        self.count = 0
        self.first = None  # (thread, optimizer): training may use several
        self.profiler = None
        self.ended = False
        self.clocks = []
        self.began = self.t0 = self.t1 = 0
        self.mine = False  # we are creating a profiler
        self.handle = module.register_optimizer_step_post_hook(self._after_step)

    def detach(self):
        if getattr(self, "profiler", None) is not None:
            self._stop("The run ended inside the window.")
        super().detach()
        if getattr(self, "handle", None) is not None:
            self.handle.remove()  # not when the window ends: the optimizer is iterating over its hooks then
            self.handle = None

    def _after_step(self, optimizer, args, kwargs):
        try:
            if self.ended:
                return
            if not self.on:
                self._stop("The recording ended during the window.")
                return
            if self.recorder.role != signals.MAIN:  # a forked child: the window belongs to its parent
                self.ended = True
                return
            here = get_ident(), id(optimizer)
            if self.first is None:
                self.first = here
                self.compiling = is_traced(sys.modules["torch"])
                self._watch_profilers()
            if here != self.first or self.compiling():
                return
            self.count += 1
            if self.profiler is not None:
                self._step()
            elif self.count >= _SETTLED:
                self._start()
        except BaseException as error:
            self.profiler = None
            self._end()
            self.off("window", error)

    def _start(self):
        torch = sys.modules["torch"]
        self.began = now()
        if torch.autograd._profiler_enabled():
            self._end("A profiler of the program's own was running.")
            return
        cuda = torch.cuda.is_initialized()
        if cuda and torch.cuda.is_current_stream_capturing():
            return
        profiler, kinds = torch.profiler, torch.profiler.ProfilerActivity
        self.profiler = profiler.profile(
            activities=[kinds.CPU, kinds.CUDA] if cuda else [kinds.CPU],
            schedule=profiler.schedule(wait=0, warmup=1, active=self.length, repeat=1),
            on_trace_ready=self._export,
        )
        # torch crashes if the interpreter exits while a profiler is running.
        atexit.register(self._stop, "The program ended inside the window.")
        self._own(self.profiler.start)

    def _step(self):
        self.t1 = now()
        profiler = self.profiler
        self._own(profiler.step)
        if self.ended:
            self._own(profiler.stop)
            return
        # The same moment on both clocks.
        before = now()
        with sys.modules["torch"].autograd.profiler.record_function(signals.CLOCK):
            pass
        after = now()
        self.t0 = self.t0 or after
        self.clocks.append((before, after))

    def _own(self, function):
        self.mine = True
        try:
            function()
        finally:
            self.mine = False

    def _watch_profilers(self):
        """Make sure that a profiler of the user's, started before or in the window, finds no other profiler running."""
        profile = sys.modules["torch"].autograd.profiler.profile
        for name in ("__init__", "__enter__"):
            self.patches.replace(profile, name, self._yields(getattr(profile, name)))

    def _yields(self, original):
        def hooked(*args, **kwargs):
            if not (self.mine or self.ended):
                try:
                    self._stop("The program profiles itself.")
                except BaseException as error:
                    self.off("window", error)
            return original(*args, **kwargs)

        return dress(hooked, original)

    def _stop(self, problem):
        """End the window without a trace, or cancel it before it starts."""
        if self.recorder.role != signals.MAIN:
            return
        self._end(problem)
        profiler, self.profiler = self.profiler, None
        if profiler is not None:
            profiler.on_trace_ready = None
            self._own(profiler.stop)

    def _export(self, profiler):
        if self.ended:
            return
        path = os.path.join(self.recorder.live, "%d%s" % (self.recorder.pid, signals.TRACE_SUFFIX))
        profiler.export_chrome_trace(path)
        self.profiler = None
        self._end()

    def _end(self, problem=""):
        self.ended = True
        atexit.unregister(self._stop)
        self.patches.restore()
        window = {"began": self.began, "ended": now(), "t0": self.t0, "t1": self.t1, "clocks": self.clocks}
        self.recorder.note("device_window", problem=problem, **window)
