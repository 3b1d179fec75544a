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
