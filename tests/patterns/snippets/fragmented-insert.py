# slow
# below: __setitem__ pandas/core/frame.py, _set_item pandas/core/frame.py, insert pandas/core/internals/managers.py
def lags(frame):
    for lag in range(1, 200):
        frame[f"lag_{lag}"] = frame["value"].shift(lag)  # hot
# exempt: few columns
# below: __setitem__ pandas/core/frame.py, insert pandas/core/internals/managers.py
# known: passes=12
def lags(frame):
    for lag in range(1, 13):
        frame[f"lag_{lag}"] = frame["value"].shift(lag)  # hot
