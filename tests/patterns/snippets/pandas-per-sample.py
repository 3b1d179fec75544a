# slow
# known: loading=True
# below: __getitem__ /site-packages/pandas/core/indexing.py
class Windows:
    def __getitem__(self, i):
        window = self.frame.loc[i : i + 63, self.columns]  # hot
        return window.values
# exempt: the file is read
# known: loading=True
# below: read_parquet /site-packages/pandas/io/parquet.py
import pandas as pd

class Tables:
    def __getitem__(self, i):
        return pd.read_parquet(self.paths[i]).to_numpy()  # hot
# exempt: before the loop
# below: sort_values /site-packages/pandas/core/frame.py
class Windows:
    def __init__(self, frame):
        self.frame = frame.sort_values("time")  # hot
# slow: rows that do not depend on the sample
# below: DataFrame.__getitem__ /site-packages/pandas/core/frame.py
# known: loading=True
class Known:
    def __getitem__(self, i):
        known = self.frame[self.frame["valid"] == 1]  # hot
        return known.iloc[i]
# slow: a slice of rows
# known: loading=True
# below: __getitem__ pandas/core/indexing.py
class Trips:
    def __getitem__(self, index):
        return self.frame.iloc[index : index + 64].to_numpy()  # hot
