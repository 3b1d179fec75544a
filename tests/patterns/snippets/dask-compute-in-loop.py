# slow
# below: compute dask/base.py, compute dask/base.py
def means(frame, names):
    for name in names:
        yield frame[name].mean().compute()  # hot
# exempt: once
# below: compute dask/base.py
def means(frame):
    return frame.mean().compute()  # hot
