# slow
# below: __getitem__ pandas/core/frame.py, _getitem_bool_array pandas/core/frame.py
def per_user(frame):
    for user in frame["user"].unique():
        part = frame[frame["user"] == user]  # hot
        yield user, part["amount"].sum()
# exempt: few keys
# below: __getitem__ pandas/core/frame.py
# known: passes=3
def per_split(frame):
    for split in ("train", "valid", "test"):
        yield frame[frame["split"] == split]  # hot
# exempt: a range
# below: __getitem__ pandas/core/frame.py
def windows(frame):
    for start in range(0, 1000, 10):
        yield frame[(frame["time"] >= start) & (frame["time"] < start + 60)]  # hot
# slow
# below: eq pandas/core/series.py, _flex_method pandas/core/series.py
# known: looped=True given=frame
def statistics(frame, user):
    mine = frame.loc[frame.user.eq(user) & (frame["amount"] > 0.5)]  # hot
    return mine["amount"].sum()
# exempt: a table of its own for each call
# below: eq pandas/core/series.py, _flex_method pandas/core/series.py
# known: looped=True
def statistics(frame, user):
    mine = frame.loc[frame.user.eq(user) & (frame["amount"] > 0.5)]  # hot
    return mine["amount"].sum()
