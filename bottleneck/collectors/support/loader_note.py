"""Writes the note "loader": the configuration of a DataLoader and the code that makes its samples and batches."""

import sys
from functools import partial


def innermost(dataset):
    """The dataset inside a Subset or a similar wrapper."""
    data = sys.modules["torch.utils.data"]
    while isinstance(getattr(dataset, "dataset", None), data.Dataset):
        dataset = dataset.dataset
    return dataset


def note_loader(recorder, loader, inner, number, site):
    """Describe a loader once. ``inner``: its innermost dataset; ``site``: where it was constructed."""
    iterable = isinstance(loader.dataset, sys.modules["torch.utils.data"].IterableDataset)
    item = getattr(type(inner), "__iter__" if iterable else "__getitem__", None)
    code = getattr(getattr(item, "__wrapped__", item), "__code__", None)
    collate = _code_of(loader.collate_fn, recorder.is_user)
    length, samples = (None, None) if iterable else _lengths(loader)
    recorder.note(
        "loader",
        id=number,
        site=site,
        iter_site=recorder.site(),
        num_workers=int(loader.num_workers),
        batch_size=loader.batch_size if isinstance(loader.batch_size, int) else None,
        prefetch_factor=getattr(loader, "prefetch_factor", None),
        sampler=_order_of(loader),
        in_order=getattr(loader, "in_order", None),
        persistent_workers=bool(getattr(loader, "persistent_workers", False)),
        pin_memory=bool(getattr(loader, "pin_memory", False)),
        length=length,
        samples=samples,
        drop_last=bool(getattr(loader, "drop_last", False)),
        dataset=type(inner).__name__,
        dataset_site=recorder.site_of(code, code.co_firstlineno) if code is not None else 0,
        collate=getattr(loader.collate_fn, "__qualname__", type(loader.collate_fn).__name__),
        collate_site=recorder.site_of(collate, collate.co_firstlineno) if collate is not None else 0,
        iterable=iterable,
    )


def _lengths(loader):
    """(batches, samples) per epoch; None if unknown. We never ask a stream: torch caches the length and warns."""
    try:
        return len(loader), len(loader.sampler)
    except Exception:
        return None, None


def _order_of(loader):
    """The class that decides the order of the samples; None for a stream."""
    batches = getattr(loader, "batch_sampler", None)
    # With a custom batch sampler, the loader has no batch size.
    own = batches is not None and loader.batch_size is None
    sampler = batches if own else getattr(loader, "sampler", None)
    return None if sampler is None else type(sampler).__name__


def _code_of(function, is_user):
    """The user's code behind a collate function: unwraps a partial, a method, a callable object or a wrapper."""
    for _ in range(4):
        if isinstance(function, partial):
            function = function.func
        function = getattr(function, "__wrapped__", function)
        code = getattr(getattr(function, "__func__", function), "__code__", None)
        if code is None:
            code = getattr(type(function).__call__, "__code__", None)
        if code is not None and is_user(code):
            return code
        # Libraries such as transformers and accelerate wrap the user's collator.
        inner = getattr(function, "data_collator", None) or getattr(function, "collate_fn", None)
        if inner is None:
            return None
        function = inner
    return None
