"""The operations of the simulated device: computed on the host, in the device's memory, and queued as work."""

import contextlib
import ctypes
import types
import weakref

import torch
from torch import ops
from torch._C import DispatchKey, DispatchKeySet

from . import _timeline as time

_ON_HOST, _ON_DEVICE = 1, 12  # device types in DLPack: kDLCPU, kDLExtDev
_pointer = ctypes.pythonapi.PyCapsule_GetPointer
_pointer.restype, _pointer.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
_CPU = DispatchKeySet(DispatchKey.CPU)
_aten = ops.aten
#: Only the shape of a tensor changes: the host's kernels keep the device of what they are given.
_VIEWS = (
    _aten.as_strided.default, _aten.view.default, _aten._reshape_alias.default, _aten.unfold.default,
    _aten.set_.source_Storage_storage_offset, _aten.set_.source_Storage, _aten.set_.source_Tensor,
    _aten.view_as_real.default, _aten.view_as_complex.default,
)  # fmt: skip
_PRODUCTS = ("mm", "addmm", "bmm", "baddbmm", "addmv", "mv", "dot")
_WAITS = (torch.Tag.data_dependent_output, torch.Tag.dynamic_output_shape)
_libraries = []
_pinned = {}  # address -> size
_used = [False]
_memory = [{"now": 0, "peak": 0} for _ in range(time.DEVICES)]  # bytes


def _seen_as(tensor, device_type, index=0):
    """The same memory as a tensor of the other device."""
    capsule = torch._C._to_dlpack(tensor)
    place = _pointer(capsule, b"dltensor") + 8
    ctypes.c_int32.from_address(place).value = device_type
    ctypes.c_int32.from_address(place + 4).value = index
    return torch._C._from_dlpack(capsule)


def on_device(tensor, index):
    """The memory of a tensor of the host as a tensor of the device."""
    _used[0] = True
    return _seen_as(tensor, _ON_DEVICE, index)


def on_host(tensor):
    """The memory of a tensor of the device as a tensor of the host."""
    return _seen_as(tensor, _ON_HOST)


def _allocated(tensor, memory):
    """Count the memory of a new tensor, as the host sees it, until it is freed."""
    size = tensor.untyped_storage().nbytes()
    memory["now"] += size
    memory["peak"] = max(memory.values())
    weakref.finalize(tensor, _freed, size, memory).atexit = False


def _freed(size, memory):
    memory["now"] -= size


def _memory_stats(device=None):
    memory = _memory[time.index_of(device)]
    figures = {"current": memory["now"], "peak": memory["peak"]}
    segments = {"allocated": 0, "freed": 0}
    return {"allocated_bytes": {"all": figures}, "reserved_bytes": {"all": figures}, "segment": {"all": segments}}


def _is_ours(value):
    return isinstance(value, torch.Tensor) and value.device.type == "sim"


def _mapped(value, change, is_it):
    if is_it(value):
        return change(value)
    if isinstance(value, (list, tuple)):
        return type(value)(_mapped(each, change, is_it) for each in value)
    return value


class _Call:
    """One operation, with the device's tensors in it replaced by the same memory seen by the host."""

    def __init__(self, op, args, kwargs):
        self.op = op
        self.tensors = []  # of the device
        self.hosts = []
        self.args = _mapped(list(args), self._host, _is_ours)
        self.kwargs = {name: _mapped(value, self._host, _is_ours) for name, value in kwargs.items()}
        wanted = kwargs.get("device")
        self.index = self.tensors[0].device.index if self.tensors and wanted is None else time.index_of(wanted)
        if wanted is not None:
            self.kwargs["device"] = torch.device("cpu")
        self.kwargs.pop("pin_memory", None)

    def _host(self, tensor):
        self.tensors.append(tensor)
        # Memory that is shared with a tensor of the other device cannot grow, and an empty output does.
        self.hosts.append(on_host(tensor) if tensor.numel() else torch.empty(tensor.shape, dtype=tensor.dtype))
        return self.hosts[-1]

    def run(self):
        """Compute; returns what the operation gives, on the device."""
        result = self.op(*self.args, **self.kwargs)
        for tensor, host in zip(self.tensors, self.hosts, strict=True):
            if tensor.shape != host.shape or tensor.data_ptr() != host.data_ptr():  # resized as an output
                made = on_device(host, self.index)
                _aten.set_.source_Tensor.redispatch(_CPU, tensor, made)
        return _mapped(result, self._given, lambda value: isinstance(value, torch.Tensor))

    def _given(self, tensor):
        for mine, host in zip(self.tensors, self.hosts, strict=True):
            if tensor is host:
                return mine
        _allocated(tensor, _memory[self.index])
        return on_device(tensor, self.index)

    def device_ns(self):
        """How long the device takes."""
        moved = sum(tensor.numel() * tensor.element_size() for tensor in self.hosts)
        name = self.op._schema.name.partition("::")[2]
        flops = 0
        if name in _PRODUCTS:
            shapes = [tensor.shape for tensor in self.hosts if tensor.dim()][-3 if "out" in self.kwargs else -2 :][:2]
            flops = 2 * shapes[0].numel() * shapes[1][-1]
        elif "convolution" in name:
            flops = 2 * self.hosts[1].numel() * self.hosts[0].numel() // max(1, self.hosts[0].shape[1])
            flops *= 2 if "backward" in name else 1
        return max(time.KERNEL_NS, time.FLOP_NS * flops, time.BYTE_NS * moved)


