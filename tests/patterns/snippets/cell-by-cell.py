# slow
# below: __setitem__ pandas/core/indexing.py
def fill(frame):
    for i in range(len(frame)):
        frame.loc[i, "sum"] = frame_value(i)  # hot

def frame_value(i):
    return i
# exempt: a mask, no single cell
# below: __setitem__ pandas/core/indexing.py
def fill(frame, limits):
    for name, limit in limits.items():
        frame.loc[frame[name] > limit, name] = limit  # hot
