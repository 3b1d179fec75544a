# slow
# below: __getitem__ numpy/lib/_npyio_impl.py, read_array numpy/lib/format.py
import numpy as np

class Readings:
    def __init__(self, path):
        self.archive = np.load(path)

    def take(self, rows):
        return self.archive["X"][rows]  # hot

    def batches(self, parts):
        for rows in parts:
            yield self.take(rows)
# slow: an archive of many samples, opened for each of them
# below: __getitem__ numpy/lib/_npyio_impl.py, read_array numpy/lib/format.py
import numpy as np

class Slices:
    def __getitem__(self, i):
        n, k = self.index[i]
        volume = np.load(self.files[n])
        return volume["image"][k].astype(np.float32)  # hot
# exempt: each member once
# below: __getitem__ numpy/lib/_npyio_impl.py, read_array numpy/lib/format.py
import numpy as np

def members(path, names):
    archive = np.load(path)
    return [archive[name] for name in names]  # hot
# exempt: an archive a sample
# below: __getitem__ numpy/lib/_npyio_impl.py, read_array numpy/lib/format.py
import numpy as np

class Images:
    def __getitem__(self, index):
        with np.load(self.files[index]) as file:
            return file["image"]  # hot