def _kernel(op, *args, **kwargs):
    """Any operation of the device."""
    if op in _VIEWS:
        return op.redispatch(_CPU, *args, **kwargs)
    call = _Call(op, args, kwargs)
    stream = time.current_stream(call.index)
    if any(tag in op.tags for tag in _WAITS) or (op is _aten.index.Tensor and _has_mask(args[1])):
        stream.launch(call.device_ns())
        time.wait_until(stream.ends)
    elif not op._schema.name.startswith(("aten::empty", "aten::resize")):
        stream.launch(call.device_ns())
    return call.run()


def _has_mask(indices):
    return any(index is not None and index.dtype in (torch.bool, torch.uint8) for index in indices)


def _copy(source, target, non_blocking=False):
    """``target.copy_(source)`` between host and device, or within the device."""
    stream = time.current_stream((target if _is_ours(target) else source).device.index)
    size = source.numel() * source.element_size()
    hosts = [tensor if not _is_ours(tensor) else on_host(tensor) for tensor in (source, target)]
    if _is_ours(source) and _is_ours(target):
        apart = source.device != target.device
        if apart:
            stream.wait_stream(time.current_stream(source.device.index))
        stream.launch(max(time.KERNEL_NS, (time.COPY_BYTE_NS if apart else 2 * time.BYTE_NS) * size))
    else:
        pinned = is_pinned(target if _is_ours(source) else source)
        stream.launch(max(time.COPY_NS, time.COPY_BYTE_NS * size * (1 if pinned else time.PAGEABLE_FACTOR)))
        if not (pinned and non_blocking):
            time.wait_until(stream.ends)
    hosts[1].copy_(hosts[0])
    return target


def _convolution(input, weight, bias, *args):
    return _kernel(_aten.convolution.default, input, weight, bias, *args)


def _convolution_backward(grad, input, weight, stride, padding, dilation, transposed, output_padding, groups, mask):
    sizes = [weight.shape[1] * groups if transposed else weight.shape[0]]
    args = (sizes, stride, padding, dilation, transposed, output_padding, groups, mask)
    return _kernel(_aten.convolution_backward.default, grad, input, weight, *args)


def _pin(tensor, device=None):
    copy = tensor.clone()
    start = copy.untyped_storage().data_ptr()
    _pinned[start] = start + copy.untyped_storage().nbytes()
    while len(_pinned) > 256:  # long freed
        _pinned.pop(next(iter(_pinned)))
    return copy


def is_pinned(tensor, device=None):
    return tensor.untyped_storage().data_ptr() in _pinned


def register():
    """Make torch call these."""
    torch.set_num_threads(1)  # a launch takes one thread
    every = torch.library.Library("_", "IMPL")
    every.fallback(_kernel, "PrivateUse1")
    ours = torch.library.Library("aten", "IMPL")
    ours.impl("_copy_from", _copy, "PrivateUse1")
    ours.impl("convolution_overrideable", _convolution, "PrivateUse1")
    ours.impl("convolution_backward_overrideable", _convolution_backward, "PrivateUse1")
    ours.impl("_pin_memory", _pin, "CPU")
    ours.impl("is_pinned", is_pinned, "CPU")
    _libraries.extend([every, ours])


@contextlib.contextmanager
def _on(device):
    """``with torch.sim.device(1):``"""
    outer = time.current_device()
    time.set_device(device)
    try:
        yield
    finally:
        time.set_device(outer)


def as_module(torch, timeline):
    """What will be ``torch.sim``."""
    made = types.ModuleType("torch.sim")
    for name in (
        "Event", "Graph", "Stream", "current_device", "current_stream", "default_stream",
        "is_current_stream_capturing", "set_device", "stream", "synchronize",
    ):  # fmt: skip
        setattr(made, name, getattr(timeline, name))
    made.is_available = lambda: True
    made.is_initialized = lambda: _used[0]
    made.device_count = lambda: timeline.DEVICES
    made.device = _on
    made._is_in_bad_fork = lambda: False
    made.manual_seed_all = made.manual_seed = lambda seed: None
    made.memory_allocated = lambda device=None: _memory[time.index_of(device)]["now"]
    made.memory_stats_as_nested_dict = _memory_stats
    made.get_device_properties = lambda device: types.SimpleNamespace(name="Simulated device", total_memory=1 << 34)
    made.get_device_name = lambda device=None: "Simulated device"
    return made
