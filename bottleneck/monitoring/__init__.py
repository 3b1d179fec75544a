"""Signals of a run's machine that a monitoring system has kept, where the run could not measure them itself.

A source (Prometheus, CloudWatch) gives samples of the host and of GPUs in the columns of the recording; ``fill`` puts
them where nothing was measured, and the report names the source.
"""

from . import cloudwatch, prometheus
from .fill import fill
from .samples import DeviceSamples, HostSamples, NoSamples, Samples

__all__ = ["DeviceSamples", "HostSamples", "NoSamples", "Samples", "cloudwatch", "fill", "prometheus"]
