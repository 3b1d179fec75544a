"""Describes the first batch of a process: bytes of each part, and whether one byte per value would be enough.

Done once, and only with a device window, whose trace contains the cost of copying a batch to the device.
"""

_MAX_PARTS = 16
_VALUES = 4096  # values read from one channel of the first sample
_MIN_VALUES = 1024  # with fewer values, a small number of distinct ones means nothing
_LEVELS = 256  # distinct values of a byte


def note_batch_parts(recorder, batch):
    """Note the parts of ``batch``: tensors and arrays inside lists and dictionaries. ``levels``: 0 if unknown."""
    parts = []
    for part in _parts(batch, 3):
        if len(parts) == _MAX_PARTS:
            break
        item = part.dtype.itemsize
        size = (part.numel() if hasattr(part, "numel") else part.size) * item
        floats = "float" in str(part.dtype)
        parts.append({"bytes": int(size), "item_bytes": int(item), "levels": _levels(part) if floats else 0})
    recorder.note("batch_parts", parts=parts)


def _parts(value, depth):
    if hasattr(value, "dtype") and hasattr(value, "reshape") and hasattr(value.dtype, "itemsize"):
        device = getattr(value, "device", "cpu")
        if str(device) == "cpu":  # reading values on another device would block
            yield value
    elif depth and isinstance(value, dict):
        for item in value.values():
            yield from _parts(item, depth - 1)
    elif depth and isinstance(value, (list, tuple)):
        for item in value[:_MAX_PARTS]:
            yield from _parts(item, depth - 1)


def _levels(part):
    """The number of distinct values in a channel of the first sample, if it has enough values.

    An image that was stored as bytes and then scaled has at most 256.
    """
    shape = part.shape
    if len(shape) < 2 or 0 in shape:
        return 0
    channel = shape[-1] * (shape[-2] if len(shape) > 2 else 1)
    values = part[0].reshape(-1)[: min(channel, _VALUES)].tolist()
    return len(set(values)) if len(values) >= _MIN_VALUES else 0
