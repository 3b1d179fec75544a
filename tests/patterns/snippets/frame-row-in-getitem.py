# slow
# below: __getitem__ pandas/core/indexing.py, _getitem_axis pandas/core/indexing.py
class Trips:
    def __getitem__(self, index):
        row = self.frame.iloc[index]  # hot
        return row["x"], row["y"]
# slow: a selection of the row
# below: __getitem__ pandas/core/series.py, _get_with pandas/core/series.py
# known: loading=True
class Trips:
    def __getitem__(self, index):
        row = self.frame.iloc[index]  # cause
        return row[NUMBERS].to_numpy()  # hot
# exempt: once
# below: __getitem__ pandas/core/indexing.py
class Trips:
    def __init__(self, frame):
        self.first = frame.iloc[0]  # hot
