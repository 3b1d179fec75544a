# slow
import torch

def bank(loader, encoder):
    features = torch.empty(0, 64)
    for items in loader:
        part = encoder(items)
        features = torch.cat([features, part])  # hot
    return features
# slow: numpy, by another name
# below: append numpy/lib/_function_base_impl.py
import numpy as np

def collect(items):
    values = np.array([])
    for item in items:
        values = np.append(values, item)  # hot
    return values
# slow: through an alias
# below: concat pandas/core/reshape/concat.py
import pandas as pd

def collect(paths):
    whole = pd.DataFrame()
    for path in paths:
        joined = pd.concat([whole, load(path)], ignore_index=True)  # hot
        whole = joined
    return whole
# exempt: a window of fixed size
import numpy as np

def follow(stream, window):
    for value in stream:
        window = np.concatenate([window, value])  # hot
        window = window[-100:]
# exempt: made anew in each pass
import torch

def pad(loader, zeros):
    for batch in loader:
        x = batch[0]
        x = torch.cat([x, zeros])  # hot
        yield x
# exempt: joined once
import pandas as pd

def collect(parts):
    return pd.concat(parts)  # hot
# exempt: it doubles, so that few passes do
import numpy as np

def fill(audio, size):
    while len(audio) < size:
        audio = np.concatenate([audio, audio])  # hot
    return audio[:size]
# slow: a row is added by its number
# below: __setitem__ pandas/core/indexing.py, _setitem_with_indexer_missing pandas/core/indexing.py
import pandas as pd

def collect(items):
    frame = pd.DataFrame(columns=["x", "y"])
    for item in items:
        frame.loc[len(frame)] = [item.x, item.y]  # hot
    return frame
# slow
# known: looped=True
import numpy as np

class Recorder:
    def __init__(self):
        self.state = {"samples": np.zeros((0, 8))}

    def on_chunk(self, block):
        self.state["samples"] = np.vstack((self.state["samples"], block))  # hot
# exempt: a buffer that another method empties
# known: looped=True
import numpy as np

class Recorder:
    def __init__(self):
        self.samples = np.zeros((0, 8))

    def on_chunk(self, block):
        self.samples = np.vstack((self.samples, block))  # hot
        if len(self.samples) > 1000:
            self.flush()

    def flush(self):
        self.file.write(self.samples.tobytes())
        self.samples = np.zeros((0, 8))
# exempt: of this call alone
# known: looped=True
import numpy as np

def joined(first, second):
    first = np.vstack((first, second))  # hot
    return first
# exempt: a window
# known: looped=True
import numpy as np

class Recorder:
    def on_chunk(self, block):
        self.samples = np.vstack((self.samples, block))  # hot
        self.samples = self.samples[-500:]
# slow: the first pass begins it, in one expression
import pandas as pd

def load(paths):
    year = pd.DataFrame()
    for path in paths:
        day = pd.read_parquet(path)
        year = day if year.empty else pd.concat([year, day], ignore_index=True)  # hot
    return year
# slow: the first pass begins it, in a branch
import pandas as pd

def load(paths):
    year = pd.DataFrame()
    for path in paths:
        day = pd.read_parquet(path)
        if len(year) == 0:
            year = day
        else:
            year = pd.concat([year, day], ignore_index=True)  # hot
    return year
