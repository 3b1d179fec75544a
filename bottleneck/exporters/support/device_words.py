"""What the devices of a default run did, in sentences for the terminal and HTML reports."""

from __future__ import annotations

from dataclasses import dataclass

from ...diagnosis.model import DeviceUse, Diagnosis
from . import units, words

_IDLE = 0.01  # of the steps: less idle time of a device is not worth a word
_KEPT_UP = 0.2  # of the steps: a device that keeps up with the host's launches may be idle for most of that
_WITNESSES = 0.1  # of the time: NVML rounds, and takes means of up to a second
_CAUSES = {"input": "while the loop waited for data", "sync": "while the host worked after a wait for the device"}
#: Cause of idle time -> (what it is, its colour, as that of traced devices in device_page).
_PARTS = {
    "input": ("idle at least, the loop waits for data", "c-wait"),
    "sync": ("idle at least, the host works after a wait", "c-checkpoint"),
}


@dataclass(frozen=True)
class Part:
    """One part of a device's bar: what the device did, the share of the steps' time, and its colour class."""

    label: str
    share: float
    colour: str


@dataclass(frozen=True)
class TimedDevice:
    """A device of a default run. ``parts``: its bar, the whole of the steps' time; none where nothing timed it."""

    sentence: str
    parts: tuple[Part, ...]


def devices(diagnosis: Diagnosis) -> list[TimedDevice]:
    """What is known of each device of a default run, the timed one first."""
    timed = [use for use in diagnosis.devices if use.basis in ("events", "nvml", "not-measured")]
    return [TimedDevice(_device(use, len(timed) > 1), tuple(_parts(use))) for use in timed]


def _parts(use: DeviceUse) -> list[Part]:
    """Busy at most, and idle at least by cause. What is not worth a word counts as busy."""
    if use.idle_share is None:
        return []
    seconds = use.idle_seconds_by_cause or {}
    shares = {cause: seconds.get(cause, 0.0) / max(use.window_seconds, 1e-9) for cause in _PARTS}
    idle = [Part(_PARTS[cause][0], share, _PARTS[cause][1]) for cause, share in shares.items() if share >= _IDLE]
    busy = max(0.0, 1.0 - sum(part.share for part in idle))
    return [Part("busy at most", busy, "c-forward"), *idle]


def window_would_tell(diagnosis: Diagnosis) -> bool:
    """Whether a device may be idle between launches, which only a window of traced steps shows."""
    return any(_keeps_up(use) for use in diagnosis.devices)


def _keeps_up(use: DeviceUse) -> bool:
    return _kept_up(use) >= _KEPT_UP and _kept_up(use) > (use.idle_share or 0.0)


def _kept_up(use: DeviceUse) -> float:
    return (use.kept_up_seconds or 0.0) / max(use.window_seconds, 1e-9)


def _device(use: DeviceUse, several: bool) -> str:
    """What a device did in the steps, by the events in its queue and by NVML."""
    gpu = use.name in ("cuda", "xpu")
    device = "GPU" if gpu else f"device ({words.visible(use.name)})"
    the = f"{device} {use.index}" if gpu and several else f"the {device} {use.index}" if several else f"the {device}"
    seen = "" if use.nvml_share is None else f"NVML saw kernels run on it in {units.share(use.nvml_share)} of that time"
    if use.idle_share is None or use.busy_share is None:
        untimed = f"The program also uses {the}, which was not"
        return f"{untimed} timed in the steps; {seen}." if seen else f"{untimed} measured."
    if _keeps_up(use):
        text = (
            f"In {units.share(_kept_up(use))} of the steps' time, {the} has nothing left to do before or after the "
            "host's launches. Run again with --device-window 10 to see how busy it is in between."
        )
        return f"{text} {seen}." if seen else text
    return f"In the steps, {the} {_busy_or_idle(use, use.busy_share, use.idle_share)}. {_disagreement(use)}".rstrip()


def _busy_or_idle(use: DeviceUse, busy: float, idle: float) -> str:
    if idle < _IDLE:
        return f"is busy for up to {units.share(busy)} of the time"
    seconds = use.idle_seconds_by_cause or {}
    cause = max(seconds, key=lambda name: seconds[name])
    part = seconds[cause] / max(sum(seconds.values()), 1e-9)
    return f"idles for at least {units.share(idle)}; {units.share(part)} of that {_CAUSES[cause]}"


def _disagreement(use: DeviceUse) -> str:
    """A sentence where NVML and the events in the device's queue cannot both be right about the same device."""
    seen, most, least = use.nvml_share, use.busy_share, use.busy_at_least_share
    if seen is None or most is None or least is None:
        return ""
    said = f"NVML disagrees: it saw kernels run in {units.share(seen)} of that time"
    if seen > most + _WITNESSES:
        return (
            f"{said}, and by the events in the queue it was busy for at most {units.share(most)}. "
            "NVML also counts other streams and other programs."
        )
    if seen < least - _WITNESSES:
        return (
            f"{said}, and by the events in the queue it was busy for at least {units.share(least)}. "
            "NVML counts neither copies nor waits inside the queue."
        )
    return ""
