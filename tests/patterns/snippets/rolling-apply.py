# slow
# below: apply pandas/core/window/rolling.py
def smooth(series):
    return series.rolling(48).apply(lambda window: window.mean())  # hot
# exempt: compiled
# below: apply pandas/core/window/rolling.py
def smooth(series):
    return series.rolling(48).apply(lambda window: window.mean(), raw=True, engine="numba")  # hot
