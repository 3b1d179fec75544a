"""``torch._dynamo``: every compilation by torch.compile: duration, first time or recompilation, and call site.

Uses torch's own callbacks. ``torch._dynamo.reset()`` removes them; we register them again.
"""

from ..agent.recorder import now
from . import BaseCollector, dress

_MAX_NOTES = 2000  # compilations noted
_SIZES = "size mismatch"  # in torch's reason for a recompilation


class Collector(BaseCollector):
    id = "compile"
    module = "torch._dynamo"

    def hook(self, module):
        self.handler = module.callback_handler
        self.failures = getattr(module, "guard_failures", {})
        self.left = _MAX_NOTES
        self.began = None
        # Keep one object per callback: the handler removes callbacks by comparison.
        self.callbacks = self._start, self._end
        self._register()
        self.patches.replace(self.handler, "clear", self._clear(self.handler.clear))

    def detach(self):
        super().detach()
        for remove, mine in zip(self._both("remove"), self.callbacks):
            try:
                remove(mine)
            except ValueError:  # already removed
                pass

    def _both(self, verb):
        return [getattr(self.handler, "%s_%s_callback" % (verb, when)) for when in ("start", "end")]

    def _register(self):
        for register, mine in zip(self._both("register"), self.callbacks):
            register(mine)

    def _clear(self, original):
        def clear(*args, **kwargs):
            try:
                return original(*args, **kwargs)
            finally:
                if self.on:
                    try:
                        self._register()
                    except BaseException as error:
                        self.off("clear", error)

        return dress(clear, original)

    def _start(self, *args):
        """Called before a compilation; older versions of torch pass no arguments."""
        self.recorder.compiling = True
        if self.on and self.left:
            try:
                self.began = now(), self.recorder.site(2)
            except BaseException as error:
                self.off("start", error)

    def _end(self, *args):
        self.recorder.compiling = False
        if not (self.on and self.began):
            return
        try:
            (t0, site), self.began = self.began, None
            self.left -= 1
            name = str(getattr(args[0], "compile_id", "")) if args else ""
            frame, _, again = name.rpartition("/")
            trigger = getattr(getattr(args[0], "callback_trigger", None), "name", "") if args else ""
            self.recorder.note(
                "compile",
                t0=t0,
                t1=now(),
                site=site,
                frame=frame,
                again=int(again) if again.isdigit() else 0,
                backward=trigger == "LAZY_BACKWARD",
                sizes=self._by_sizes(frame),
            )
        except BaseException as error:
            self.off("end", error)

    def _by_sizes(self, frame):
        """Whether the frame's last recompilation was due to an input size. The text may contain the user's values."""
        for reasons in self.failures.values():
            if reasons and str(reasons[-1]).startswith(frame + "/"):
                return _SIZES in str(reasons[-1])
        return False
