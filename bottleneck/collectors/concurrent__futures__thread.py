"""``concurrent.futures.thread``: which line makes an executor, and how many threads it has at most.

The sampling thread looks at the queues (``support/thread_pools.py``).
"""

from . import BaseCollector
from .support.hooking import hook, like

MOST_NOTED = 256  # executors; later ones share the number 0


class Collector(BaseCollector):
    id = "executors"
    module = "concurrent.futures.thread"

    def hook(self, module):
        def make(original):
            def __init__(*args, **kwargs):
                original(*args, **kwargs)
                if self.on:
                    try:
                        self._note(args[0] if args else kwargs["self"])
                    except BaseException as error:
                        self.off("after", error)

            return like(__init__, original)

        hook(self, module.ThreadPoolExecutor, "__init__", make)

    def _note(self, executor):
        numbers, key = self.recorder.executors, id(executor._work_queue)
        numbers.pop(key, None)  # of an executor that is gone
        if len(numbers) < MOST_NOTED:
            number = numbers[key] = max(numbers.values(), default=0) + 1
            self.recorder.note(
                "executor",
                id=number,
                site=self.recorder.site(),
                most=executor._max_workers,
                default=executor._thread_name_prefix == "asyncio",
            )
