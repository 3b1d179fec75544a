"""What the first batch of a loader's process holds: bytes of each part, and whether a byte a value would hold it.

Looked at once, and only where a device window was asked for: what the copies of a batch cost is in there.
"""

_MAX_PARTS = 16
_VALUES = 4096  # looked at, of one channel of the first sample
_MIN_VALUES = 1024  # of fewer values, few different ones say nothing
_LEVELS = 256  # a byte's


def note_batch_parts(recorder, batch):
    """Note the parts of ``batch``, tensors and arrays inside lists and dictionaries. ``levels``: 0 for not known."""
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
        if str(device) == "cpu":  # looking at another one's values would wait for it
            yield value
    elif depth and isinstance(value, dict):
        for item in value.values():
            yield from _parts(item, depth - 1)
    elif depth and isinstance(value, (list, tuple)):
        for item in value[:_MAX_PARTS]:
            yield from _parts(item, depth - 1)


def _levels(part):
    """How many different values a channel of the first sample has, where enough of them were looked at.

    Of an image that was bytes and has been scaled since, no more than a byte can tell apart.
    """
    shape = part.shape
    if len(shape) < 2 or 0 in shape:
        return 0
    channel = shape[-1] * (shape[-2] if len(shape) > 2 else 1)
    values = part[0].reshape(-1)[: min(channel, _VALUES)].tolist()
    return len(set(values)) if len(values) >= _MIN_VALUES else 0
