"""``mlflow.tracking.fluent``: the run of MLflow that the program logs to, if ``bottleneck run --mlflow`` asks."""

import sys

from . import BaseCollector
from .support.hooking import hook
from .support.trackers import asked, public


class Collector(BaseCollector):
    id = "mlflow"
    module = "mlflow.tracking.fluent"

    def hook(self, module):
        if not asked(self.recorder, "mlflow"):
            return

        def of_client(original):  # loggers of frameworks use a client of their own
            return self.wrap(original, lambda args, named: args[0].tracking_uri, self._began)

        def of_program(original):  # also goes on with a run that is there
            return self.wrap(original, lambda args, named: sys.modules["mlflow"].get_tracking_uri(), self._began)

        hook(self, module.MlflowClient, "create_run", of_client, by_name=False)
        hook(self, module, "start_run", of_program, by_name=False)

    def _began(self, address, run, failed):
        if not failed and run is not None:
            self.recorder.note("tracked_run", tool="mlflow", id=str(run.info.run_id), where=public(address))
