"""How many bytes a batch of a DataLoader has, and whether they are pinned, for the copy to the device.

Looked at only once a device is in use: until then, asking for pinned memory might start one. Only plain tensors on the
host count; nothing of the user's code is called, and no value is read.
"""

_MOST = 16  # tensors of a batch


def note_carried(recorder, torch, values, loader, time_ns):
    """Note the tensors among ``values``, the parts of a batch."""
    clock = recorder.clock
    if clock is None or not clock.may_ask():
        return
    plain = [value for value in values if type(value) is torch.Tensor and value.device.type == "cpu"]
    if not plain or len(plain) > _MOST:
        return
    pinned = [value.is_pinned() for value in plain if value.numel()]
    recorder.note(
        "carried",
        loader=loader,
        time_ns=time_ns,
        bytes=sum(value.numel() * value.element_size() for value in plain),
        pinned=all(pinned) if all(pinned) or not any(pinned) else None,
    )
