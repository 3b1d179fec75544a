# slow
# below: new_method /site-packages/pandas/core/ops/common.py
# known: loading=True
class SalesWindows:
    def __getitem__(self, i):
        store, start = self.index[i]
        frame = self.frame
        window = frame[(frame["store"] == store) & (frame["date"] >= start)]  # hot
        return window[self.features].to_numpy()
# slow: by one key
# below: DataFrame.__getitem__ /site-packages/pandas/core/frame.py
# known: loading=True
class Sequences:
    def __getitem__(self, i):
        user = self.users[i]
        return self.events[self.events.user_id == user]["item"].values  # hot
# exempt: parts that were cut once
# known: loading=True
class Sequences:
    def __getitem__(self, i):
        return self.parts[self.users[i]]  # hot
